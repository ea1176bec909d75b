/* SPDX-License-Identifier: MIT */
/* machine.h - a small installation: configuration, one anchor, a sealing key, a record, and
 * the helper, which belongs to DLK_USER as it does when installed. */
#ifndef DLK_TESTS_PAM_MACHINE_H
#define DLK_TESTS_PAM_MACHINE_H

#include "base/file.h"
#include "login.h"
#include "store/tokens.h"

/* This process's user and DLK_USER have a HOTP token each, of one secret. */
struct machine {
	struct login *login;
	char config[128], helper[128], state[128], store[128], seal[128], options[300];
	struct dlk_otp otp;
	int64_t counter; /* of the code that comes next */
};

int machine_setup(void **state);
int machine_teardown(void **state);
void machine_path(const struct machine *m, char *path, size_t size, const char *name);
/* A service doublelock-test by code alone; `more` stands behind, still in its section. */
void machine_config(const struct machine *m, const char *more);
const char *machine_code(struct machine *m); /* one that was not used; static */
/* The module with the machine's helper, or with `options`. PAM's code. */
int machine_log_in(struct machine *m, const char *code);

#define assert_logged(m, words)                                                               \
	do {                                                                                  \
		if (!strstr((m)->login->log, words))                                          \
			fail_msg("no \"%s\" in: %s", words, (m)->login->log);                 \
	} while (0)

#endif
