/* SPDX-License-Identifier: MIT */
/*
 * helper.c - doublelock-helper: the judge as a child of the PAM module, one login each.
 *
 * It is root's for a moment. It gives that up, and proves it, before it reads a byte; what a
 * request could do to the parsers of certificates it does to user `doublelock`. Descriptor 0
 * is a socket to the module; there is nothing else. After a challenge and after
 * otp-required it stays for what follows in the same attempt, so that one login opens
 * configuration and trust once, unless they have changed, and whoever answers a challenge is
 * heard by whoever made it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/owner.h"
#include "base/say.h"
#include "base/text.h"
#include "config/engine.h"
#include "confine.h"
#include "core/digest.h"
#include "core/proof.h"
#include "process.h"
#include "sandbox.h"
#include "store/events.h"
#include "watch.h"
#include "wire/challenge.h"
#include "wire/frame.h"

#define FIRST_MS 10000                     /* for the request itself */
#define NEXT_MS  (DLK_ATTEMPT_LIFE * 1000) /* for a proof, and for the code */
#define REQUESTS 3                         /* of one login: alone, with a proof, with a code */
#define SEND_MS  5000

enum { EXIT_DONE = 0, EXIT_USAGE = 2, EXIT_FAULT = 3 };

struct helper {
	const char *config;
	struct dlk_caller caller;
	struct dlk_dialogue dialogue;
	uint8_t attempt[DLK_ATTEMPT_SIZE];
	struct dlk_engine *engine; /* from the first request on */
	uint64_t print;            /* of the files that it was made of */
};

static int
send_verdict(const struct dlk_verdict *verdict, const struct dlk_challenge *challenge)
{
	DLK_AUTO_BUF frame = { 0 }, asked = { 0 };
	int error = challenge ? dlk_challenge_encode(challenge, &asked) : 0;

	if (error == 0)
		error = dlk_verdict_encode_with(verdict, dlk_bytes_of(&asked), &frame);
	if (error == 0)
		error = dlk_frame_send(
		    STDIN_FILENO, dlk_bytes_of(&frame), dlk_monotonic_ms() + SEND_MS);
	if (error != 0)
		dlk_say(DLK_ERROR, "verdict '%s' (event %s) could not be sent: %s",
		    dlk_reason_str(verdict->reason), verdict->event, dlk_file_error(error));
	return error;
}

/* Something of ours failed; the operator reads it here and in the module's line. */
static int
send_fault(enum dlk_reason reason, const char *what, int error)
{
	struct dlk_verdict verdict = { .reason = reason };

	dlk_text_print(verdict.detail, sizeof(verdict.detail), "doublelock-helper: %s: %s",
	    what, dlk_file_error(error));
	dlk_say(DLK_ERROR, "%s: %s", what, dlk_file_error(error));
	send_verdict(&verdict, NULL);
	return EXIT_FAULT;
}

static int
receive_request(int64_t deadline_ms, struct dlk_request *request)
{
	DLK_AUTO_BUF frame = { 0 };
	int error = dlk_frame_receive(STDIN_FILENO, deadline_ms, &frame);

	if (error == 0)
		error = dlk_request_decode(dlk_bytes_of(&frame), request);
	if (error == 0)
		error = dlk_digest_plain(dlk_bytes_of(&frame), request->octets);
	return error ? error : dlk_answer_unpack(request);
}

/* Lists that the agent downloads are not the configuration's, but lie in one directory. */
static uint64_t
print_of(const struct dlk_engine *engine)
{
	const struct dlk_settings *settings = dlk_engine_settings(engine);
	uint64_t print = dlk_watch_print(settings);
	struct stat st;

	if (settings->index && stat(settings->index, &st) == 0)
		print ^=
		    (uint64_t)st.st_mtim.tv_sec * 1000000007U + (uint64_t)st.st_mtim.tv_nsec;
	return print;
}

/* While the user looked for the code, a certificate may have been revoked. */
static int
open_engine(struct helper *h, unsigned parts, struct dlk_finding *finding)
{
	if (h->engine && print_of(h->engine) == h->print)
		return 0;
	dlk_engine_close(h->engine);
	h->engine = NULL;
	int error = dlk_engine_open(h->config, parts, DLK_OWNER, &h->engine, finding);
	if (error == 0)
		h->print = print_of(h->engine);
	return error;
}

static void
judge(struct helper *h, const struct dlk_request *request, struct dlk_verdict *verdict)
{
	bool decides = request->session == DLK_SESSION_NONE;
	struct dlk_finding finding = { 0 };

	if (open_engine(h, DLK_ENGINE_RECORD | (decides ? DLK_ENGINE_TRUST : 0), &finding) !=
	    0) {
		dlk_say(DLK_ERROR, "%s", finding.detail);
		dlk_engine_refuse(&finding, verdict);
		return;
	}
	if (decides)
		dlk_engine_decide(h->engine, &h->caller, request, dlk_clock_now(), verdict);
	else
		dlk_engine_note(h->engine, &h->caller, request, dlk_clock_now(), verdict);
}

