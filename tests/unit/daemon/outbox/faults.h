#ifndef TESTS_OUTBOX_FAULTS_H
#define TESTS_OUTBOX_FAULTS_H

/*
 * The system calls by which evidence and outbox change the disk, linked in with ld's --wrap: the
 * n-th of them from now can fail or be the process's last.
 */

/* FAULT_FULL: the n-th and all after it fail. FAULT_SHORT: the n-th write takes half of its bytes;
 * with an error the next call then fails. */
enum fault { FAULT_NONE, FAULT_FAILS, FAULT_FULL, FAULT_KILLS, FAULT_SHORT };

/** n from 1. error: the errno of FAULT_FAILS and, unless 0, behind FAULT_SHORT. */
void faults_set(enum fault fault, int n, int error);
/** Calls since faults_set. */
int faults_count(void);

/** The n-th allocation from now, in evidence, outbox and schema, gives NULL; 0: none. */
void faults_set_memory(int n);
/** Allocations since faults_set_memory. */
int faults_count_memory(void);

#endif
