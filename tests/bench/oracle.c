/* SPDX-License-Identifier: MIT */
/*
 * oracle.c - does a wrong code take longer for one name than for another? Logins of all names
 * in turn, so that what else the machine does falls on all of them alike.
 *
 *   oracle SERVICE ROUNDS NAME=USER...
 *
 * Prints for each its median and quartiles in ms, the median against the first one's, and what
 * one getpwnam() takes: libpam and the module each ask for the account, and the system is
 * slower to say that there is none than to find one, here as in sshd itself.
 */
#include <pwd.h>
#include <security/pam_appl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define USERS_MAX 8

struct row {
	const char *name, *user;
	double *ms, *account_ms;
};

static int
converse(int n, const struct pam_message **message, struct pam_response **ret, void *arg)
{
	struct pam_response *response = calloc((size_t)n, sizeof(*response));
	unsigned *prompts = arg;

	if (!response)
		return PAM_BUF_ERR;
	for (int i = 0; i < n; i++)
		if (message[i]->msg_style == PAM_PROMPT_ECHO_OFF) {
			response[i].resp = strdup("000000");
			(*prompts)++;
		}
	*ret = response;
	return PAM_SUCCESS;
}

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* 0 where the user was asked once and refused. */
static int
log_in(const char *service, const char *user, double *ret_ms)
{
	unsigned prompts = 0;
	const struct pam_conv conversation = { .conv = converse, .appdata_ptr = &prompts };
	pam_handle_t *pamh = NULL;
	int result = pam_start(service, user, &conversation, &pamh);

	if (result == PAM_SUCCESS)
		result = pam_set_item(pamh, PAM_RHOST, "192.0.2.7");
	if (result == PAM_SUCCESS) {
		double begin = now_ms();
		result = pam_authenticate(pamh, PAM_DISALLOW_NULL_AUTHTOK);
		*ret_ms = now_ms() - begin;
	}
	if (result != PAM_AUTH_ERR || prompts != 1)
		fprintf(stderr, "%s, %s: %s after %u prompts\n", service, user,
		    pam_strerror(pamh, result), prompts);
	pam_end(pamh, result);
	return result == PAM_AUTH_ERR && prompts == 1 ? 0 : -1;
}

static double
account_ms(const char *user)
{
	double begin = now_ms();

	(void)getpwnam(user);
	return now_ms() - begin;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The same on every run. */
static void
shuffle(size_t *order, size_t n)
{
	static uint64_t seed = 1;

	for (size_t i = 0; i < n; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		size_t j = (size_t)(seed >> 33) % (i + 1);
		order[i] = order[j];
		order[j] = i;
	}
}

int
main(int argc, char **argv)
{
	struct row row[USERS_MAX] = { 0 };
	size_t n = argc > 3 ? (size_t)argc - 3 : 0;
	size_t rounds = argc > 3 ? strtoul(argv[2], NULL, 10) : 0;

	if (n == 0 || n > USERS_MAX || rounds < 4 || rounds > 100000) {
		fputs("usage: oracle SERVICE ROUNDS NAME=USER...\n", stderr);
		return 2;
	}
	for (size_t i = 0; i < n; i++) {
		row[i].name = argv[3 + i];
		row[i].user = strchr(argv[3 + i], '=');
		row[i].ms = calloc(rounds, sizeof(double));
		row[i].account_ms = calloc(rounds, sizeof(double));
		if (!row[i].user || !row[i].ms || !row[i].account_ms)
			return 2;
		row[i].user++;
	}
	/* whoever comes before leaves caches behind: the order is by chance, as in a hand of
	 * cards */
	for (size_t r = 0; r < rounds; r++) {
		size_t order[USERS_MAX];

		shuffle(order, n);
		for (size_t i = 0; i < n; i++) {
			struct row *of = &row[order[i]];
			if (log_in(argv[1], of->user, &of->ms[r]) != 0)
				return 1;
			of->account_ms[r] = account_ms(of->user);
		}
	}
	for (size_t i = 0; i < n; i++) {
		double *ms = row[i].ms, *account = row[i].account_ms;

		qsort(ms, rounds, sizeof(double), by_size);
		qsort(account, rounds, sizeof(double), by_size);
		printf("%-16.*s %9.3f %9.3f %9.3f %9.3f %9.3f\n",
		    (int)(row[i].user - row[i].name - 1), row[i].name, ms[rounds / 2],
		    ms[rounds / 4], ms[rounds * 3 / 4], ms[rounds / 2] / row[0].ms[rounds / 2],
		    account[rounds / 2]);
	}
	return 0;
}
