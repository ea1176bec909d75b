/* SPDX-License-Identifier: MIT */
/* process.h - a process, its parent, and since when each of them is there. */
#ifndef DLK_AGENT_PROCESS_H
#define DLK_AGENT_PROCESS_H

#include "model/request.h"

/* What the kernel says; where it says nothing (another namespace, hidepid) all is 0. */
void dlk_process_know(pid_t pid, struct dlk_process *ret_process);

#endif
