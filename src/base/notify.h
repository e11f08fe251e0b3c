/* SPDX-License-Identifier: ISC */
#ifndef FILEMON_BASE_NOTIFY_H
#define FILEMON_BASE_NOTIFY_H

/*
 * sd_notify(3), spoken directly: a datagram to $NOTIFY_SOCKET (a path, or an
 * abstract name with a leading '@').  Without the variable nothing happens.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

/* Takes the address from the environment and removes it there, so that no
   handler inherits it.  Call once, early. */
void notify_init(void);
/* The variables that were taken, for a program that goes on in this process:
   "NAME=value", the caller frees; NULL from the first i that there is none for. */
char *notify_env(unsigned i);
/* "READY=1\nSTATUS=..."; 1 sent, 0 no socket, -1 errno. */
int notify_send(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* The same with a descriptor, which the manager gets a copy of. */
int notify_send_fd(int fd, const char *text);
bool notify_is_there(void);
/* Half of WATCHDOG_USEC in ms, 0 where no watchdog is wanted. */
int64_t notify_watchdog_ms(void);

#endif
