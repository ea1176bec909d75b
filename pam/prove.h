/* SPDX-License-Identifier: MIT */
/* prove.h - has a key prove itself, where the judge asks for it. */
#ifndef DLK_PAM_PROVE_H
#define DLK_PAM_PROVE_H

#include "model/request.h"
#include "options.h"

#ifndef DLK_PROVE_MS
#define DLK_PROVE_MS 50000 /* below the minute that a challenge holds */
#endif

/* Hands the challenge to doublelock-prove, which becomes the request's asker, and puts its
 * answer into the request; where there is none, that it is so. Neither is taken apart. */
void dlk_prove(pam_handle_t *pamh, const struct dlk_options *options,
    struct dlk_bytes challenge, struct dlk_request *request);

#endif
