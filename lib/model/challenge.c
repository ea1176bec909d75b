/* SPDX-License-Identifier: MIT */
/* challenge.c - the life of a challenge and its answer, and the words for its troubles. */
#include "model/challenge.h"

#include <string.h>

static const struct {
	enum dlk_reason reason;
	const char *words;
} troubles[] = {
#define ROW(symbol, number, reason, words) [number] = { DLK_R_##reason, words },
	DLK_TROUBLES(ROW)
#undef ROW
};

static size_t
row(enum dlk_trouble trouble)
{
	size_t n = (unsigned)trouble;

	return n < sizeof(troubles) / sizeof(*troubles) && troubles[n].words
		   ? n
		   : DLK_TROUBLE_INTERNAL;
}

enum dlk_reason
dlk_trouble_reason(enum dlk_trouble trouble)
{
	return troubles[row(trouble)].reason;
}

const char *
dlk_trouble_words(enum dlk_trouble trouble)
{
	return troubles[row(trouble)].words;
}

void
dlk_challenge_fini(struct dlk_challenge *challenge)
{
	dlk_buf_free(&challenge->data);
	dlk_buf_free(&challenge->wanted);
	memset(challenge, 0, sizeof(*challenge));
}

void
dlk_answer_fini(struct dlk_answer *answer)
{
	dlk_buf_free(&answer->evidence);
	dlk_buf_free(&answer->signature);
	memset(answer, 0, sizeof(*answer));
}
