/* SPDX-License-Identifier: MIT */
/*
 * pamstack.c - reads pam.d files as libpam does, and walks every way through a stack. It runs
 * no module; what a module answers is whatever it may answer.
 */
#include "config/pamstack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

#define INCLUDES_MAX 16
#define LEVELS_MAX   16

/* In the order of _pam_types.h. */
static const char *const codes[DLK_PAM_CODES_MAX] = { "success", "open_err", "symbol_err",
	"service_err", "system_err", "buf_err", "perm_denied", "auth_err", "cred_insufficient",
	"authinfo_unavail", "user_unknown", "maxtries", "new_authtok_reqd", "acct_expired",
	"session_err", "cred_unavail", "cred_expired", "cred_err", "no_module_data",
	"conv_err", "authtok_err", "authtok_recover_err", "authtok_lock_busy",
	"authtok_disable_aging", "try_again", "ignore", "abort", "authtok_expired",
	"module_unknown", "bad_item", "conv_again", "incomplete" };
enum { CODE_SUCCESS = 0, CODE_NEW_AUTHTOK = 12, CODE_IGNORE = 25 };

struct reading {
	const char *type;
	dlk_pam_open *open;
	void *arg;
	struct dlk_pam_stack *stack;
	char *why;
	size_t size;
};

/* A line of a file that is being read. */
struct at {
	const char *file;
	unsigned line, level, depth;
};

void
dlk_pam_stack_fini(struct dlk_pam_stack *stack)
{
	free(stack->line);
	*stack = (struct dlk_pam_stack){ 0 };
}

static int
wrong(const struct reading *r, const struct at *at, int error, const char *why)
{
	dlk_text_print(r->why, r->size, "%s:%u: %s", at->file, at->line, why);
	return error;
}

static void
set_all(int *action, int success, int ignore, int otherwise)
{
	for (int i = 0; i < DLK_PAM_CODES_MAX; i++)
		action[i] = otherwise;
	action[CODE_SUCCESS] = action[CODE_NEW_AUTHTOK] = success;
	action[CODE_IGNORE] = ignore;
}

static bool
word_control(const char *word, int *action)
{
	if (strcasecmp(word, "required") == 0)
		set_all(action, DLK_PAM_OK, DLK_PAM_IGNORE, DLK_PAM_BAD);
	else if (strcasecmp(word, "requisite") == 0)
		set_all(action, DLK_PAM_OK, DLK_PAM_IGNORE, DLK_PAM_DIE);
	else if (strcasecmp(word, "sufficient") == 0)
		set_all(action, DLK_PAM_DONE, DLK_PAM_IGNORE, DLK_PAM_IGNORE);
	else if (strcasecmp(word, "optional") == 0)
		set_all(action, DLK_PAM_OK, DLK_PAM_IGNORE, DLK_PAM_IGNORE);
	else
		return false;
	return true;
}

static bool
read_action(const char *text, int *ret)
{
	static const struct {
		const char *text;
		int action;
	} words[] = { { "ignore", DLK_PAM_IGNORE }, { "ok", DLK_PAM_OK },
		{ "done", DLK_PAM_DONE }, { "bad", DLK_PAM_BAD }, { "die", DLK_PAM_DIE },
		{ "reset", DLK_PAM_RESET } };
	int64_t jump;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcasecmp(text, words[i].text) == 0) {
			*ret = words[i].action;
			return true;
		}
	}
	if (dlk_int_parse(text, 0, DLK_PAM_LINES_MAX, &jump) != 0)
		return false;
	*ret = (int)jump;
	return true;
}

/* "value=action ..." as between the brackets; what is not named is default, or bad. */
static bool
bracket_control(char *text, int *action)
{
	bool set[DLK_PAM_CODES_MAX] = { false };
	int otherwise = DLK_PAM_BAD;
	char *rest = NULL;

	for (char *word = strtok_r(text, " \t", &rest); word;
	     word = strtok_r(NULL, " \t", &rest)) {
		char *equals = strchr(word, '=');
		bool known = false;
		int value;

		if (!equals || !read_action(equals + 1, &value))
			return false;
		*equals = '\0';
		if (strcasecmp(word, "default") == 0) {
			otherwise = value;
			continue;
		}
		for (int i = 0; i < DLK_PAM_CODES_MAX; i++) {
			if (strcasecmp(word, codes[i]) != 0)
				continue;
			action[i] = value;
			set[i] = known = true;
		}
		if (!known)
			return false;
	}
	for (int i = 0; i < DLK_PAM_CODES_MAX; i++)
		if (!set[i])
			action[i] = otherwise;
	return true;
}

