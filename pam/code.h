/* SPDX-License-Identifier: MIT */
/* code.h - the one-time code: from the prompt, or from the end of a password. */
#ifndef DLK_PAM_CODE_H
#define DLK_PAM_CODE_H

#include "model/verdict.h"
#include "options.h"

#define DLK_PROMPT "Verification code: " /* other programs match it */

/* Asks at most once. PAM_SUCCESS and a code in the request; or PAM_SUCCESS, no code there and
 * why in the verdict's detail; or PAM_CONV_ERR. `verdict` is the otp-required one that says
 * how long a code is. `rest`: under forward_pass, what stood before the code. */
int dlk_code_get(pam_handle_t *pamh, const struct dlk_options *options,
    struct dlk_request *request, struct dlk_secret *rest, struct dlk_verdict *verdict);
/* Leaves the rest to the module that follows, as PAM_AUTHTOK. An empty one is left out: the
 * next module asks then, and no account without a password opens by it. A PAM code. */
int dlk_code_forward(pam_handle_t *pamh, const struct dlk_secret *rest);

#endif
