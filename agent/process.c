/* SPDX-License-Identifier: MIT */
/* process.c - reads /proc/PID/stat (proc(5)). The name in it is whatever the program calls
 * itself: nothing before the last parenthesis is read. */
#include "process.h"

#include <string.h>

#include "base/file.h"
#include "base/text.h"

#define STAT_MAX 4096
#define PARENT   4 /* fields, from 1; the second one is the name */
#define STARTED  22

/* Behind the name, which may hold anything, a bracket too. */
static int64_t
number(const char *behind_name, int field)
{
	const char *at = behind_name;
	char text[24];
	int64_t value = 0;

	for (int i = 2; at && i < field; i++)
		at = strchr(at + 1, ' ');
	size_t n = at ? strcspn(at + 1, " \n") : 0;
	if (n == 0 || n >= sizeof(text))
		return 0;
	memcpy(text, at + 1, n);
	text[n] = '\0';
	return dlk_int_parse(text, 0, INT64_MAX, &value) == 0 ? value : 0;
}

/* When it began, or 0. */
static int64_t
read_stat(pid_t pid, int64_t *ret_parent)
{
	DLK_AUTO_BUF stat = { 0 };
	char path[64];

	dlk_text_print(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	if (pid <= 0 || dlk_file_read(path, STAT_MAX, NULL, &stat) != 0 ||
	    dlk_buf_add(&stat, STAT_MAX + 1, DLK_BYTES("", 1)) != 0)
		return 0;
	const char *name = strrchr((const char *)stat.p, ')');
	if (!name)
		return 0;
	*ret_parent = number(name, PARENT);
	return number(name, STARTED);
}

void
dlk_process_know(pid_t pid, struct dlk_process *ret_process)
{
	struct dlk_process *p = ret_process;
	int64_t parent = 0, ignored;

	memset(p, 0, sizeof(*p));
	p->started = read_stat(pid, &parent);
	if (p->started == 0)
		return;
	p->pid = pid;
	p->parent_started = read_stat((pid_t)parent, &ignored);
	if (p->parent_started != 0)
		p->parent = (pid_t)parent;
}
