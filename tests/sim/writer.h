#ifndef SIM_WRITER_H
#define SIM_WRITER_H

#include <stdint.h>

#include "scene.h"
#include "sound.h"

struct AVFrame;
/** One clip being written: pictures as they come, the sound in step with them. */
struct sim_writer;

/** Ticks of the clip's PTS in a second: MP4 keeps any, Matroska milliseconds. */
int sim_writer_ticks(const struct sim_scene *s);
/** "clip.mp4" or "clip.mkv". */
const char *sim_writer_name(const struct sim_scene *s);
/** sound: NULL for none; it must outlive the writer. @return 0 or -errno with words */
int sim_writer_create(struct sim_writer **ret, const struct sim_scene *s,
                      const struct sim_sound *sound, const char *path, struct cb_error *reterr);
/** Yuv420p of the scene's size; pts in ticks. */
int sim_writer_add(struct sim_writer *w, struct AVFrame *frame, int64_t pts);
/** Writes what is pending and the index. */
int sim_writer_finish(struct sim_writer *w);
void sim_writer_destroy(struct sim_writer **w);

#endif
