/* SPDX-License-Identifier: MIT */
/*
 * ask.c - the program `doublelock-ask`: a gateway starts it, it puts one question to the
 * agent, and its exit code is the answer. 0 is yes; 1 is everything else, a wrong argument
 * included. It believes nothing of what it passes on and parses none of it.
 */
#include "ask.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/say.h"
#include "base/text.h"
#include "wire/client.h"
#include "wire/frame.h"

static const struct dlk_ask_question questions[] = {
	{ "openvpn-verify", "openvpn", "DEPTH SUBJECT", 1, 2, dlk_ask_openvpn_verify },
	{ "openvpn-auth", "openvpn", "FILE", 1, 1, dlk_ask_openvpn_auth },
	{ "radius-verify", "radius", "FILE [SOURCE]", 1, 2, dlk_ask_radius_verify },
	{ "map", "web", "", 0, 0, dlk_ask_map },
};
#define QUESTIONS (sizeof(questions) / sizeof(questions[0]))

bool
dlk_ask_no(const char *what, int error)
{
	char shown[DLK_NAME_MAX + 1];

	dlk_text_escape(shown, sizeof(shown), dlk_bytes_str(what));
	dlk_say(DLK_ERROR, "%s: %s", shown, dlk_file_error(error));
	return false;
}

int
dlk_ask_read(const char *path, struct dlk_request *request)
{
	DLK_AUTO_BUF text = { 0 };
	int error = dlk_file_read(path, DLK_CERTIFICATE_TEXT_MAX, NULL, &text);

	return error ? error
		     : dlk_inquiry_certify(request, DLK_EVIDENCE_TEXT, dlk_bytes_of(&text));
}

bool
dlk_ask_agent(const struct dlk_ask_options *options, const struct dlk_request *request,
    struct dlk_verdict *ret_verdict)
{
	DLK_AUTO_FD fd = -1;

	dlk_inquiry_put(options->agent, dlk_client_agent(), &fd, request,
	    dlk_monotonic_ms() + DLK_ASK_GATEWAY_MS, ret_verdict);
	if (dlk_inquiry_allows(request, ret_verdict))
		return true;
	dlk_say(DLK_NOTICE, "%s: %s: %s%s%s", request->service,
	    dlk_reason_str(ret_verdict->reason), ret_verdict->detail,
	    ret_verdict->event[0] ? ", event " : "", ret_verdict->event);
	return false;
}

static int
usage(FILE *to)
{
	(void)fputs("usage: doublelock-ask [--service NAME] [--agent SOCKET] [--user NAME] "
		    "[--code-follows] QUESTION\n\n",
	    to);
	for (size_t i = 0; i < QUESTIONS; i++)
		(void)fprintf(to, "  %s %s\n", questions[i].name, questions[i].arguments);
	(void)fputs("\nExit: 0 yes, 1 everything else. See doublelock-ask(1).\n", to);
	return EXIT_FAILURE;
}

static const struct dlk_ask_question *
find(const char *name)
{
	for (size_t i = 0; name && i < QUESTIONS; i++)
		if (strcmp(questions[i].name, name) == 0)
			return &questions[i];
	return NULL;
}

/* Options stand before the question's name: behind it are words of the gateway's peer. */
static bool
read_options(struct dlk_ask_options *options, int argc, char **argv)
{
	static const struct option known[] = { { "service", required_argument, NULL, 's' },
		{ "agent", required_argument, NULL, 'a' },
		{ "user", required_argument, NULL, 'u' },
		{ "code-follows", no_argument, NULL, 'c' }, { 0 } };

	for (int c; (c = getopt_long(argc, argv, "+", known, NULL)) != -1;) {
		if (c == 's')
			options->service = optarg;
		else if (c == 'a')
			options->agent = optarg;
		else if (c == 'u')
			options->user = optarg;
		else if (c == 'c')
			options->code_follows = true;
		else
			return false;
	}
	return true;
}

int
main(int argc, char **argv)
{
	struct dlk_ask_options options = { .agent = DLK_GATEWAY_SOCKET };

	dlk_say_to_stderr("doublelock-ask");
	(void)signal(SIGPIPE, SIG_IGN);
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		(void)puts("doublelock-ask " DLK_VERSION);
		return EXIT_FAILURE; /* it is no yes */
	}
	if (!read_options(&options, argc, argv))
		return usage(stderr);
	const struct dlk_ask_question *question = find(argv[optind]);
	int more = argc - optind - 1;
	if (!question || more < question->least || more > question->most)
		return usage(stderr);
	if (!options.service)
		options.service = question->service;
	return question->ask(&options, more, argv + optind + 1) ? EXIT_SUCCESS : EXIT_FAILURE;
}
