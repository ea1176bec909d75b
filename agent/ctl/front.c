/* SPDX-License-Identifier: MIT */
/*
 * front.c - the program `doublelock` as sshd starts it, twice in each login: with the
 * libraries of a judge alone, because to load those of all commands takes longer than to judge
 * a key. Every other command is doublelock-ctl's.
 */
#include "ctl.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/say.h"
#include "base/text.h"

#define WHOLE "doublelock-ctl"

/* Beside this program, as it is built, or where it is installed. */
static int
start_whole(char **argv)
{
	char path[PATH_MAX + sizeof(WHOLE)];
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char *slash = NULL;

	if (n > 0) {
		path[n] = '\0';
		slash = strrchr(path, '/');
	}
	if (slash) {
		strcpy(slash + 1, WHOLE);
		(void)execv(path, argv);
	}
	(void)execv(DLK_LIBEXECDIR "/" WHOLE, argv);
	return ctl_fault(DLK_LIBEXECDIR "/" WHOLE ": %s", dlk_file_error(errno));
}

int
main(int argc, char **argv)
{
	struct ctl_call call = {
		.subject = &ctl_ssh_keys, .argc = argc - 2, .argv = argv + 2
	};

	dlk_say_to_stderr("doublelock");
	if (argc < 2 || strcmp(argv[1], ctl_ssh_keys.name) != 0)
		return start_whole(argv);
	return ctl_ssh_keys.run(&call);
}
