#ifndef MALLOC_FAILING_H
#define MALLOC_FAILING_H

#include <stdbool.h>

/* Memory that runs out on purpose: the linker leads our objects' malloc, calloc, realloc, strdup,
 * … here (--wrap), and jansson is told to ask here too. Other libraries keep the real one. */

/** From now on the n-th request from here fails (from 1), and with `and_on` all after it. */
void failing_arm(long n, bool and_on);
/** Memory is plentiful again. @return how many requests there were since arm */
long failing_disarm(void);
/** Makes jansson ask here; once, before anything. */
void failing_install(void);

#endif
