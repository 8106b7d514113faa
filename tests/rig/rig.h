#ifndef RIG_H
#define RIG_H

#include "bus/bus.h"

/*
 * A folder as an outbox: out/ID are sealed packages, acked/ID those the store has, aside/ID those
 * it refused (with ID.reason), alerts/NUMBER.json what is to be announced, announced: how far.
 */

/** `make FOLDER COUNT [POISON]`: packages as an edge seals them. @return exit code */
int rig_make(const char *folder, int count, const char *poison, size_t n_media_bytes);

void rig_folder_source(const char *folder, struct cb_bus_source *ret);

#endif
