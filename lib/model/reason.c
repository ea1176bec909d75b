/* SPDX-License-Identifier: MIT */
/* reason.c - the list of reason.h as lookups. */
#include <doublelock/reason.h>
#include <stddef.h>
#include <string.h>

static const struct {
	const char *text, *meaning, *remedy;
	enum dlk_blame blame;
} reasons[] = {
#define ROW(symbol, text, blame, meaning, remedy)                                             \
	[DLK_R_##symbol] = { text, meaning, remedy, DLK_BLAME_##blame },
	DLK_REASONS(ROW)
#undef ROW
};

static size_t
row(enum dlk_reason reason)
{
	return (unsigned)reason < DLK_REASON_COUNT ? (size_t)reason : DLK_R_UNDECIDED;
}

const char *
dlk_reason_str(enum dlk_reason reason)
{
	return reasons[row(reason)].text;
}

const char *
dlk_reason_meaning(enum dlk_reason reason)
{
	return reasons[row(reason)].meaning;
}

const char *
dlk_reason_remedy(enum dlk_reason reason)
{
	return reasons[row(reason)].remedy;
}

enum dlk_blame
dlk_reason_blame(enum dlk_reason reason)
{
	return reasons[row(reason)].blame;
}

enum dlk_reason
dlk_reason_find(const char *text)
{
	for (size_t i = 0; i < DLK_REASON_COUNT; i++)
		if (strcmp(reasons[i].text, text) == 0)
			return (enum dlk_reason)i;
	return DLK_R_UNDECIDED;
}
