#ifndef DAEMON_HASH_PEM_H
#define DAEMON_HASH_PEM_H

/** Private to hash/: for libcrypto's readers, which would ask for a passphrase at the terminal. */
int cb_pem_no_passphrase(char *buf, int size, int is_writing, void *arg);

#endif
