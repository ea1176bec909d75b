/* SPDX-License-Identifier: MIT */
/* serve.h - does what the agent asks for over a socket, one thing after the other. */
#ifndef DLK_OUTWARD_SERVE_H
#define DLK_OUTWARD_SERVE_H

/* Until the agent has closed its side: 0. Else -errno, and there is nothing to go on with. */
int dlk_outward_serve(int fd);

#endif
