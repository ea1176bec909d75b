/* SPDX-License-Identifier: MIT */
/* notify.h - telling the service manager how we are: the protocol of sd_notify(3). */
#ifndef DLK_AGENT_NOTIFY_H
#define DLK_AGENT_NOTIFY_H

#include <stdint.h>

/* Opens the socket of NOTIFY_SOCKET; nothing where there is none. Before root is given up. */
void dlk_notify_open(void);
/* "READY=1", "STATUS=...". Without a manager: nothing. */
void dlk_notify(const char *state);
/* Seconds within which WATCHDOG=1 has to come; 0: nobody waits for it. */
int64_t dlk_notify_watchdog(void);

#endif
