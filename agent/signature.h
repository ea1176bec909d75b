/* SPDX-License-Identifier: MIT */
/* signature.h - Standard Webhooks 1.0: secrets and the webhook-signature header. */
#ifndef DLK_AGENT_SIGNATURE_H
#define DLK_AGENT_SIGNATURE_H

#include "base/secret.h"
#include "model/verdict.h"

#define DLK_SIGNATURE_KEYS_MAX 4
#define DLK_SIGNATURE_KEY_MIN  16 /* octets */
/* "v1," and 44 octets of base64 for each key, spaces between, a NUL */
#define DLK_SIGNATURE_TEXT (DLK_SIGNATURE_KEYS_MAX * 48 + 1)

struct dlk_signature_keys {
	struct dlk_secret key[DLK_SIGNATURE_KEYS_MAX];
	size_t n;
};
void dlk_signature_wipe(struct dlk_signature_keys *keys);

/* A line for each key, so that one can follow another: "whsec_BASE64", or the octets
 * themselves. 0, or -EINVAL with words in `finding` that show nothing of the content. */
int dlk_signature_parse(struct dlk_bytes content, struct dlk_signature_keys *ret_keys,
    struct dlk_finding *finding);
/* Over "id.timestamp.body"; out has DLK_SIGNATURE_TEXT. 0 or -errno. */
int dlk_signature_make(const struct dlk_signature_keys *keys, const char *id,
    int64_t timestamp, struct dlk_bytes body, char *out);

#endif
