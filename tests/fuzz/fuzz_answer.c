/* SPDX-License-Identifier: MIT */
/* Any octets as what a user answers, or as the password of a module before: the code that is
 * sent and the rest that is forwarded are the answer, or nothing is sent. */
#include <security/pam_ext.h>
#include <stdlib.h>
#include <string.h>

#include "pam/code.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libpam's side, played. */
static const char *answer, *password;
static unsigned prompts;
static int handle; /* never looked into */

int
pam_prompt(pam_handle_t *pamh, int style, char **response, const char *format, ...)
{
	(void)pamh, (void)style, (void)format;
	prompts++;
	*response = strdup(answer);
	return PAM_SUCCESS;
}

int
pam_get_item(const pam_handle_t *pamh, int type, const void **item)
{
	(void)pamh, (void)type;
	*item = password;
	return PAM_SUCCESS;
}

int
pam_set_item(pam_handle_t *pamh, int type, const void *item)
{
	(void)pamh, (void)type, (void)item;
	return PAM_SUCCESS;
}

static void
must(bool held)
{
	if (!held)
		abort();
}

static void
is_part_of(const char *text, const struct dlk_request *request, const struct dlk_secret *rest,
    size_t digits, bool forward)
{
	size_t n = strlen(text);

	must(request->code.n > 0 && request->code.n <= n && text[0] != '\b');
	must(memcmp(text + n - request->code.n, request->code.b, request->code.n) == 0);
	if (!forward && prompts)
		must(request->code.n == n);
	else
		must(request->code.n == digits);
	must(!forward ||
	     (rest->n + request->code.n == n && memcmp(text, rest->b, rest->n) == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	DLK_AUTO_REQUEST request = { 0 };
	DLK_AUTO_SECRET rest = { 0 };
	struct dlk_verdict verdict = { .reason = DLK_R_OTP_REQUIRED };

	if (size < 2)
		return 0;
	char *text = strndup((const char *)data + 2, size - 2);
	struct dlk_options options = { .first_pass = (enum dlk_first_pass)(data[0] % 3),
		.forward_pass = data[0] & 0x80 };
	verdict.code_digits = data[1];
	size_t digits = verdict.code_digits ? verdict.code_digits : 6;
	prompts = 0;
	answer = data[0] & 0x40 ? "" : text;
	password = data[0] & 0x40 ? text : NULL;
	pam_handle_t *pamh = (pam_handle_t *)(void *)&handle;
	int code = dlk_code_get(pamh, &options, &request, &rest, &verdict);
	must(code == PAM_SUCCESS && prompts <= 1);
	must(options.first_pass != DLK_FIRST_PASS_ONLY || prompts == 0);
	if (request.has_code)
		is_part_of(text, &request, &rest, digits, options.forward_pass);
	must(dlk_code_forward(pamh, &rest) == PAM_SUCCESS);
	free(text);
	return 0;
}
