/* SPDX-License-Identifier: MIT */
/*
 * openvpn_login.c - what becomes of a verdict. OpenVPN's thread asks by itself where there is
 * a line to the agent, and waits a few milliseconds for a quick answer, because it looks at
 * one that comes later only once a second; it never waits twice where the agent is slow. What
 * takes longer is a thread's. A code is asked for in this order: CR_TEXT while the client
 * waits, then a dynamic challenge, for which it has to come again. Everything that goes wrong
 * is a no.
 */
#include "openvpn_login.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "wire/client.h"
#include "wire/frame.h"

struct dlk_login {
	struct dlk_chore chore; /* first */
	struct dlk_entry *entry;
	struct dlk_request request;
	struct dlk_verdict verdict;
	int fd;              /* to the agent */
	int control, reason; /* files of OpenVPN's */
	int64_t deadline;
	bool crtext, named;
	bool said; /* the question is with the agent, on fd */
	/* under the lock */
	bool asking;   /* a thread has it */
	bool dropped;  /* nobody waits for it */
	bool later;    /* OpenVPN looks at the control file */
	bool prompted; /* the client was asked for the code */
	bool allowed;
	struct dlk_secret code; /* that came while the certificate was judged */
};

static void run(struct dlk_chore *chore);

static void
free_login(struct dlk_login *login)
{
	dlk_request_fini(&login->request);
	dlk_secret_wipe(&login->code);
	dlk_fd_close(&login->fd);
	dlk_fd_close(&login->control);
	dlk_fd_close(&login->reason);
	free(login);
}

/* --- files of OpenVPN's ------------------------------------------------------------------ */

/* Opened now: where the client is gone OpenVPN removes it, and nobody makes it again. */
static int
open_file(const char *path)
{
	return path && path[0] ? open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
			       : -1;
}

static bool
write_all(int fd, const char *text)
{
	size_t n = strlen(text);

	return fd >= 0 && pwrite(fd, text, n, 0) == (ssize_t)n;
}

static bool
ask_client(struct dlk_login *login, const char *pending)
{
	char text[256];
	DLK_AUTO_FD fd = open_file(pending);

	dlk_text_print(text, sizeof(text), "%d\ncrtext\nCR_TEXT:R,E:%s\n", DLK_LOGIN_CODE_S,
	    login->entry->prompt);
	login->prompted = write_all(fd, text);
	return login->prompted;
}

/* --- under the lock ---------------------------------------------------------------------- */

static void
say(struct dlk_entry *entry, const struct dlk_login *login)
{
	const struct dlk_verdict *v = &login->verdict;

	if (entry->n_said < sizeof(entry->said) / sizeof(entry->said[0]))
		dlk_text_print(entry->said[entry->n_said++], sizeof(entry->said[0]),
		    "%s: %s: %.300s%s%s", login->request.service, dlk_reason_str(v->reason),
		    v->detail, v->event[0] ? ", event " : "", v->event);
}

/* What the person at the other end may know; faults are nobody's business. */
static const char *
words_for_client(const struct dlk_verdict *v)
{
	enum dlk_blame blame = dlk_reason_blame(v->reason);

	return blame == DLK_BLAME_CLAIMANT || blame == DLK_BLAME_LOCK
		   ? dlk_reason_meaning(v->reason)
		   : "the login cannot be decided now";
}

/* A new one takes the place of the oldest. */
static void
keep_state(struct dlk_login *login)
{
	struct dlk_entry *entry = login->entry;
	struct dlk_state *state = &entry->state[entry->next_state++ % DLK_STATES];

	state->certificate.n = 0;
	if (dlk_buf_add(&state->certificate, DLK_EVIDENCE_MAX,
		dlk_bytes_of(&login->request.evidence)) == 0)
		memcpy(state->attempt, login->request.attempt, sizeof(state->attempt));
}

