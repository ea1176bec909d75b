/* SPDX-License-Identifier: MIT */
/* Any octets as SSH_AUTH_INFO_0 and as a key: what is taken is written and read as the same.
 */
#include <stdlib.h>

#include "core/sshkey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(enum dlk_reason reason, struct dlk_sshkey *key, const struct dlk_finding *finding)
{
	DLK_AUTO_SSHKEY again = { .type = "" };
	DLK_AUTO_BUF text = { 0 };

	if (reason != DLK_R_OK) {
		if (finding->reason != reason || !finding->detail[0] || key->blob.n > 0)
			abort();
		return;
	}
	if (dlk_sshkey_text(key, &text) != 0 ||
	    dlk_sshkey_parse(dlk_bytes_of(&text), &again, NULL) != DLK_R_OK ||
	    !dlk_sshkey_equal(key, &again))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	DLK_AUTO_SSHKEY named = { .type = "" }, typed = { .type = "" };
	struct dlk_finding finding = { 0 };

	check(dlk_sshkey_parse_auth_info(DLK_BYTES(data, size), &named, &finding), &named,
	    &finding);
	finding = (struct dlk_finding){ 0 };
	check(dlk_sshkey_parse(DLK_BYTES(data, size), &typed, &finding), &typed, &finding);
	return 0;
}
