/* SPDX-License-Identifier: MIT */
/*
 * judge.c - plays the helper. `--config FILE` names its part, one line per request:
 *
 *     answer REASON [no-event] [observe] [other-user] [longer-user] [no-user] [as-asker]
 *            [digits N] [challenge] [token-challenge]
 *     octets HEX    sends these
 *     silence       never answers
 *     die           ends with the request unanswered
 *     exit          ends before there is a request
 *
 * What it saw, and itself as a process, stands in FILE.seen: one line per fact.
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "wire/frame.h"

extern char **environ;

static void
report_process(FILE *seen)
{
	sigset_t mask;
	int n = 0;
	DIR *open = opendir("/proc/self/fd");

	for (struct dirent *e = readdir(open); e; e = readdir(open))
		n += e->d_name[0] != '.' && atoi(e->d_name) > 2 &&
		     atoi(e->d_name) != dirfd(open) && atoi(e->d_name) != fileno(seen);
	closedir(open);
	fprintf(seen, "descriptors %d\n", n);
	n = 0;
	for (char **e = environ; *e; e++)
		n++;
	fprintf(seen, "environment %d\n", n);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	n = 0;
	for (int i = 1; i < 32; i++) {
		struct sigaction action;

#ifdef __SANITIZE_ADDRESS__ /* which takes these before main() */
		if (i == SIGSEGV || i == SIGBUS || i == SIGFPE)
			continue;
#endif
		n += sigismember(&mask, i);
		n += sigaction(i, NULL, &action) == 0 && action.sa_handler != SIG_DFL;
	}
	fprintf(seen, "signals %d\n", n);
	fprintf(seen, "leader %d\n", getsid(0) == getpid());
	fprintf(seen, "pid %d\n", (int)getpid());
	fflush(seen);
}

static void
report_request(FILE *seen, const struct dlk_request *r)
{
	char attempt[2 * DLK_ATTEMPT_SIZE + 1];

	dlk_hex(DLK_BYTES(r->attempt, sizeof(r->attempt)), attempt);
	fprintf(seen, "attempt %s\n", attempt);
	fprintf(seen, "kinds %d %d %d\n", (int)r->entrance, (int)r->possession,
	    (int)r->evidence_kind);
	fprintf(seen, "evidence %zu\n", r->evidence.n);
	fprintf(seen, "user %s\n", r->user);
	fprintf(seen, "known %d %lu\n", r->account_known, (unsigned long)r->uid);
	fprintf(seen, "service %s\n", r->service);
	fprintf(seen, "source %s\n", r->source);
	fprintf(seen, "tty %s\n", r->tty);
	fprintf(seen, "asker %s\n", r->asker);
	if (r->answer.n > 0)
		fprintf(seen, "proof %d %.*s\n", r->answer.p[0], (int)r->answer.n - 1,
		    r->answer.p[0] ? (const char *)r->answer.p + 1 : "");
	if (r->answer.n == 2 && r->answer.p[0] == 0)
		fprintf(seen, "trouble %d\n", r->answer.p[1]);
	fprintf(seen, "session %d\n", (int)r->session);
	if (r->has_code)
		fprintf(seen, "code %.*s\n", (int)r->code.n, (const char *)r->code.b);
	fflush(seen);
}

static void
answer(char *words, const struct dlk_request *request)
{
	struct dlk_verdict v = { 0 };
	DLK_AUTO_BUF frame = { 0 };
	char *rest = NULL;
	const char *challenge = NULL;

	v.reason = dlk_reason_find(strtok_r(words, " \n", &rest));
	dlk_text_copy(v.user, sizeof(v.user), request->user);
	dlk_text_copy(v.event, sizeof(v.event), "01890a5d-ac96-774b-bcce-b302099a8057");
	dlk_text_copy(v.detail, sizeof(v.detail), "as the test says");
	for (char *w = strtok_r(NULL, " \n", &rest); w; w = strtok_r(NULL, " \n", &rest)) {
		if (strcmp(w, "no-event") == 0)
			v.event[0] = '\0';
		else if (strcmp(w, "observe") == 0)
			v.effect = DLK_EFFECT_OBSERVE;
		else if (strcmp(w, "other-user") == 0)
			dlk_text_copy(v.user, sizeof(v.user), "somebody.else");
		else if (strcmp(w, "longer-user") == 0)
			strcat(v.user, "x");
		else if (strcmp(w, "no-user") == 0)
			v.user[0] = '\0';
		else if (strcmp(w, "as-asker") == 0)
			dlk_text_copy(v.user, sizeof(v.user), request->asker);
		else if (strcmp(w, "token-challenge") == 0)
			challenge = "\004 and so on";
		else if (strcmp(w, "challenge") == 0)
			challenge = "\003 and so on";
		else if (strcmp(w, "digits") == 0)
			v.code_digits = (unsigned)atoi(strtok_r(NULL, " \n", &rest));
		else
			exit(9);
	}
	if (dlk_verdict_encode_with(&v, dlk_bytes_str(challenge), &frame) != 0 ||
	    dlk_frame_send(0, dlk_bytes_of(&frame), dlk_monotonic_ms() + 5000) != 0)
		exit(9);
}

static void
send_octets(const char *hex)
{
	uint8_t octets[512];
	size_t n = strcspn(hex, "\n") / 2;
	char *text = strndup(hex, 2 * n);

	if (dlk_unhex(text, octets, n) != 0 || write(0, octets, n) != (ssize_t)n)
		exit(9);
	free(text);
}

static bool
is_part(const char *line, const char *word)
{
	return strncmp(line, word, strlen(word)) == 0;
}

/* false where this judge has to go. */
static bool
play(char *line, FILE *seen)
{
	DLK_AUTO_REQUEST request = { 0 };
	DLK_AUTO_BUF frame = { 0 };

	if (is_part(line, "exit") ||
	    dlk_frame_receive(0, dlk_monotonic_ms() + 60000, &frame) != 0 ||
	    dlk_request_decode(dlk_bytes_of(&frame), &request) != 0)
		return false;
	report_request(seen, &request);
	if (is_part(line, "answer "))
		answer(line + strlen("answer "), &request);
	else if (is_part(line, "octets "))
		send_octets(line + strlen("octets "));
	else if (is_part(line, "silence"))
		pause(); /* until the module has had enough */
	else
		return false;
	return true;
}

/* The part is one for all judges of a login: the next one goes on where this one stopped. */
static bool
next_line(const char *part, char *line, size_t size)
{
	char path[4096];
	FILE *lines = fopen(part, "r");

	dlk_text_print(path, sizeof(path), "%s.at", part);
	FILE *at = fopen(path, "a+");
	fseek(at, 0, SEEK_END);
	bool is_there = false;
	for (long n = ftell(at); n >= 0; n--)
		is_there = fgets(line, (int)size, lines) != NULL;
	fputc('x', at);
	fclose(at);
	fclose(lines);
	return is_there;
}

int
main(int argc, char **argv)
{
	char path[4096], line[1024];

	if (argc != 3 || strcmp(argv[1], "--config") != 0)
		return 9;
	dlk_text_print(path, sizeof(path), "%s.seen", argv[2]);
	FILE *seen = fopen(path, "a");
	report_process(seen);
	while (next_line(argv[2], line, sizeof(line)) && play(line, seen))
		;
	fclose(seen);
	return 0;
}
