/* SPDX-License-Identifier: MIT */
/*
 * pamlogins.c - one login after another through libpam, as sshd does them, with a new HOTP
 * code each.
 *
 *   pamlogins SERVICE USER SECRET COUNTER LOGINS <SSH_AUTH_INFO_0
 *
 * Prints what one login took on average: wall and CPU time of it and its children in
 * milliseconds, and the largest child in KiB. Every login has to succeed.
 */
#include <liboath/oath.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define INFO_MAX 4096

struct codes {
	char *secret;
	size_t n;
	uint64_t counter;
};

static int
converse(int n, const struct pam_message **message, struct pam_response **ret, void *arg)
{
	struct codes *codes = arg;
	struct pam_response *response = calloc((size_t)n, sizeof(*response));
	char code[16] = "";

	if (!response)
		return PAM_BUF_ERR;
	for (int i = 0; i < n; i++) {
		if (message[i]->msg_style != PAM_PROMPT_ECHO_OFF)
			continue;
		if (oath_hotp_generate(codes->secret, codes->n, codes->counter, 6, 0,
			OATH_HOTP_DYNAMIC_TRUNCATION, code) != OATH_OK)
			return PAM_CONV_ERR;
		response[i].resp = strdup(code);
	}
	*ret = response;
	return PAM_SUCCESS;
}

static int
log_in(const char *service, const char *user, char *info, struct codes *codes)
{
	const struct pam_conv conversation = { .conv = converse, .appdata_ptr = codes };
	pam_handle_t *pamh = NULL;
	int result = pam_start(service, user, &conversation, &pamh);

	if (result == PAM_SUCCESS)
		result = pam_putenv(pamh, info);
	if (result == PAM_SUCCESS)
		result = pam_set_item(pamh, PAM_RHOST, "192.0.2.7");
	if (result == PAM_SUCCESS)
		result = pam_authenticate(pamh, PAM_DISALLOW_NULL_AUTHTOK);
	pam_end(pamh, result);
	return result;
}

static double
ms_of(const struct timeval *t)
{
	return (double)t->tv_sec * 1e3 + (double)t->tv_usec / 1e3;
}

static double
cpu_ms(long *ret_peak)
{
	struct rusage own, children;

	getrusage(RUSAGE_SELF, &own);
	getrusage(RUSAGE_CHILDREN, &children);
	*ret_peak = children.ru_maxrss;
	return ms_of(&own.ru_utime) + ms_of(&own.ru_stime) + ms_of(&children.ru_utime) +
	       ms_of(&children.ru_stime);
}

static double
wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

int
main(int argc, char **argv)
{
	static char info[sizeof("SSH_AUTH_INFO_0=") + INFO_MAX] = "SSH_AUTH_INFO_0=";
	struct codes codes = { 0 };
	long peak = 0;

	if (argc != 6 ||
	    oath_base32_decode(argv[3], strlen(argv[3]), &codes.secret, &codes.n) != OATH_OK) {
		fputs("usage: pamlogins SERVICE USER SECRET COUNTER LOGINS <SSH_AUTH_INFO_0\n",
		    stderr);
		return 2;
	}
	(void)!fread(info + strlen(info), 1, INFO_MAX, stdin);
	codes.counter = strtoull(argv[4], NULL, 10);
	int n = atoi(argv[5]);
	double cpu = cpu_ms(&peak), wall = wall_ms();
	for (int i = 0; i < n; i++, codes.counter++) {
		int result = log_in(argv[1], argv[2], info, &codes);

		if (result != PAM_SUCCESS) {
			fprintf(stderr, "%s, login %d: %s\n", argv[1], i,
			    pam_strerror(NULL, result));
			return 1;
		}
	}
	wall = wall_ms() - wall;
	cpu = cpu_ms(&peak) - cpu;
	printf("%.3f %.3f %ld\n", wall / n, cpu / n, peak);
	return 0;
}
