/* SPDX-License-Identifier: MIT */
/* attempt.h - the attempts of one peer are no other's: who could say beforehand which one
 * somebody else's login will be would have it ended before it begins. */
#ifndef DLK_AGENT_ATTEMPT_H
#define DLK_AGENT_ATTEMPT_H

#include "model/request.h"

/* Makes of the id that this peer has sent ("uid:33", "tls:edge1") the one that it has here.
 * Zeros, which are none, stay. 0 or -ENOMEM. */
int dlk_attempt_of_peer(const char *peer, uint8_t attempt[DLK_ATTEMPT_SIZE]);

#endif
