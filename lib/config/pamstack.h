/* SPDX-License-Identifier: MIT */
/*
 * pamstack.h - a PAM stack as libpam reads it (pam.d(5)), and the question whether somebody
 * gets through it past one module: by include, substack, jump, `sufficient`, or an action that
 * passes over a failure.
 */
#ifndef DLK_CONFIG_PAMSTACK_H
#define DLK_CONFIG_PAMSTACK_H

#include "base/bytes.h"

#define DLK_PAM_LINES_MAX 512
#define DLK_PAM_NAME_MAX  127
#define DLK_PAM_CODES_MAX 32

/* What a return value leads to; above zero: so many modules are passed over. */
enum {
	DLK_PAM_IGNORE = 0,
	DLK_PAM_OK = -1,
	DLK_PAM_DONE = -2,
	DLK_PAM_BAD = -3,
	DLK_PAM_DIE = -4,
	DLK_PAM_RESET = -5
};

struct dlk_pam_line {
	char
	    file[DLK_PAM_NAME_MAX + 1]; /* the service or the file that it was included from */
	unsigned line;
	unsigned level;                    /* of substacks */
	char module[DLK_PAM_NAME_MAX + 1]; /* without its directory; "" opens a substack */
	char options[256];
	int action[DLK_PAM_CODES_MAX]; /* by return value, in the order of pam.d(5) */
};

struct dlk_pam_stack {
	struct dlk_pam_line *line;
	size_t n;
};
void dlk_pam_stack_fini(struct dlk_pam_stack *stack);
#define DLK_AUTO_PAM_STACK __attribute__((cleanup(dlk_pam_stack_fini))) struct dlk_pam_stack

/* Where files come from: 0 and octets that stay while the stack is read, or -ENOENT. */
typedef int dlk_pam_open(void *arg, const char *name, struct dlk_bytes *ret_content);
/* The lines of one type ("auth") of a service, includes in place. 0, -ENOENT where a file is
 * missing, -EINVAL or -E2BIG, with "file:line: why" in `ret_why` (size octets). */
int dlk_pam_stack_read(const char *service, const char *type, dlk_pam_open *open, void *arg,
    struct dlk_pam_stack *ret_stack, char *ret_why, size_t size);

/* A way through: the lines in order, and what each one answered. */
struct dlk_pam_way {
	size_t n;
	struct {
		uint16_t line;
		enum { DLK_PAM_SUCCEEDS, DLK_PAM_FAILS, DLK_PAM_IS_IGNORED } how;
	} step[DLK_PAM_LINES_MAX];
};
/* Whether the stack can succeed although `module` fails or, with `may_ignore`, is ignored, or
 * is passed over. Nothing is assumed of other modules, but that pam_deny fails, pam_permit
 * succeeds, and that nobody is root already (pam_rootok). */
bool dlk_pam_stack_leaks(const struct dlk_pam_stack *stack, const char *module,
    bool may_ignore, struct dlk_pam_way *ret_way);
/* The same without ways on which one of the barred lines succeeds. */
struct dlk_pam_bars {
	bool line[DLK_PAM_LINES_MAX];
};
bool dlk_pam_stack_leaks_by(const struct dlk_pam_stack *stack, const char *module,
    bool may_ignore, const struct dlk_pam_bars *bars, struct dlk_pam_way *ret_way);
/* Bars the last line that succeeds on the way and may as well fail, so that the next one is
 * another way. False where there is none: then there is no other way to ask for. */
bool dlk_pam_bars_add(struct dlk_pam_bars *bars, const struct dlk_pam_stack *stack,
    const struct dlk_pam_way *way);
/* How often the module stands in the stack. */
size_t dlk_pam_stack_count(const struct dlk_pam_stack *stack, const char *module);

#endif
