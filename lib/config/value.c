/* SPDX-License-Identifier: MIT */
/* value.c - readers of the values that several keys share. They know no key. */
#include "config/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

int
dlk_value_wrong(const char **ret_why, const char *why)
{
	*ret_why = why;
	return -EINVAL;
}

int
dlk_value_yes(const char *value, bool *ret, const char **ret_why)
{
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		return dlk_value_wrong(ret_why, "yes or no");
	*ret = strcmp(value, "yes") == 0;
	return 0;
}

int
dlk_value_number(struct dlk_build *build, const char *value, int64_t least, int64_t most,
    unsigned *ret, const char **ret_why)
{
	int64_t number;

	if (dlk_int_parse(value, least, most, &number) != 0) {
		dlk_text_print(build->why, sizeof(build->why), "a number from %lld to %lld",
		    (long long)least, (long long)most);
		return dlk_value_wrong(ret_why, build->why);
	}
	*ret = (unsigned)number;
	return 0;
}

int
dlk_value_duration(const char *value, int64_t *ret, const char **ret_why)
{
	if (dlk_duration_parse(value, ret) != 0)
		return dlk_value_wrong(
		    ret_why, "a duration is a number and its unit: 30s, 10m, 8h, 7d, or 0");
	return 0;
}

int
dlk_value_path(const char *value, char **ret, const char **ret_why)
{
	char *copy;

	if (value[0] != '/')
		return dlk_value_wrong(ret_why, "a path begins with '/'");
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(*ret);
	*ret = copy;
	return 0;
}

int
dlk_value_add_path(struct dlk_strings *strings, const char *value, const char **ret_why)
{
	if (value[0] != '/')
		return dlk_value_wrong(ret_why, "a path begins with '/'");
	return dlk_strings_add(strings, value);
}

/* Each word of a list that is separated by commas. */
int
dlk_value_words(struct dlk_build *build, const char *value,
    int (*each)(struct dlk_build *, const char *, const char **), const char **ret_why)
{
	while (*value) {
		size_t n = strcspn(value, ",");
		size_t blank = strspn(value, " \t");
		size_t end = n;
		char word[DLK_INI_LINE_MAX + 1];
		int error;

		while (end > blank && (value[end - 1] == ' ' || value[end - 1] == '\t'))
			end--;
		if (blank >= end)
			return dlk_value_wrong(ret_why, "an empty place in the list");
		memcpy(word, value + blank, end - blank);
		word[end - blank] = '\0';
		error = each(build, word, ret_why);
		if (error != 0)
			return error;
		value += n;
		if (*value == ',' && *++value == '\0')
			return dlk_value_wrong(ret_why, "an empty place in the list");
	}
	return 0;
}

bool
dlk_value_is_web(const char *value)
{
	return strncmp(value, "http://", 7) == 0 || strncmp(value, "https://", 8) == 0;
}
