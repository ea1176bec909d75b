/* SPDX-License-Identifier: MIT */
/* login.h - one login through the real libpam, with a configuration directory of its own. */
#ifndef DLK_TESTS_PAM_LOGIN_H
#define DLK_TESTS_PAM_LOGIN_H

#include <security/pam_appl.h>
#include <stdbool.h>

#define LOGIN_PROMPTS 4

/* Directory and files are private to one test. */
struct login {
	char dir[64], judge[128], part[128], token[128];
	/* what the application does */
	const char *user;        /* NULL: nobody was named */
	const char *service;     /* NULL: "doublelock-test" */
	const char *rhost, *tty; /* NULL: not set */
	const char *ruser;       /* the same */
	const char *env[4];      /* NAME=VALUE of PAM, NULL-ended */
	const char *answer;      /* NULL: an answer that is none */
	int conversation;        /* what it returns */
	bool wait_for_judge;     /* answers when the judge has ended */
	/* NULL, or: before the module is called, while it asks, and when it has returned */
	void (*before_call)(struct login *l);
	void (*meanwhile)(struct login *l);
	void (*after_call)(struct login *l);
	pam_handle_t *pamh; /* for these */
	bool twice;         /* the module stands in the stack twice */
	bool hasty;         /* the module with the short deadline */
	const char *before; /* arguments of a stub in front; NULL: none */
	/* what came of it */
	int prompts, styles[LOGIN_PROMPTS];
	char prompt[LOGIN_PROMPTS][128];
	char log[16384];
	int lines; /* of the module, in the log */
};

int login_setup(void **state);
int login_teardown(void **state);

/* Copies a program that was built beside this one. */
void login_program(const char *name, const char *to);
/* Writes the judge's part and runs pam_authenticate() with the arguments (config= and helper=
 * stand before them). The module's own code: PAM_IGNORE can be told from PAM_SUCCESS. */
int login(struct login *l, const char *part, const char *arguments);
/* As login(), with all the arguments given. */
int login_bare(struct login *l, const char *part, const char *arguments);
/* As login(), with the prover of tests/pam/prover.c that plays this part. */
int login_proving(struct login *l, const char *part, const char *prover);
/* pam_open_session(), and pam_close_session() where that was a success; the last code. */
int login_session(struct login *l, const char *part, const char *arguments);
/* The nth (from 0) line "KEY value" that judges wrote; NULL where there is none. Static. */
const char *login_seen(const struct login *l, const char *key, int nth);
/* PAM_AUTHTOK as the module that follows has it; "none". Static. */
const char *login_token(const struct login *l);
/* This process's own account. */
const char *login_self(void);
bool login_left_children(void);

#endif
