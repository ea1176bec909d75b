/* SPDX-License-Identifier: MIT */
/* outcome.h - a verdict as PAM's return code and one line in the log. */
#ifndef DLK_PAM_OUTCOME_H
#define DLK_PAM_OUTCOME_H

#include <security/pam_modules.h>

#include "model/verdict.h"

/* Makes the verdict a refusal of the module's own: reason and words, and nothing else in it
 * that could be taken for a judgement. */
void dlk_outcome_refuse(struct dlk_verdict *verdict, enum dlk_reason reason,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The code: claimant and lock PAM_AUTH_ERR, operator and system PAM_AUTHINFO_UNAVAIL,
 * PAM_SUCCESS only for ok with its record and for the user who was asked for, PAM_IGNORE only
 * for a recorded judgement under observe. Not PAM_MAXTRIES: sshd's clients misbehave then. */
int dlk_outcome(
    pam_handle_t *pamh, const struct dlk_request *request, const struct dlk_verdict *verdict);

#endif
