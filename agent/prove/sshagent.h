/* SPDX-License-Identifier: MIT */
/* sshagent.h - asks an SSH agent (RFC 9987, PROTOCOL.agent) over a socket that its owner may
 * do anything with: every answer is bounded in size and time. */
#ifndef DLK_PROVE_SSHAGENT_H
#define DLK_PROVE_SSHAGENT_H

#include <stdint.h>
#include <sys/types.h>

#include "prove/identities.h"

#define DLK_AGENT_REPLY_MAX (256 * 1024)

/* Deadlines are points of dlk_monotonic_ms(). -DLK_EOWNER where somebody else than `owner`
 * listens; -ETIMEDOUT; -errno, which is -ECONNREFUSED where it is no socket. */
int dlk_sshagent_connect(const char *path, uid_t owner, int64_t deadline_ms, int *ret_fd);
/* Appends the body of SSH_AGENT_IDENTITIES_ANSWER. -EACCES: it declined; -EBADMSG, -EMSGSIZE:
 * that is no answer; -EPIPE, -ETIMEDOUT, -errno. */
int dlk_sshagent_list(int fd, int64_t deadline_ms, struct dlk_buf *buf);
/* Appends the signature, with its algorithm. The same errors. */
int dlk_sshagent_sign(int fd, const struct dlk_identity *identity, struct dlk_bytes data,
    int64_t deadline_ms, struct dlk_buf *signature);

#endif