/* Takes a word, or what stands between brackets, off the front; false at the end. */
static bool
take_word(char **rest, char **ret_word, bool *ret_bracket)
{
	char *at = *rest + strspn(*rest, " \t");
	char *end;

	*ret_bracket = *at == '[';
	if (*at == '\0')
		return false;
	if (*ret_bracket) {
		at++;
		end = strchr(at, ']');
	} else {
		end = at + strcspn(at, " \t");
	}
	if (!end)
		return false;
	*rest = *end ? end + 1 : end;
	*end = '\0';
	*ret_word = at;
	return true;
}

static int
add_line(struct reading *r, const struct at *at, const struct dlk_pam_line *line)
{
	struct dlk_pam_line *more;

	if (r->stack->n == DLK_PAM_LINES_MAX)
		return wrong(r, at, -E2BIG, "the stack has too many lines");
	more = reallocarray(r->stack->line, r->stack->n + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	r->stack->line = more;
	more[r->stack->n++] = *line;
	return 0;
}

static int read_file(
    struct reading *r, const struct at *from, const char *name, unsigned level);

static int
add_module(struct reading *r, const struct at *at, const int *action, const char *path,
    const char *options)
{
	struct dlk_pam_line line = { .line = at->line, .level = at->level };
	const char *name = strrchr(path, '/');

	dlk_text_print(line.file, sizeof(line.file), "%s", at->file);
	dlk_text_escape(
	    line.module, sizeof(line.module), dlk_bytes_str(name ? name + 1 : path));
	dlk_text_escape(line.options, sizeof(line.options), dlk_bytes_str(options));
	memcpy(line.action, action, sizeof(line.action));
	return add_line(r, at, &line);
}

static int
open_substack(struct reading *r, const struct at *at, const char *name)
{
	struct dlk_pam_line line = { .line = at->line, .level = at->level };
	int error;

	if (at->level == LEVELS_MAX)
		return wrong(r, at, -E2BIG, "too many substacks in one another");
	dlk_text_print(line.file, sizeof(line.file), "%s", at->file);
	error = add_line(r, at, &line);
	return error ? error : read_file(r, at, name, at->level + 1);
}

static int
read_rest(struct reading *r, const struct at *at, char *rest)
{
	int action[DLK_PAM_CODES_MAX];
	char *control, *path;
	bool bracket, unused;

	if (!take_word(&rest, &control, &bracket) || !take_word(&rest, &path, &unused))
		return wrong(r, at, -EINVAL, "not TYPE CONTROL MODULE");
	if (!bracket && strcasecmp(control, "include") == 0)
		return read_file(r, at, path, at->level);
	if (!bracket && strcasecmp(control, "substack") == 0)
		return open_substack(r, at, path);
	if (bracket ? !bracket_control(control, action) : !word_control(control, action))
		return wrong(r, at, -EINVAL, "a control that libpam does not know");
	return add_module(r, at, action, path, rest + strspn(rest, " \t"));
}

static int
read_line(struct reading *r, const struct at *at, char *text)
{
	char *rest = text, *type;
	bool bracket;

	text[strcspn(text, "#")] = '\0';
	if (!take_word(&rest, &type, &bracket))
		return 0;
	if (strcasecmp(type, "@include") == 0) {
		if (!take_word(&rest, &type, &bracket))
			return wrong(r, at, -EINVAL, "@include without a name");
		return read_file(r, at, type, at->level);
	}
	if (strcasecmp(type + (type[0] == '-'), r->type) != 0)
		return 0;
	return read_rest(r, at, rest);
}

/* One logical line: a backslash at its end joins the next one. False at the end. */
static bool
take_line(struct dlk_bytes *rest, struct at *at, char *out, size_t size, bool *ret_long)
{
	size_t n = 0;
	bool joined = true;

	*ret_long = false;
	if (rest->n == 0)
		return false;
	while (joined && rest->n > 0) {
		const uint8_t *end = memchr(rest->p, '\n', rest->n);
		size_t len = end ? (size_t)(end - rest->p) : rest->n;
		size_t take = len;

		joined = len > 0 && rest->p[len - 1] == '\\';
		take -= joined;
		*ret_long |= take >= size - n;
		if (!*ret_long) {
			memcpy(out + n, rest->p, take);
			n += take;
		}
		at->line++;
		*rest =
		    DLK_BYTES(rest->p + len + (end ? 1 : 0), rest->n - len - (end ? 1 : 0));
	}
	out[n] = '\0';
	return true;
}

static int
read_file(struct reading *r, const struct at *from, const char *name, unsigned level)
{
	struct at at = { .file = name, .level = level, .depth = from->depth + 1 };
	char own[DLK_PAM_NAME_MAX + 1], text[1024];
	struct dlk_bytes content;
	bool too_long;
	int error;

	if (from->depth == INCLUDES_MAX)
		return wrong(r, from, -E2BIG, "too many includes in one another");
	if (!dlk_text_copy(own, sizeof(own), name))
		return wrong(r, from, -EINVAL, "a name that is too long");
	at.file = own;
	error = r->open(r->arg, own, &content);
	if (error != 0)
		return wrong(r, from, error, "what it includes is not there");
	while (error == 0 && take_line(&content, &at, text, sizeof(text), &too_long))
		error = too_long ? wrong(r, &at, -E2BIG, "a line that is too long")
				 : read_line(r, &at, text);
	return error;
}

int
dlk_pam_stack_read(const char *service, const char *type, dlk_pam_open *open, void *arg,
    struct dlk_pam_stack *ret_stack, char *ret_why, size_t size)
{
	struct reading r = { type, open, arg, ret_stack, ret_why, size };
	const struct at nowhere = { .file = service };

	ret_why[0] = '\0';
	return read_file(&r, &nowhere, service, 0);
}

size_t
dlk_pam_stack_count(const struct dlk_pam_stack *stack, const char *module)
{
	size_t n = 0;

	for (size_t i = 0; i < stack->n; i++)
		n += strcmp(stack->line[i].module, module) == 0;
	return n;
}

/* libpam's state between two modules (pam_dispatch.c): what was impressed, and its value. */
enum impression { UNDEFINED, POSITIVE, NEGATIVE };
struct state {
	size_t at;
	enum impression impression;
	bool success;
	enum impression saved[LEVELS_MAX + 1]; /* when each substack was entered */
	bool saved_success[LEVELS_MAX + 1];
};

struct walk {
	const struct dlk_pam_stack *stack;
	const char *module;
	bool may_ignore;
	const struct dlk_pam_bars *bars;
	struct dlk_pam_way *way;
	bool seen[DLK_PAM_LINES_MAX + 1][3][2]
		 [36]; /* the last: what two substacks saved, folded: 3 * 2 each */
};

static size_t
past_substack(const struct dlk_pam_stack *stack, size_t at, unsigned level)
{
	while (at < stack->n && stack->line[at].level >= level)
		at++;
	return at;
}

/* Passes over `jump` modules of this level, a substack being one. False: there are fewer. */
static bool
jump_over(const struct dlk_pam_stack *stack, size_t *at, unsigned level, int jump)
{
	size_t next = *at + 1;

	for (; jump > 0; jump--) {
		if (next >= stack->n || stack->line[next].level < level)
			return false;
		next = past_substack(stack, next + 1, level + 1);
	}
	*at = next;
	return true;
}

static void
decide_here(const struct walk *w, struct state *s, unsigned level)
{
	/* top level ends the stack; a substack ends itself */
	s->at = level == 0 ? w->stack->n : past_substack(w->stack, s->at, level);
}

/* One step of libpam with an action; `success` is the module's own value. */
static void
act(const struct walk *w, struct state *s, int action, bool success)
{
	unsigned level = w->stack->line[s->at].level;
	size_t next = s->at + 1;

	if (action > 0) {
		if (jump_over(w->stack, &s->at, level, action))
			return;
		s->impression = NEGATIVE;
		s->success = false;
		s->at = next;
		return;
	}
	s->at = next;
	switch (action) {
	case DLK_PAM_RESET:
		s->impression = s->saved[level];
		s->success = s->saved_success[level];
		return;
	case DLK_PAM_OK:
	case DLK_PAM_DONE:
		if (s->impression == UNDEFINED || (s->impression == POSITIVE && s->success)) {
			s->impression = POSITIVE;
			s->success = success;
		}
		if (action == DLK_PAM_DONE && s->impression == POSITIVE)
			decide_here(w, s, level);
		return;
	case DLK_PAM_BAD:
	case DLK_PAM_DIE:
		if (s->impression != NEGATIVE) {
			s->impression = NEGATIVE;
			s->success = false;
		}
		if (action == DLK_PAM_DIE)
			decide_here(w, s, level);
		return;
	default:
		return;
	}
}

static bool go(struct walk *w, struct state s, size_t depth);

static bool
try_code(struct walk *w, const struct state *from, size_t depth, int code)
{
	struct state s = *from;
	const struct dlk_pam_line *line = &w->stack->line[s.at];

	w->way->step[depth].line = (uint16_t)s.at;
	w->way->step[depth].how = code == CODE_SUCCESS  ? DLK_PAM_SUCCEEDS
				  : code == CODE_IGNORE ? DLK_PAM_IS_IGNORED
							: DLK_PAM_FAILS;
	act(w, &s, line->action[code], code == CODE_SUCCESS);
	return go(w, s, depth + 1);
}

static bool
may_answer(const struct walk *w, const struct dlk_pam_line *line, int code)
{
	bool succeeds = code == CODE_SUCCESS, ours = strcmp(line->module, w->module) == 0;

	if (code == CODE_NEW_AUTHTOK)
		return false; /* of account stacks */
	if (succeeds && w->bars->line[line - w->stack->line])
		return false;
	if (ours)
		return !succeeds && (code != CODE_IGNORE || w->may_ignore);
	if (strcmp(line->module, "pam_deny.so") == 0 ||
	    strcmp(line->module, "pam_rootok.so") == 0)
		return code != CODE_IGNORE && !succeeds;
	if (strcmp(line->module, "pam_permit.so") == 0)
		return succeeds;
	return true;
}

static unsigned
fold(const struct state *s, unsigned level)
{
	return (unsigned)s->saved[level] * 2 + s->saved_success[level];
}

static bool
go(struct walk *w, struct state s, size_t depth)
{
	const struct dlk_pam_line *line;
	unsigned folded;

	if (s.at >= w->stack->n) {
		w->way->n = depth;
		return s.impression == POSITIVE && s.success;
	}
	line = &w->stack->line[s.at];
	folded = fold(&s, line->level) * 6 + fold(&s, line->level ? line->level - 1 : 0);
	if (w->seen[s.at][s.impression][s.success][folded])
		return false;
	w->seen[s.at][s.impression][s.success][folded] = true;
	if (line->module[0] == '\0') { /* a substack begins */
		s.saved[line->level + 1] = s.impression;
		s.saved_success[line->level + 1] = s.success;
		s.at++;
		return go(w, s, depth);
	}
	for (int code = 0; code < DLK_PAM_CODES_MAX; code++)
		if (may_answer(w, line, code) && try_code(w, &s, depth, code))
			return true;
	return false;
}

bool
dlk_pam_bars_add(struct dlk_pam_bars *bars, const struct dlk_pam_stack *stack,
    const struct dlk_pam_way *way)
{
	for (size_t i = way->n; i > 0; i--) {
		size_t line = way->step[i - 1].line;

		if (way->step[i - 1].how != DLK_PAM_SUCCEEDS ||
		    strcmp(stack->line[line].module, "pam_permit.so") == 0)
			continue;
		bars->line[line] = true;
		return true;
	}
	return false;
}

bool
dlk_pam_stack_leaks(const struct dlk_pam_stack *stack, const char *module, bool may_ignore,
    struct dlk_pam_way *ret_way)
{
	static const struct dlk_pam_bars none;

	return dlk_pam_stack_leaks_by(stack, module, may_ignore, &none, ret_way);
}

bool
dlk_pam_stack_leaks_by(const struct dlk_pam_stack *stack, const char *module, bool may_ignore,
    const struct dlk_pam_bars *bars, struct dlk_pam_way *ret_way)
{
	struct walk *w = calloc(1, sizeof(*w));
	const struct state begin = { .impression = UNDEFINED };
	bool leaks = true; /* what cannot be walked is not called tight */

	ret_way->n = 0;
	if (w) {
		w->stack = stack;
		w->module = module;
		w->may_ignore = may_ignore;
		w->bars = bars;
		w->way = ret_way;
		leaks = go(w, begin, 0);
	}
	free(w);
	return leaks;
}
