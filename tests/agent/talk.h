/* SPDX-License-Identifier: MIT */
/* talk.h - octets to and from a door of the agent that speaks no HTTP. Everything asserts. */
#ifndef DLK_TESTS_TALK_H
#define DLK_TESTS_TALK_H

#include "tests/agent/site.h"

#define TALK_ROOM     (1 << 20)
#define TALK_STRANGER 65533 /* a uid that may nothing */

void talk_say(int fd, const struct dlk_buf *octets);
/* False where the agent has hung up before. */
bool talk_hear(int fd, void *ret_octets, size_t n);
bool talk_is_hung_up(int fd);
void talk_add(struct dlk_buf *buf, struct dlk_bytes what);

#endif
