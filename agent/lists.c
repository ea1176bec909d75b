/* SPDX-License-Identifier: MIT */
/* lists.c - one time for each issuer. Whom a list revokes is the core's business. */
#include "agent/lists.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"

static int64_t
later(int64_t when, int64_t seconds)
{
	return when > DLK_TIME_NEVER - seconds ? DLK_TIME_NEVER : when + seconds;
}

static int64_t
until_of(const struct dlk_crl_about *about, const struct dlk_revocation_rules *rules)
{
	int64_t until = later(about->next_update, rules->grace);

	if (rules->max_age > 0 && later(about->this_update, rules->max_age) < until)
		until = later(about->this_update, rules->max_age);
	return until;
}

static struct dlk_list *
find(struct dlk_lists *lists, const char *issuer)
{
	for (size_t i = 0; i < lists->n; i++)
		if (strcmp(lists->list[i].issuer, issuer) == 0)
			return &lists->list[i];
	return NULL;
}

static void
add(struct dlk_lists *lists, const char *issuer, int64_t until)
{
	struct dlk_list *list = find(lists, issuer);

	if (!list && lists->n < DLK_LISTS_MAX) {
		list = &lists->list[lists->n++];
		*list = (struct dlk_list){ .until = until };
		dlk_text_print(list->issuer, sizeof(list->issuer), "%s", issuer);
	}
	if (list && list->until < until)
		list->until = until;
}

bool
dlk_lists_is_guests(const struct dlk_engine *engine, size_t i, const char *label)
{
	const char *index = dlk_engine_settings(engine)->index;
	const struct dlk_cert *ca;
	size_t n = strlen(index);

	if (strncmp(label, index, n) != 0 || label[n] != '/')
		return false;
	for (n = 0; (ca = dlk_trust_ca_at(dlk_engine_trust(engine), n)); n++)
		if (dlk_crls_signed_by(dlk_engine_crls(engine), i, ca))
			return false;
	return true;
}

void
dlk_lists_read(struct dlk_lists *lists, const struct dlk_engine *engine)
{
	const struct dlk_revocation_rules *rules = &dlk_engine_policy(engine)->revocation;
	const struct dlk_crls *crls = dlk_engine_crls(engine);
	struct dlk_lists before = *lists;

	lists->n = 0;
	if (rules->mode == DLK_REVOCATION_OFF || !crls)
		return;
	for (size_t i = 0; i < dlk_crls_count(crls); i++) {
		struct dlk_crl_about about;
		dlk_crls_describe(crls, i, &about);
		/* a delta stands beside a whole one, whose time counts */
		if (!about.delta && !dlk_lists_is_guests(engine, i, about.label))
			add(lists, about.issuer, until_of(&about, rules));
	}
	for (size_t i = 0; i < lists->n; i++) {
		const struct dlk_list *old = find(&before, lists->list[i].issuer);
		lists->list[i].told = old && old->told && old->until == lists->list[i].until;
	}
}

const struct dlk_list *
dlk_lists_stale(const struct dlk_lists *lists, int64_t now)
{
	for (size_t i = 0; i < lists->n; i++)
		if (lists->list[i].until < now)
			return &lists->list[i];
	return NULL;
}

const struct dlk_list *
dlk_lists_tell(struct dlk_lists *lists, int64_t now)
{
	for (size_t i = 0; i < lists->n; i++)
		if (lists->list[i].until < now && !lists->list[i].told) {
			lists->list[i].told = true;
			return &lists->list[i];
		}
	return NULL;
}
