#include "sound.h"
#include <stdlib.h>
int sim_sound_create(struct sim_sound **ret, const struct sim_scene *s, int n_threads)
{
    (void) ret; (void) s; (void) n_threads;
    return 0;
}
void sim_sound_destroy(struct sim_sound **s)
{
    *s = NULL;
}
