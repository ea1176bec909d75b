/* SPDX-License-Identifier: MIT */
/* errand.h - what the PAM module sends a prover, and hears of it, over descriptor 0. */
#ifndef DLK_PROVE_ERRAND_H
#define DLK_PROVE_ERRAND_H

#include "wire/challenge.h"

/* The process that started this one and that made the socket: one and the same. -errno. */
int dlk_errand_parent(pid_t *ret_pid);
/* The octets of the challenge, not taken apart. 0 or -errno. */
int dlk_errand_receive(struct dlk_buf *octets);
/* 0 or -errno; an answer that cannot be sent is trouble. */
int dlk_errand_answer(const struct dlk_answer *answer);

#endif
