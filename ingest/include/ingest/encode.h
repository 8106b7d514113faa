#ifndef INGEST_ENCODE_H
#define INGEST_ENCODE_H

#include "base/err.h"

struct cb_picture;

/** Writes pictures into a video file: H.264, or MPEG-4 where libav has no H.264 encoder. */
struct cb_encoder;

/**
 * @param file by its ending .mp4, .mkv …; another ending: MP4. What was there is overwritten.
 * @param p    a picture like those to come: size, chroma layout and range; odd sizes lose a row
 * @return 0; < 0: reterr names the file and why not
 */
int cb_encoder_create(struct cb_encoder **ret, const char *file, const struct cb_picture *p,
                      struct cb_error *reterr);
/** At p's own time; one that is not after the one before is left out. @return 0; -EINVAL: other
 * size or layout; < 0 the codec's or the file's error */
int cb_encoder_add(struct cb_encoder *e, const struct cb_picture *p);
/** Ends the file. @return < 0: it is not whole */
int cb_encoder_finish(struct cb_encoder *e);
/** Takes NULL. Without finish before, the file is of no use. */
void cb_encoder_destroy(struct cb_encoder **e);

#endif
