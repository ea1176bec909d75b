/* SPDX-License-Identifier: MIT */
/*
 * ask_map.c - Apache's RewriteMap of type prg: (mod_rewrite): one line in, one line out, for
 * as long as Apache runs. A line is "[SOURCE ]CERTIFICATE", PEM through int:escape; the answer
 * is "OK:USER" or "NO:REASON". Each line is answered, or Apache would wait for ever.
 */
#include "ask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_OCTETS (DLK_CERTIFICATE_TEXT_MAX + DLK_SOURCE_MAX + 2)

/* True: a line, without its end. One that is too long is read to its end and has n = size. */
static bool
read_line(char *line, size_t size, size_t *ret_n)
{
	size_t n = 0;
	int c;

	while ((c = getc(stdin)) != EOF && c != '\n')
		if (n < size)
			line[n++] = (char)c;
	*ret_n = n;
	return c == '\n';
}

static int
take(char *line, size_t n, struct dlk_request *request)
{
	char *space = memchr(line, ' ', n);
	struct dlk_bytes certificate = DLK_BYTES(line, n);

	if (n == LINE_MAX_OCTETS)
		return -EMSGSIZE;
	if (space) {
		*space = '\0';
		dlk_inquiry_locate(request, line);
		certificate = DLK_BYTES(space + 1, n - (size_t)(space + 1 - line));
	}
	return dlk_inquiry_certify(request, DLK_EVIDENCE_TEXT, certificate);
}

static void
answer_line(const struct dlk_ask_options *options, char *line, size_t n)
{
	DLK_AUTO_REQUEST request = { 0 };
	struct dlk_verdict verdict = { .reason = DLK_R_FAULT_INTERNAL };
	int error = dlk_inquiry_begin(options->service, &request);

	if (error == 0 && (error = take(line, n, &request)) == -EMSGSIZE)
		verdict.reason = DLK_R_CERTIFICATE_MALFORMED;
	if (error < 0)
		(void)dlk_ask_no("a line", error);
	if (error == 0 && dlk_ask_agent(options, &request, &verdict))
		(void)printf("OK:%s\n", verdict.user);
	else
		(void)printf("NO:%s\n", dlk_reason_str(verdict.reason));
}

bool
dlk_ask_map(const struct dlk_ask_options *options, int argc, char **argv)
{
	static char line[LINE_MAX_OCTETS];
	size_t n;

	(void)argc, (void)argv;
	while (read_line(line, sizeof(line), &n)) {
		answer_line(options, line, n);
		if (fflush(stdout) != 0)
			return dlk_ask_no("standard output", -errno);
	}
	return true;
}