static size_t
encode(const char *text, char *out)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = strlen(text), at = 0;

	for (size_t i = 0; i < n; i += 3) {
		uint32_t bits = (uint32_t)(uint8_t)text[i] << 16;
		bits |= i + 1 < n ? (uint32_t)(uint8_t)text[i + 1] << 8 : 0;
		bits |= i + 2 < n ? (uint32_t)(uint8_t)text[i + 2] : 0;
		out[at++] = digits[bits >> 18];
		out[at++] = digits[bits >> 12 & 63];
		out[at++] = i + 1 < n ? digits[bits >> 6 & 63] : '=';
		out[at++] = i + 2 < n ? digits[bits & 63] : '=';
	}
	out[at] = '\0';
	return at;
}

/* "CRV1:" flags ":" state ":" base64 of the user ":" text */
static void
challenge(struct dlk_login *login)
{
	char user[4 * (DLK_NAME_MAX / 3 + 1) + 1], state[2 * DLK_ATTEMPT_SIZE + 1];
	char text[sizeof(user) + 256];

	keep_state(login);
	(void)encode(login->request.user, user);
	dlk_hex(DLK_BYTES(login->request.attempt, DLK_ATTEMPT_SIZE), state);
	dlk_text_print(
	    text, sizeof(text), "CRV1:R,E:%s:%s:%s", state, user, login->entry->prompt);
	(void)write_all(login->reason, text);
}

static bool
lacks_code(const struct dlk_login *login)
{
	return login->verdict.reason == DLK_R_OTP_REQUIRED && !login->request.has_code &&
	       login->verdict.event[0];
}

/* The last word but for CR_TEXT. */
static enum dlk_outcome
conclude(struct dlk_login *login)
{
	login->allowed = dlk_inquiry_allows(&login->request, &login->verdict);
	if (login->allowed)
		return DLK_OUTCOME_YES;
	say(login->entry, login);
	if (lacks_code(login) && login->named)
		challenge(login);
	else
		(void)write_all(login->reason, words_for_client(&login->verdict));
	return DLK_OUTCOME_NO;
}

/* In a thread, for OpenVPN to find. */
static void
conclude_later(struct dlk_login *login)
{
	enum dlk_outcome outcome = conclude(login);

	(void)write_all(login->control, outcome == DLK_OUTCOME_YES ? "1" : "0");
	dlk_fd_close(&login->fd);
}

static bool
submit(struct dlk_login *login)
{
	login->deadline = dlk_monotonic_ms() + DLK_LOGIN_MS;
	login->asking = true;
	if (dlk_pool_add(login->entry->pool, &login->chore))
		return true;
	login->asking = false;
	memset(&login->verdict, 0, sizeof(login->verdict));
	login->verdict.reason = DLK_R_FAULT_INTERNAL;
	dlk_text_copy(login->verdict.detail, sizeof(login->verdict.detail),
	    "too many logins wait for the agent");
	return false;
}

/* The second half of the attempt. */
static void
send_code(struct dlk_login *login)
{
	login->request.has_code = true;
	login->request.code = login->code;
	dlk_secret_wipe(&login->code);
	if (!submit(login))
		conclude_later(login);
}

/* A slow answer is one all the same: the agent does not hang. */
static void
be_patient_again(struct dlk_entry *entry, const struct dlk_verdict *verdict)
{
	int64_t soon = dlk_monotonic_ms() + DLK_LOGIN_REST_MS;

	if (verdict->reason != DLK_R_FAULT_INTERNAL && soon < entry->slow_until)
		entry->slow_until = soon;
}

static void
answered(struct dlk_login *login)
{
	login->asking = false;
	be_patient_again(login->entry, &login->verdict);
	if (!login->later)
		pthread_cond_signal(&login->entry->answered);
	else if (!lacks_code(login) || !login->prompted)
		conclude_later(login);
	else if (login->code.n > 0)
		send_code(login);
	/* else the client is being asked */
}

/* --- in a thread --------------------------------------------------------------------------
 */

