/* SPDX-License-Identifier: MIT */
/* spop.h - the door for HAProxy's stream processing offload engine (SPOP 2.0). */
#ifndef DLK_AGENT_SPOP_H
#define DLK_AGENT_SPOP_H

#include "agent/talks.h"

#define DLK_SPOP_ASKED_MAX 64 /* of one connection; HAProxy sends 20 unless it is told to */

extern const struct dlk_speaker dlk_spop_speaker;

#endif
