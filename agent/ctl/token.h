/* SPDX-License-Identifier: MIT */
/* token.h - one token, for people and for programs; never its secret. */
#ifndef DLK_AGENT_CTL_TOKEN_H
#define DLK_AGENT_CTL_TOKEN_H

#include "ctl.h"
#include "store/tokens.h"

json_t *ctl_token_json(const struct dlk_token_row *row); /* NULL: out of memory */
int ctl_token_print(const struct dlk_token_row *row);    /* one line; 0 or -1 */

#endif
