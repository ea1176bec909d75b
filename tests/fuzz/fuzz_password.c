/* SPDX-License-Identifier: MIT */
/* Any octets as the password of an OpenVPN client: a code that is a part of it, octet for
 * octet or in base64, or none. */
#include <stdlib.h>
#include <string.h>

#include "agent/gateways/password.h"
#include "core/pem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool held)
{
	if (!held)
		abort();
}

/* The end of the password is the code, as it is or encoded by somebody else's encoder. */
static void
is_its_end(struct dlk_bytes password, const struct dlk_secret *code)
{
	DLK_AUTO_BUF text = { 0 };

	if (code->n == 0)
		return;
	if (password.n >= code->n &&
	    memcmp(password.p + password.n - code->n, code->b, code->n) == 0)
		return;
	must(dlk_base64_encode(DLK_BYTES(code->b, code->n), &text) == 0);
	must(password.n >= text.n &&
	     memcmp(password.p + password.n - text.n, text.p, text.n) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char state[DLK_PASSWORD_STATE_MAX + 1];
	DLK_AUTO_SECRET code = { 0 };
	uint8_t *copy = malloc(size ? size : 1); /* ends where it ends */

	if (size > 0)
		memcpy(copy, data, size);
	struct dlk_bytes password = DLK_BYTES(copy, size);
	if (dlk_password_read(password, state, &code) == 0) {
		must(code.n <= sizeof(code.b) && !memchr(code.b, '\0', code.n));
		must(strlen(state) <= DLK_PASSWORD_STATE_MAX);
		is_its_end(password, &code);
	} else {
		must(code.n == 0);
	}
	if (dlk_password_decode(password, &code) == 0)
		is_its_end(password, &code);
	free(copy);
	return 0;
}
