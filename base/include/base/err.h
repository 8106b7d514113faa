#ifndef BASE_ERR_H
#define BASE_ERR_H

/**
 * Words for the user beside a negative errno: the thing or place, and what was expected.
 * The memory is the caller's; a function fills it only when it returns < 0.
 */
struct cb_error {
    char where[192]; /* "city.yaml:14 cameras[2].url" */
    char text[256];  /* "is a text file, expected a picture or sound stream" */
};

/** Fills reterr (NULL is fine) and returns code, so that callers write `return cb_error_set(…)`. */
int cb_error_set(struct cb_error *reterr, int code, const char *where, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
