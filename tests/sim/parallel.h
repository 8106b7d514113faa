#ifndef SIM_PARALLEL_H
#define SIM_PARALLEL_H

/** Calls fn(arg, i) for each i below n, in any order, on n_threads. @return 0 or -errno */
int sim_parallel(int n, int n_threads, void (*fn)(void *arg, int i), void *arg);

#endif
