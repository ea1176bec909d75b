/* SPDX-License-Identifier: MIT */
/* code.c - gets the code and tells it from a password. Whether it is right is not known here,
 * and every copy that was made is wiped. */
#include "code.h"

#include <security/pam_ext.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define DIGITS_DEFAULT 6

static void
free_answer(char **answer)
{
	if (*answer)
		explicit_bzero(*answer, strlen(*answer));
	free(*answer);
}

static void
explain(struct dlk_verdict *verdict, const char *why)
{
	dlk_text_copy(verdict->detail, sizeof(verdict->detail), why);
}

/* What no code can be is not judged, so that it counts against nobody. */
static bool
is_answer(const char *text, struct dlk_verdict *verdict)
{
	if (text[0] == '\0')
		explain(verdict, "no code was entered");
	else if (text[0] == '\b') /* what sshd answers itself, "\b\n\r\177INCORRECT" */
		explain(verdict, "sshd itself refuses this user and sent no answer of theirs");
	else if (strnlen(text, DLK_SECRET_MAX + 1) > DLK_SECRET_MAX)
		explain(verdict, "the answer is too long to be a code");
	else
		return true;
	return false;
}

/* Octets of `text` in front of its last `digits` digits; all of them where these are none. */
static size_t
before_code(const char *text, size_t digits)
{
	size_t n = strlen(text);

	if (n < digits)
		return n;
	for (size_t i = n - digits; i < n; i++)
		if (text[i] < '0' || text[i] > '9')
			return n;
	return n - digits;
}

static void
set_code(struct dlk_request *request, const char *text)
{
	request->has_code =
	    text[0] != '\0' && dlk_secret_set(&request->code, dlk_bytes_str(text)) == 0;
}

/* "PASSWORDCODE". */
static void
split(const char *text, const struct dlk_options *options, struct dlk_request *request,
    struct dlk_secret *rest, struct dlk_verdict *verdict)
{
	size_t digits = verdict->code_digits ? verdict->code_digits : DIGITS_DEFAULT;
	size_t n = before_code(text, digits);

	set_code(request, text + n);
	if (!request->has_code)
		explain(verdict, "no code stands at the end of the password");
	if (options->forward_pass)
		dlk_secret_set(rest, DLK_BYTES(text, n));
}

static const char *
first_pass(pam_handle_t *pamh, const struct dlk_options *options)
{
	const void *text = NULL;

	if (options->first_pass == DLK_FIRST_PASS_NONE ||
	    pam_get_item(pamh, PAM_AUTHTOK, &text) != PAM_SUCCESS)
		return NULL;
	return text;
}

static int
prompt(pam_handle_t *pamh, const struct dlk_options *options, struct dlk_request *request,
    struct dlk_secret *rest, struct dlk_verdict *verdict)
{
	__attribute__((cleanup(free_answer))) char *answer = NULL;

	if (pam_prompt(pamh, PAM_PROMPT_ECHO_OFF, &answer, "%s", DLK_PROMPT) != PAM_SUCCESS ||
	    !answer)
		return PAM_CONV_ERR;
	if (!is_answer(answer, verdict))
		return PAM_SUCCESS;
	if (options->forward_pass)
		split(answer, options, request, rest, verdict);
	else
		set_code(request, answer);
	return PAM_SUCCESS;
}

int
dlk_code_get(pam_handle_t *pamh, const struct dlk_options *options,
    struct dlk_request *request, struct dlk_secret *rest, struct dlk_verdict *verdict)
{
	const char *password = first_pass(pamh, options);

	if (password && is_answer(password, verdict))
		split(password, options, request, rest, verdict);
	else if (!password)
		explain(verdict, "no module before this one asked for a password");
	if (request->has_code || options->first_pass == DLK_FIRST_PASS_ONLY)
		return PAM_SUCCESS;
	return prompt(pamh, options, request, rest, verdict);
}

int
dlk_code_forward(pam_handle_t *pamh, const struct dlk_secret *rest)
{
	char text[DLK_SECRET_MAX + 1] = { 0 };

	if (rest->n == 0)
		return PAM_SUCCESS;
	memcpy(text, rest->b, rest->n);
	int result = pam_set_item(pamh, PAM_AUTHTOK, text);
	explicit_bzero(text, sizeof(text));
	return result;
}
