#ifndef INGEST_URL_H
#define INGEST_URL_H

#include <stddef.h>

/** What may be opened for a kind of URL. */
struct cb_url_kind {
    const char *scheme;    /* "rtsp" */
    const char *protocols; /* libav's whitelist: what the stream itself may open further */
};

/** The row of the URL's scheme, that of "file" for a path; NULL: not supported. */
const struct cb_url_kind *cb_url_kind(const char *url);
/** A path's bytes where url is one ("file:" taken off), else NULL. */
const char *cb_url_path(const char *url);

#endif
