/* SPDX-License-Identifier: MIT */
/* main.c - the program `doublelock`: finds the subject that is asked for. */
#include "ctl.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/say.h"

static const struct ctl_subject *const subjects[] = {
	&ctl_verify,
	&ctl_enroll,
	&ctl_import,
	&ctl_user,
	&ctl_token,
	&ctl_recovery,
	&ctl_cert,
	&ctl_crl,
	&ctl_ssh_keys,
	&ctl_ssh_carry,
	&ctl_why,
	&ctl_events,
	&ctl_status,
	&ctl_doctor,
	&ctl_setup,
	&ctl_webhook,
	&ctl_seal,
	&ctl_init,
};

static int
help(FILE *out)
{
	fputs("usage: doublelock SUBJECT ...\n\n", out);
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++)
		fprintf(out, "  %s %s\n", subjects[i]->name, subjects[i]->synopsis);
	fputs("\nExit: 0 yes or done, 1 refused, 2 usage, 3 fault. See doublelock(1).\n", out);
	return out == stdout ? CTL_YES : CTL_USAGE;
}

/* What is printed as JSON may be a secret. */
static void
wipe_and_free(void *p)
{
	if (p)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

int
main(int argc, char **argv)
{
	json_set_alloc_funcs(malloc, wipe_and_free);
	dlk_say_to_stderr("doublelock");
	if (argc < 2)
		return help(stderr);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
		return help(stdout);
	if (strcmp(argv[1], "--version") == 0)
		return printf("doublelock %s\n", DLK_VERSION) < 0 ? CTL_FAULT : CTL_YES;
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		struct ctl_call call = {
			.subject = subjects[i], .argc = argc - 2, .argv = argv + 2
		};
		if (strcmp(argv[1], subjects[i]->name) == 0)
			return subjects[i]->run(&call);
	}
	return help(stderr);
}
