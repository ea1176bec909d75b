/* SPDX-License-Identifier: MIT */
/*
 * main.c - doublelock-prove-token: has a smart card or another PKCS #11 token sign a judge's
 * challenge.
 *
 * The PAM module starts it, as root, with a socket as its standard input, when the judge asks
 * for such a proof. It becomes user `doublelock-token`, who has nothing, before it loads the
 * modules that the system's p11-kit is configured with: they are large, and read what a
 * stranger's card says. The PIN comes and goes over the socket. Nothing that it says is
 * believed: the judge verifies the signature.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "agent/calls.h"
#include "base/file.h"
#include "base/say.h"
#include "prove/errand.h"
#include "sandbox.h"
#include "token/sign.h"
#include "token/unlock.h"

#ifndef DLK_TOKEN_USER
#define DLK_TOKEN_USER "doublelock-token"
#endif
#define LIFE_S 90 /* a driver that waits for its reader for ever ends by SIGALRM */

enum { EXIT_DONE = 0, EXIT_USAGE = 2, EXIT_FAULT = 3 };

static enum dlk_trouble
prove_with(CK_FUNCTION_LIST **modules, const struct dlk_challenge *challenge,
    struct dlk_answer *answer)
{
	DLK_AUTO_CARD card = { .module = NULL };
	DLK_AUTO_SECRET pin = { 0 };
	enum dlk_trouble trouble =
	    dlk_cards_find(modules, dlk_bytes_of(&challenge->wanted), &card);

	if (trouble == DLK_TROUBLE_NONE)
		trouble = dlk_card_unlock(&card, &pin);
	if (trouble == DLK_TROUBLE_NONE)
		trouble = dlk_card_sign(&card, &pin, challenge, answer);
	if (trouble != DLK_TROUBLE_NONE)
		dlk_say(DLK_NOTICE, "%s%s%s", card.name, card.name[0] ? ": " : "",
		    dlk_trouble_words(trouble));
	return trouble;
}

static enum dlk_trouble
prove(struct dlk_bytes octets, struct dlk_answer *answer)
{
	DLK_AUTO_CHALLENGE challenge = { .by = DLK_POSSESSION_NONE };
	int error = dlk_challenge_decode(octets, &challenge);

	if (error != 0 || challenge.by != DLK_POSSESSION_TOKEN)
		return DLK_TROUBLE_INTERNAL;
	/* modules that cannot be loaded are left out; p11-kit says why in its own words */
	CK_FUNCTION_LIST **modules = p11_kit_modules_load_and_initialize(0);
	if (!modules || !modules[0]) {
		const char *why = p11_kit_message();

		dlk_say(DLK_ERROR, "p11-kit: %s", why ? why : "no module");
		return DLK_TROUBLE_NO_MODULE;
	}
	answer->by = challenge.by;
	enum dlk_trouble trouble = prove_with(modules, &challenge, answer);
	p11_kit_modules_finalize_and_release(modules);
	return trouble;
}

static int
give_up_root(void)
{
	int error = dlk_sandbox_reset();

	if (error == 0)
		error = dlk_sandbox_become(DLK_TOKEN_USER);
	if (error == 0)
		error = dlk_sandbox_harden();
	if (error == 0)
		error = dlk_calls_forbid(DLK_CALLS_LOCAL);
	if (error != 0)
		dlk_say(DLK_ERROR, "cannot become user '" DLK_TOKEN_USER "': %s",
		    dlk_file_error(error));
	return error;
}

static int
run(void)
{
	DLK_AUTO_ANSWER answer = { .trouble = DLK_TROUBLE_NONE };
	DLK_AUTO_BUF octets = { 0 };
	int error = give_up_root();

	alarm(LIFE_S);
	if (error == 0)
		error = dlk_errand_receive(&octets);
	answer.trouble = error ? DLK_TROUBLE_INTERNAL : prove(dlk_bytes_of(&octets), &answer);
	return dlk_errand_answer(&answer) == 0 ? EXIT_DONE : EXIT_FAULT;
}

int
main(int argc, char **argv)
{
	pid_t parent;

	(void)argv;
	if (argc != 1 || dlk_errand_parent(&parent) != 0) {
		fprintf(stderr,
		    "doublelock-prove-token: pam_doublelock.so starts this program, "
		    "with a socket as its standard input\n");
		return EXIT_USAGE;
	}
	dlk_say_to_syslog("doublelock-prove-token");
	_exit(run());
}
