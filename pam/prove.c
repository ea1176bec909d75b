/* SPDX-License-Identifier: MIT */
/* prove.c - carries octets between the judge and doublelock-prove or doublelock-prove-token,
 * and a PIN to the latter. Whether they prove anything the judge finds out; a process of the
 * asking user's may have made them. */
#include "prove.h"

#include <errno.h>
#include <limits.h>
#include <security/pam_ext.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/text.h"
#include "child.h"
#include "wire/challenge.h"
#include "wire/client.h"
#include "wire/frame.h"

#define SEND_MS   5000
#define TOKEN_MAX 64 /* characters of a token's name */

/* What stands in a prompt is the name of a token, which anybody can have chosen. */
static bool
is_printable(struct dlk_bytes text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < 0x20 || text.p[i] > 0x7e)
			return false;
	return text.n > 0 && text.n <= TOKEN_MAX;
}

static void
free_answer(char **answer)
{
	if (*answer)
		explicit_bzero(*answer, strlen(*answer));
	free(*answer);
}

static int
send_pin(int fd, const char *pin)
{
	DLK_AUTO_BUF frame = { 0 };
	struct dlk_bytes octets = dlk_bytes_str(pin);
	int error = octets.n > DLK_SECRET_MAX ? -EMSGSIZE
					      : dlk_prove_pack(DLK_PROVE_PIN, octets, &frame);

	return error ? error
		     : dlk_frame_send(fd, dlk_bytes_of(&frame), dlk_monotonic_ms() + SEND_MS);
}

/* Asks for the token's PIN, or says that its reader does. */
static int
relay_pin(pam_handle_t *pamh, int fd, struct dlk_bytes content)
{
	__attribute__((cleanup(free_answer))) char *answer = NULL;
	unsigned how = content.n > 0 ? content.p[0] : DLK_PIN_ON_READER + 1;
	struct dlk_bytes name = DLK_BYTES(content.p + 1, content.n - (content.n > 0));
	int n = (int)name.n;

	if (how > DLK_PIN_ON_READER || !is_printable(name))
		return -EBADMSG;
	if (how == DLK_PIN_ON_READER) {
		(void)pam_info(pamh, "Enter the PIN for %.*s on its reader.", n, name.p);
		return 0;
	}
	if (pam_prompt(pamh, PAM_PROMPT_ECHO_OFF, &answer, "PIN for %.*s%s: ", n, name.p,
		how == DLK_PIN_LAST_TRY ? " (the last try before it is locked)" : "") !=
	    PAM_SUCCESS)
		free_answer(&answer), answer = NULL;
	return send_pin(fd, answer);
}

/* The answer; before it a token may ask for its PIN, once. */
static int
hear(pam_handle_t *pamh, int fd, struct dlk_buf *answer)
{
	for (int turn = 0; turn < 2; turn++) {
		DLK_AUTO_BUF frame = { 0 };
		struct dlk_bytes content;
		enum dlk_prove what;
		int error = dlk_frame_receive(fd, dlk_monotonic_ms() + DLK_PROVE_MS, &frame);

		if (error == 0)
			error = dlk_prove_unpack(dlk_bytes_of(&frame), &what, &content);
		if (error == 0 && what == DLK_PROVE_ANSWER)
			return dlk_buf_add(answer, DLK_ANSWER_MAX, content);
		if (error == 0)
			error = what == DLK_PROVE_NEED_PIN && turn == 0
				    ? relay_pin(pamh, fd, content)
				    : -EBADMSG;
		if (error != 0)
			return error;
	}
	return -EBADMSG;
}

static int
run(pam_handle_t *pamh, const char *program, const char *user, struct dlk_bytes challenge,
    struct dlk_buf *answer)
{
	DLK_AUTO_BUF frame = { 0 };
	pid_t pid;
	int fd = -1;
	int error = dlk_prove_pack(DLK_PROVE_CHALLENGE, challenge, &frame);

	if (error == 0)
		error = dlk_child_start(program, user, NULL, &pid, &fd);
	if (error != 0)
		return error;
	error = dlk_frame_send(fd, dlk_bytes_of(&frame), dlk_monotonic_ms() + SEND_MS);
	if (error == 0)
		error = hear(pamh, fd, answer);
	dlk_child_end(pid, &fd, dlk_monotonic_ms()); /* its answer is its last word */
	return error;
}

void
dlk_prove(pam_handle_t *pamh, const struct dlk_options *options, struct dlk_bytes challenge,
    struct dlk_request *request)
{
	bool token = dlk_challenge_by(challenge) == DLK_POSSESSION_TOKEN;
	struct dlk_answer none = { .trouble = DLK_TROUBLE_INTERNAL };
	char program[PATH_MAX];
	int error = 0;

	dlk_buf_free(&request->answer);
	dlk_text_print(
	    program, sizeof(program), "%s%s", options->prove, token ? "-token" : "");
	if (!token && !request->asker[0])
		none.trouble = DLK_TROUBLE_NOBODY;
	else
		error = run(
		    pamh, program, token ? NULL : request->asker, challenge, &request->answer);
	if (error != 0)
		pam_syslog(pamh, LOG_ERR, "%s: %s", program, dlk_client_error(error));
	if (request->answer.n == 0 && dlk_answer_encode(&none, &request->answer) != 0)
		dlk_buf_free(&request->answer); /* the judge has had no answer then */
}
