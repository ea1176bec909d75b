/* SPDX-License-Identifier: MIT */
/*
 * main.c - doublelock-prove USER: has the user's SSH agent sign a judge's challenge.
 *
 * The PAM module starts it, as root, with a socket as its standard input, when the judge asks
 * for a proof. It opens the environment of the program that asks, becomes the user for good,
 * and only then reads an octet. Nothing that it says is believed: the judge verifies the
 * signature. So it has no state, no key and no configuration, and links libc alone.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/say.h"
#include "prove/confine.h"
#include "prove/environ.h"
#include "prove/errand.h"
#include "prove/sshagent.h"
#include "sandbox.h"
#include "wire/frame.h"

#ifndef DLK_LIST_MS
#define DLK_LIST_MS 5000 /* to connect and to hear which keys there are */
#endif
#ifndef DLK_SIGN_MS
#define DLK_SIGN_MS 40000 /* all signatures: a key may have to be touched, or allowed */
#endif

enum { EXIT_DONE = 0, EXIT_USAGE = 2, EXIT_FAULT = 3 };

static enum dlk_trouble
say(enum dlk_trouble trouble, int error)
{
	dlk_say(DLK_NOTICE, "%s: %s", dlk_trouble_words(trouble), dlk_file_error(error));
	return trouble;
}

static enum dlk_trouble
trouble_of(int error)
{
	switch (-error) {
	case ETIMEDOUT:
		return DLK_TROUBLE_LATE;
	case EBADMSG:
	case EMSGSIZE:
	case EPIPE:
		return DLK_TROUBLE_GARBLED;
	case EACCES:
		return DLK_TROUBLE_DECLINED;
	case ENOMEM:
		return DLK_TROUBLE_INTERNAL;
	default:
		return DLK_TROUBLE_UNREACHABLE;
	}
}

static enum dlk_trouble
connect_agent(int environment, int *ret_fd)
{
	DLK_AUTO_BUF block = { 0 };
	char path[DLK_AGENT_PATH + 1];
	int error = dlk_fd_read(environment, DLK_ENVIRON_MAX, &block);

	if (error != 0)
		return say(DLK_TROUBLE_UNREADABLE, error);
	error = dlk_environ_agent(dlk_bytes_of(&block), path);
	if (error != 0)
		return error == -ENOENT ? DLK_TROUBLE_NO_AGENT
					: say(DLK_TROUBLE_UNREACHABLE, error);
	error = dlk_sshagent_connect(path, getuid(), dlk_monotonic_ms() + DLK_LIST_MS, ret_fd);
	if (error == 0)
		return DLK_TROUBLE_NONE;
	if (error == -DLK_EOWNER)
		return DLK_TROUBLE_FOREIGN;
	return say(error == -ETIMEDOUT ? DLK_TROUBLE_LATE : DLK_TROUBLE_UNREACHABLE, error);
}

/* The first of the candidates that the agent signs with. One that it declines, because it is
 * bound to destinations or was not confirmed, does not end the search. */
static enum dlk_trouble
sign_with_one(int agent, const struct dlk_identity *list, size_t n, struct dlk_bytes data,
    struct dlk_answer *answer)
{
	int64_t deadline = dlk_monotonic_ms() + DLK_SIGN_MS;
	enum dlk_trouble trouble = DLK_TROUBLE_NO_KEY;

	for (size_t i = 0; i < n; i++) {
		int error =
		    dlk_sshagent_sign(agent, &list[i], data, deadline, &answer->signature);

		if (error == 0)
			return dlk_buf_add(
				   &answer->evidence, DLK_EVIDENCE_MAX, list[i].blob) == 0
				   ? DLK_TROUBLE_NONE
				   : DLK_TROUBLE_GARBLED;
		trouble = trouble_of(error);
		dlk_say(DLK_NOTICE, "key %zu of %zu that could prove it: %s", i + 1, n,
		    dlk_trouble_words(trouble));
		if (trouble != DLK_TROUBLE_DECLINED)
			break;
	}
	return trouble;
}

static enum dlk_trouble
prove(int environment, struct dlk_bytes octets, struct dlk_answer *answer)
{
	DLK_AUTO_CHALLENGE challenge = { .by = DLK_POSSESSION_NONE };
	struct dlk_identity list[DLK_CANDIDATES_MAX];
	DLK_AUTO_BUF identities = { 0 };
	DLK_AUTO_FD agent = -1;
	size_t n = 0;
	int error = dlk_challenge_decode(octets, &challenge);

	if (error != 0 || challenge.by != DLK_POSSESSION_SSH_AGENT)
		return say(DLK_TROUBLE_INTERNAL, error ? error : -EBADMSG);
	enum dlk_trouble trouble = connect_agent(environment, &agent);
	if (trouble != DLK_TROUBLE_NONE)
		return trouble;
	error = dlk_sshagent_list(agent, dlk_monotonic_ms() + DLK_LIST_MS, &identities);
	if (error == 0)
		error = dlk_identities_choose(
		    dlk_bytes_of(&identities), dlk_bytes_of(&challenge.wanted), list, &n);
	if (error != 0)
		return say(trouble_of(error), error);
	answer->by = challenge.by;
	return sign_with_one(agent, list, n, dlk_bytes_of(&challenge.data), answer);
}

/* All that needs root, and then never again. */
static enum dlk_trouble
give_up_root(const char *user, pid_t parent, int *ret_environment)
{
	int error = dlk_sandbox_reset(), opened = dlk_environ_open(parent, ret_environment);

	if (error != 0)
		return say(DLK_TROUBLE_INTERNAL, error);
	error = dlk_sandbox_become(user);
	if (error != 0)
		return say(error == -EPERM || error == -ENOENT ? DLK_TROUBLE_NOBODY
							       : DLK_TROUBLE_INTERNAL,
		    error);
	error = dlk_prove_confine();
	if (error != 0)
		return say(DLK_TROUBLE_INTERNAL, error);
	return opened == 0 ? DLK_TROUBLE_NONE : say(DLK_TROUBLE_UNREADABLE, opened);
}

static int
run(const char *user, pid_t parent)
{
	DLK_AUTO_ANSWER answer = { .trouble = DLK_TROUBLE_NONE };
	DLK_AUTO_BUF octets = { 0 };
	DLK_AUTO_FD environment = -1;
	enum dlk_trouble trouble = give_up_root(user, parent, &environment);
	int error = dlk_errand_receive(&octets);

	if (trouble == DLK_TROUBLE_NONE)
		trouble = error ? say(DLK_TROUBLE_INTERNAL, error)
				: prove(environment, dlk_bytes_of(&octets), &answer);
	answer.trouble = trouble;
	error = dlk_errand_answer(&answer);
	if (error == -EINVAL) { /* longer than any signature is */
		answer.trouble = DLK_TROUBLE_GARBLED;
		error = dlk_errand_answer(&answer);
	}
	return error == 0 ? EXIT_DONE : EXIT_FAULT;
}

int
main(int argc, char **argv)
{
	pid_t parent;

	if (argc != 2 || dlk_errand_parent(&parent) != 0) {
		fprintf(stderr,
		    "doublelock-prove USER: pam_doublelock.so starts this program, "
		    "with a socket as its standard input\n");
		return EXIT_USAGE;
	}
	dlk_say_to_syslog("doublelock-prove");
	_exit(run(argv[1], parent));
}