static void
run(struct dlk_chore *chore)
{
	struct dlk_login *login = (struct dlk_login *)(void *)chore;
	struct dlk_entry *entry = login->entry;
	struct dlk_verdict verdict;

	if (login->said)
		dlk_inquiry_hear(entry->agent, &login->fd, login->deadline, &verdict);
	else
		dlk_inquiry_put(entry->agent, entry->uid, &login->fd, &login->request,
		    login->deadline, &verdict);
	pthread_mutex_lock(&entry->lock);
	login->said = false;
	login->verdict = verdict;
	if (!login->dropped)
		answered(login);
	bool dropped = login->dropped;
	pthread_mutex_unlock(&entry->lock);
	if (dropped)
		free_login(login);
}

/* --- in OpenVPN's thread ------------------------------------------------------------------
 */

/* Until then OpenVPN's thread waits, in monotonic ms. */
static int64_t
patience(const struct dlk_entry *entry)
{
	int64_t now = dlk_monotonic_ms();

	return now < entry->slow_until ? now : now + DLK_LOGIN_QUICK_MS;
}

/* On the line that stands, without the lock: nobody else knows of this login yet. True: it is
 * answered. Where the line turns out to be none, a thread asks anew: the attempt is the same.
 */
static bool
ask_directly(struct dlk_login *login, int64_t until)
{
	login->fd = dlk_line_take(login->entry->line);
	if (login->fd < 0)
		return false;
	if (dlk_client_say(login->fd, &login->request, until) != 0) {
		dlk_fd_close(&login->fd);
		return false;
	}
	int error = dlk_client_hear(login->fd, until, &login->verdict, NULL);
	login->said = error == -ETIMEDOUT;
	if (error != 0 && !login->said)
		dlk_fd_close(&login->fd);
	return error == 0;
}

/* True: it is answered. */
static bool
wait_a_moment(struct dlk_login *login, int64_t until)
{
	struct dlk_entry *entry = login->entry;
	const struct timespec then = { .tv_sec = until / 1000,
		.tv_nsec = until % 1000 * 1000000L };

	while (login->asking && dlk_monotonic_ms() < until)
		if (pthread_cond_timedwait(&entry->answered, &entry->lock, &then) != 0)
			break;
	int64_t now = dlk_monotonic_ms();
	if (login->asking && now >= entry->slow_until)
		entry->slow_until = now + DLK_LOGIN_SLOW_MS;
	return !login->asking;
}

/* Where the agent has not said yet whether it wants a code, the client is asked all the same:
 * OpenVPN sends the question now or never. */
static enum dlk_outcome
settle_now(struct dlk_login *login, const char *pending, int64_t until)
{
	bool done = wait_a_moment(login, until);

	if (done && !(lacks_code(login) && login->crtext))
		return conclude(login);
	if (login->control < 0 || (done && !ask_client(login, pending)))
		return conclude(login);
	if (!done && login->crtext && !login->request.has_code && !login->request.renews)
		(void)ask_client(login, pending);
	login->later = true;
	return DLK_OUTCOME_LATER;
}

/* A client that comes back goes on with the attempt of the challenge, once, where it shows the
 * same certificate. */
static void
resume(struct dlk_entry *entry, const char *text, struct dlk_request *request)
{
	uint8_t attempt[DLK_ATTEMPT_SIZE];

	if (dlk_unhex(text, attempt, sizeof(attempt)) < 0)
		return;
	for (size_t i = 0; i < DLK_STATES; i++) {
		struct dlk_state *state = &entry->state[i];
		if (state->certificate.n == 0 ||
		    !dlk_octets_equal(state->attempt, attempt, sizeof(attempt)) ||
		    !dlk_bytes_equal(
			dlk_bytes_of(&state->certificate), dlk_bytes_of(&request->evidence)))
			continue;
		memcpy(request->attempt, attempt, sizeof(attempt));
		state->certificate.n = 0;
	}
}

