/* SPDX-License-Identifier: MIT */
/* collect.h - a request out of what the PAM handle knows. */
#ifndef DLK_PAM_COLLECT_H
#define DLK_PAM_COLLECT_H

#include "model/verdict.h"
#include "options.h"

/* PAM_SUCCESS, or PAM_CONV_ERR where PAM had to ask for the name and could not. Where no
 * question can be made of what is there, the verdict is a refusal afterwards; else it stays
 * undecided. `privileged`: the caller may state where the user comes from and what sshd saw.
 */
int dlk_collect(pam_handle_t *pamh, const struct dlk_options *options, bool privileged,
    struct dlk_request *request, struct dlk_verdict *verdict);

/* Whether PAM_USER still leads to the account that was asked for: an application may have set
 * another one in its conversation, and would take a yes for that one. */
bool dlk_collect_is_still(pam_handle_t *pamh, const struct dlk_request *request);

/* That a session begins or ends; false where there is no account to note it of. */
bool dlk_collect_session(pam_handle_t *pamh, const struct dlk_options *options,
    enum dlk_session session, struct dlk_request *request);

#endif
