/* SPDX-License-Identifier: MIT */
/* password.h - the code in what an OpenVPN client sends for a password (OpenVPN's
 * doc/management-notes.txt, "Challenge/Response Protocol"). */
#ifndef DLK_AGENT_GATEWAYS_PASSWORD_H
#define DLK_AGENT_GATEWAYS_PASSWORD_H

#include "base/secret.h"

#define DLK_PASSWORD_STATE_MAX 64

/*
 * The answer to a static challenge ("SCRV1:" base64 of a password ":" base64 of the answer:
 * the password is not looked at), to a dynamic one ("CRV1::" state "::" answer), or the
 * password itself. There is none (n = 0) in an empty password and in a token of
 * auth-gen-token. The state is copied where there is one and `ret_state` is not NULL
 * (DLK_PASSWORD_STATE_MAX + 1 octets), else it is "". 0, or -EBADMSG for what only looks like
 * one of these, a code that is too long, or a NUL.
 */
int dlk_password_read(struct dlk_bytes password, char *ret_state, struct dlk_secret *ret_code);
/* Base64 of the answer alone, as CR_RESPONSE has it. 0 or -EBADMSG. */
int dlk_password_decode(struct dlk_bytes text, struct dlk_secret *ret_code);

#endif
