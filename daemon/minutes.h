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

int cb_minutes_create(struct cb_minutes **ret, size_t n_cameras);
void cb_minutes_destroy(struct cb_minutes **m);
/** Before anything is added: the id of camera i. */
void cb_minutes_name(struct cb_minutes *m, size_t i, const char *camera, int64_t now_utc_ns);

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
