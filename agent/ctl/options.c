/* SPDX-License-Identifier: MIT */
/* options.c - reads the arguments of one subject. An unknown option is never passed over. */
#include "ctl.h"

#include <string.h>

#include "base/text.h"

static const struct ctl_option *
find_option(const struct ctl_option *option, size_t n, const char *word, size_t length)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(option[i].name) == length &&
		    memcmp(option[i].name, word, length) == 0)
			return &option[i];
	return NULL;
}

static bool
put(struct ctl_call *call, const struct ctl_option *option, const char *value)
{
	if (option->texts) {
		if (option->texts->n == CTL_TEXTS_MAX) {
			(void)ctl_misused(call, "too many --%s", option->name);
			return false;
		}
		option->texts->text[option->texts->n++] = value;
		return true;
	}
	if (*option->text) {
		(void)ctl_misused(call, "--%s stands twice", option->name);
		return false;
	}
	*option->text = value;
	return true;
}

/* One option at argv[*at]; moves on over its value. */
static bool
take_option(struct ctl_call *call, const struct ctl_option *table, size_t n, int *at)
{
	const char *word = call->argv[*at] + 2, *equals = strchr(word, '=');
	size_t length = equals ? (size_t)(equals - word) : strlen(word);
	const struct ctl_option *option = find_option(table, n, word, length);
	char shown[64];

	dlk_text_escape(shown, sizeof(shown), DLK_BYTES(word, length));
	if (!option) {
		(void)ctl_misused(call, "there is no option --%s", shown);
		return false;
	}
	if (option->flag) {
		*option->flag = true;
		if (equals)
			(void)ctl_misused(call, "--%s takes no value", shown);
		return !equals;
	}
	if (!equals && *at + 1 == call->argc) {
		(void)ctl_misused(call, "--%s needs a value", shown);
		return false;
	}
	return put(call, option, equals ? equals + 1 : call->argv[++*at]);
}

bool
ctl_options(
    struct ctl_call *call, const struct ctl_option *option, size_t n, int least, int most)
{
	int alone = 0;
	bool ended = false;

	for (int at = 0; at < call->argc; at++) {
		char *word = call->argv[at];
		if (!ended && strcmp(word, "--") == 0) {
			ended = true;
		} else if (!ended && word[0] == '-' && word[1] == '-') {
			if (!take_option(call, option, n, &at))
				return false;
		} else if (!ended && word[0] == '-' && word[1] != '\0') {
			(void)ctl_misused(call, "options begin with two dashes");
			return false;
		} else {
			call->argv[alone++] = word;
		}
	}
	call->argc = alone;
	if (alone >= least && alone <= most)
		return true;
	(void)ctl_misused(call, alone < least ? "something is missing" : "too many words");
	return false;
}

bool
ctl_number(struct ctl_call *call, const char *option, const char *text, int64_t least,
    int64_t most, int64_t *ret)
{
	if (!text || dlk_int_parse(text, least, most, ret) == 0)
		return true;
	(void)ctl_misused(call, "--%s: a whole number from %lld to %lld is asked for", option,
	    (long long)least, (long long)most);
	return false;
}

int
ctl_dispatch(
    const struct ctl_subject *table, size_t n, const char *group, int argc, char **argv)
{
	for (size_t i = 0; argc > 0 && i < n; i++) {
		struct ctl_call call = { .subject = &table[i],
			.group = group,
			.argc = argc - 1,
			.argv = argv + 1 };
		if (strcmp(argv[0], table[i].name) == 0)
			return table[i].run(&call);
	}
	for (size_t i = 0; i < n; i++) {
		struct ctl_call call = { .subject = &table[i], .group = group };
		(void)ctl_misused(&call, NULL);
	}
	return CTL_USAGE;
}
