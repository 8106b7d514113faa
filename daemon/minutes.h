#ifndef DAEMON_MINUTES_H
#define DAEMON_MINUTES_H

#include <stddef.h>
#include <stdint.h>

struct cb_passage;
struct cb_noise_level;

/**
 * What is kept of those who keep the rules: counts, mean and 85th-percentile speed, LAeq, by
 * camera and minute of UTC. Closed rows wait in memory, bounded, until someone keeps them; a kill
 * loses the minutes under way. Thread-safe; the lock is a leaf.
 */
struct cb_minutes;

int cb_minutes_create(struct cb_minutes **ret);
void cb_minutes_destroy(struct cb_minutes **m);
/** From now on the minutes of this camera are counted, perhaps again. @return its i, or -ENOMEM */
int cb_minutes_add_camera(struct cb_minutes *m, const char *camera, int64_t now_utc_ns);
/** What is under way is still told, and what comes late; no more empty minutes. */
void cb_minutes_remove_camera(struct cb_minutes *m, size_t i);

void cb_minutes_add_passage(struct cb_minutes *m, size_t i, int64_t utc_ns,
                            const struct cb_passage *p);
void cb_minutes_add_level(struct cb_minutes *m, size_t i, int64_t utc_ns,
                          const struct cb_noise_level *l);
/** Closes the minutes that nothing more can come to. */
void cb_minutes_tick(struct cb_minutes *m, int64_t now_utc_ns);

/** The rows that wait, as JSON, yours to free, under a number. @return 0; -EAGAIN: none */
int cb_minutes_next(struct cb_minutes *m, uint64_t *ret_number, char **ret_json);
/** The rows given under that number are kept. */
void cb_minutes_done(struct cb_minutes *m, uint64_t number);

#endif
