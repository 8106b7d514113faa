#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include <stdint.h>

/**
 * Tells the service manager how things stand (the datagram protocol of sd_notify(3)).
 * state: "READY=1", "STOPPING=1", "WATCHDOG=1", perhaps more lines as "\nSTATUS=…".
 * @return 0, also when no manager listens ($NOTIFY_SOCKET); -errno
 */
int cb_notify(const char *state);
/** How often it wants to hear "WATCHDOG=1": half of $WATCHDOG_USEC, ns; 0: not at all. */
int64_t cb_notify_watchdog_ns(void);

#endif