static struct dlk_login *
new_login(struct dlk_entry *entry, struct dlk_request *request, const struct dlk_asked *asked)
{
	struct dlk_login *login = calloc(1, sizeof(*login));

	if (!login)
		return NULL;
	*login = (struct dlk_login){ .chore.run = run,
		.entry = entry,
		.request = *request,
		.fd = -1,
		.control = open_file(asked->control),
		.reason = open_file(asked->reason),
		.crtext = asked->crtext,
		.named = asked->named };
	explicit_bzero(request, sizeof(*request)); /* moved */
	return login;
}

/* Under the lock. */
static enum dlk_outcome
begin(struct dlk_login *login, const char *pending)
{
	struct dlk_entry *entry = login->entry;
	int64_t until = patience(entry);

	pthread_mutex_unlock(&entry->lock);
	bool answered = ask_directly(login, until);
	pthread_mutex_lock(&entry->lock);
	return answered || submit(login) ? settle_now(login, pending, until) : conclude(login);
}

enum dlk_outcome
dlk_login_begin(struct dlk_entry *entry, struct dlk_request *request,
    const struct dlk_asked *asked, struct dlk_login **ret_login, struct dlk_verdict *verdict)
{
	enum dlk_outcome outcome = DLK_OUTCOME_NO;

	*ret_login = NULL;
	memset(verdict, 0, sizeof(*verdict));
	pthread_mutex_lock(&entry->lock);
	resume(entry, asked->state, request);
	struct dlk_login *login = new_login(entry, request, asked);
	if (login) {
		outcome = begin(login, asked->pending);
		*verdict = login->verdict;
	}
	if (outcome == DLK_OUTCOME_LATER)
		*ret_login = login;
	else if (login && login->asking)
		login->dropped = true;
	else if (login)
		free_login(login);
	pthread_mutex_unlock(&entry->lock);
	return outcome;
}

void
dlk_login_answer(struct dlk_login *login, const struct dlk_secret *code)
{
	struct dlk_entry *entry = login->entry;

	pthread_mutex_lock(&entry->lock);
	if (login->prompted && !login->request.has_code && login->code.n == 0) {
		login->code = *code;
		if (!login->asking && lacks_code(login) && code->n > 0)
			send_code(login);
		else if (!login->asking && lacks_code(login))
			conclude_later(login);
	}
	pthread_mutex_unlock(&entry->lock);
}

bool
dlk_login_allowed(struct dlk_login *login, struct dlk_verdict *ret_verdict)
{
	pthread_mutex_lock(&login->entry->lock);
	bool allowed = login->allowed;
	if (allowed)
		*ret_verdict = login->verdict;
	pthread_mutex_unlock(&login->entry->lock);
	return allowed;
}

void
dlk_login_drop(struct dlk_login *login)
{
	if (!login)
		return;
	struct dlk_entry *entry = login->entry;
	pthread_mutex_lock(&entry->lock);
	bool asking = login->asking;
	login->dropped = true;
	pthread_mutex_unlock(&entry->lock);
	if (!asking)
		free_login(login);
}

/* --- sessions -----------------------------------------------------------------------------
 */

struct note {
	struct dlk_chore chore; /* first */
	struct dlk_entry *entry;
	struct dlk_request request;
};

static void
tell(struct dlk_chore *chore)
{
	struct note *note = (struct note *)(void *)chore;
	struct dlk_verdict verdict;
	DLK_AUTO_FD fd = -1;

	dlk_inquiry_put(note->entry->agent, note->entry->uid, &fd, &note->request,
	    dlk_monotonic_ms() + DLK_LOGIN_MS, &verdict);
	dlk_request_fini(&note->request);
	free(note);
}

void
dlk_login_note(struct dlk_entry *entry, struct dlk_request *request)
{
	struct note *note = calloc(1, sizeof(*note));

	if (!note)
		return;
	note->chore.run = tell;
	note->entry = entry;
	note->request = *request;
	explicit_bzero(request, sizeof(*request)); /* moved */
	if (!dlk_pool_add(entry->pool, &note->chore)) {
		dlk_request_fini(&note->request);
		free(note);
	}
}
