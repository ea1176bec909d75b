/* SPDX-License-Identifier: MIT */
/* options.h - the arguments behind pam_doublelock.so in a PAM configuration. */
#ifndef DLK_PAM_OPTIONS_H
#define DLK_PAM_OPTIONS_H

#include <security/pam_modules.h>
#include <stdbool.h>

#ifndef DLK_LIBEXECDIR
#define DLK_LIBEXECDIR "/usr/libexec/doublelock"
#endif
#ifndef DLK_RUNDIR
#define DLK_RUNDIR "/run/doublelock"
#endif

/* Where the code comes from besides the prompt. */
enum dlk_first_pass { DLK_FIRST_PASS_NONE = 0, DLK_FIRST_PASS_TRY, DLK_FIRST_PASS_ONLY };

/* Borrowed from argv, or compiled in. */
struct dlk_options {
	const char *config;  /* NULL: the helper's own default */
	const char *service; /* NULL: PAM_SERVICE */
	const char *helper;
	const char *prove;
	const char *agent;
	bool ask_agent; /* agent= was given */
	enum dlk_first_pass first_pass;
	bool forward_pass;
};

/* false, and a line in the log, where an argument is unknown or contradicts another. */
bool dlk_options_parse(
    pam_handle_t *pamh, int argc, const char **argv, struct dlk_options *ret_options);

#endif