/* What follows has to be of the same attempt: a code for one login opens no other. */
static bool
is_of_this_login(struct helper *h, const struct dlk_request *request, int n)
{
	if (n == 0)
		memcpy(h->attempt, request->attempt, sizeof(h->attempt));
	return memcmp(h->attempt, request->attempt, sizeof(h->attempt)) == 0;
}

/* The nth request, from 0. The code to exit with, where none follows. */
static int
serve_one(struct helper *h, int n, bool *ret_more)
{
	DLK_AUTO_REQUEST request = { 0 };
	struct dlk_verdict verdict = { 0 };
	int error = receive_request(dlk_monotonic_ms() + (n ? NEXT_MS : FIRST_MS), &request);

	*ret_more = false;
	if (n > 0 && (error == -EPIPE || error == -ETIMEDOUT))
		return EXIT_DONE; /* nobody typed a code */
	if (error != 0)
		return send_fault(DLK_R_FAULT_INTERNAL, "the request", error);
	if (!is_of_this_login(h, &request, n))
		return send_fault(
		    DLK_R_FAULT_INTERNAL, "a further request is of another login", -EINVAL);
	h->dialogue.asking = false;
	judge(h, &request, &verdict);
	if (send_verdict(&verdict, h->dialogue.asking ? &h->dialogue.challenge : NULL) != 0)
		return EXIT_FAULT;
	*ret_more =
	    h->dialogue.asking || (verdict.reason == DLK_R_OTP_REQUIRED && !request.has_code);
	return EXIT_DONE;
}

static int
serve(struct helper *h)
{
	bool more = true;
	int code = EXIT_DONE;

	for (int n = 0; n < REQUESTS && more; n++)
		code = serve_one(h, n, &more);
	return code;
}

/* The socket says who made it: the module, with the effective uid that it had. */
static int
know_caller(struct dlk_caller *caller)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0)
		return -errno;
	caller->entrance = DLK_ENTRANCE_PAM;
	caller->uid = peer.uid;
	caller->process.pid = peer.pid;
	caller->root = dlk_owner_is(peer.uid);
	dlk_text_copy(caller->name, sizeof(caller->name), "helper");
	return 0;
}

/* The configuration is root's and no foreign octet: it says which files are left. One that
 * cannot be read is said when it is opened. */
static int
confine(const char *config)
{
	const struct dlk_care care = { .owned = true, .owner = DLK_OWNER };
	struct dlk_settings *settings = NULL;
	struct dlk_finding finding = { 0 };
	bool landlock;

	(void)dlk_settings_load(config, &care, &settings, &finding);
	int error = dlk_confine(config, settings, DLK_CONFINE_ONCE, &landlock);
	dlk_settings_free(settings);
	return error;
}

static int
run(struct helper *h)
{
	int error = dlk_sandbox_reset();

	if (error != 0)
		return send_fault(DLK_R_FAULT_INTERNAL, "limits and signals", error);
	error = dlk_sandbox_become(DLK_USER);
	if (error != 0)
		return send_fault(DLK_R_FAULT_CONFIG,
		    "cannot become user '" DLK_USER "' (there has to be one, and the program "
		    "that asks has to have CAP_SETUID and CAP_SETGID, or agent= in its PAM "
		    "configuration)",
		    error);
	error = dlk_sandbox_harden();
	if (error != 0)
		return send_fault(DLK_R_FAULT_INTERNAL, "no_new_privs", error);
	dlk_process_know(h->caller.process.pid, &h->caller.process);
	h->caller.pid = h->caller.process.pid;
	h->caller.started = h->caller.process.started;
	error = confine(h->config);
	if (error != 0)
		return send_fault(DLK_R_FAULT_INTERNAL, "giving up files and calls", error);
	if (!h->caller.root)
		return send_fault(DLK_R_FAULT_CONFIG, "started by somebody else", -EPERM);
	h->caller.dialogue = &h->dialogue;
	int code = serve(h);
	dlk_dialogue_fini(&h->dialogue);
	dlk_engine_close(h->engine);
	return code;
}

int
main(int argc, char **argv)
{
	struct helper h = { .config = DLK_CONFIG_FILE };
	bool with_config = argc == 3 && strcmp(argv[1], "--config") == 0;

	if (with_config)
		h.config = argv[2];
	if ((argc != 1 && !with_config) || know_caller(&h.caller) != 0) {
		fprintf(stderr, "doublelock-helper [--config FILE]: pam_doublelock.so starts "
				"this program, with a socket as its standard input\n");
		return EXIT_USAGE;
	}
	dlk_say_to_syslog("doublelock-helper");
	/* names of all ciphers that there are, for others to find them: none is looked for */
	(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_ADD_ALL_CIPHERS, NULL);
	/* nothing is left that a library's exit handlers would have to do */
	_exit(run(&h));
}
