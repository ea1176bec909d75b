/* SPDX-License-Identifier: MIT */
/*
 * front.c - the program `doublelock`. sshd starts it twice in each login, so it links libc
 * alone, and asks the agent, who has read and judged already what it would have to. Where no
 * agent answers it becomes doublelock-keys, which judges by itself; every other command is
 * doublelock-ctl's.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/say.h"
#include "base/text.h"
#include "model/verdict.h"
#include "shown.h"
#include "wire/client.h"
#include "wire/frame.h"

#define SOCKET   DLK_RUNDIR "/module.sock"
#define AGENT_MS 2000
#define FAULT    3 /* as every command ends then */

/* Beside this program, as it is built, or where it is installed. */
static int
become_program(const char *name, char **argv)
{
	char path[PATH_MAX + NAME_MAX];
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char *slash = NULL;

	if (n > 0) {
		path[n] = '\0';
		slash = strrchr(path, '/');
	}
	if (slash) {
		strcpy(slash + 1, name);
		(void)execv(path, argv);
	}
	dlk_text_print(path, sizeof(path), DLK_LIBEXECDIR "/%s", name);
	(void)execv(path, argv);
	fprintf(stderr, "doublelock: %s: %s\n", path, dlk_file_error(errno));
	return FAULT;
}

/* Standard error is /dev/null under sshd. */
static void
say(const char *what, const char *why)
{
	if (!isatty(STDERR_FILENO))
		dlk_say_to_syslog("doublelock");
	dlk_say(DLK_WARNING, "ssh-keys: %s: %s%s", SOCKET, what, why);
}

/* A refusal at the door is of an agent that does not know this one. What its own fault was it
 * has said; the judge that is asked then says it again, or has none. */
static bool
is_answer(const struct dlk_verdict *verdict, const struct dlk_buf *offer)
{
	if (verdict->reason == DLK_R_OK)
		return offer->n > 0 && verdict->effect == DLK_EFFECT_ENFORCE;
	return dlk_reason_blame(verdict->reason) != DLK_BLAME_SYSTEM &&
	       verdict->reason != DLK_R_FAULT_CONFIG && verdict->reason != DLK_R_UNDECIDED &&
	       !(verdict->reason == DLK_R_POSSESSION_UNPROVEN &&
		   verdict->stage == DLK_STAGE_ADMIT);
}

/* False: nobody has answered. */
static bool
ask(const struct dlk_request *request, struct dlk_verdict *verdict, struct dlk_buf *offer)
{
	int64_t deadline_ms = dlk_monotonic_ms() + AGENT_MS;
	DLK_AUTO_FD fd = -1;
	int error = dlk_client_connect(SOCKET, dlk_client_agent(), &fd);

	if (error == -ENOENT || error == -ECONNREFUSED)
		return false; /* none runs */
	if (error == 0)
		error = dlk_client_offer(fd, request, deadline_ms, verdict, offer);
	if (error == 0 && is_answer(verdict, offer))
		return true;
	if (error != 0)
		say(dlk_client_error(error), "; the key is judged without it");
	return false;
}

/* Exactly what sshd has in its configuration; whatever else is said is the judge's to
 * understand. --config FILE may be another one than the agent's. */
static bool
answer_sshd(int argc, char **argv)
{
	DLK_AUTO_REQUEST request = { 0 };
	struct dlk_verdict verdict = { 0 };
	DLK_AUTO_BUF offer = { 0 };
	static char text[DLK_EVIDENCE_MAX];

	if (argc != 3 || argv[0][0] == '-' || !dlk_text_is_name(argv[0]))
		return false;
	dlk_text_print(text, sizeof(text), "%s %s", argv[1], argv[2]);
	if (shown_request(argv[0], "sshd", text, &request) != 0 ||
	    !ask(&request, &verdict, &offer))
		return false;
	return verdict.reason != DLK_R_OK || shown_print(dlk_bytes_of(&offer), text);
}

int
main(int argc, char **argv)
{
	dlk_say_to_stderr("doublelock");
	if (argc < 2 || strcmp(argv[1], "ssh-keys") != 0)
		return become_program("doublelock-ctl", argv);
	if (answer_sshd(argc - 2, argv + 2))
		return 0;
	return become_program("doublelock-keys", argv);
}
