/* SPDX-License-Identifier: MIT */
/*
 * binding.c - what the decision asks of the world, answered by this machine: NSS for accounts
 * and groups, certs.d for registered certificates, the record for what lasts.
 */
#include "store/binding.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/account.h"
#include "base/say.h"
#include "base/text.h"
#include "store/registry.h"

#define NSS_MAX    (1024 * 1024)
#define GROUPS_MAX 65536

static void
free_memory(void *p)
{
	free(*(void **)p);
}
#define AUTO_FREE __attribute__((cleanup(free_memory)))

static int
find_account(void *ctx, const char *name, struct dlk_account *ret_account)
{
	(void)ctx;
	return dlk_account_find(
	    name, ret_account->name, sizeof(ret_account->name), &ret_account->uid);
}

/* The group's number; -ENOENT where there is none: nobody is in it. */
static int
find_group(const char *group, gid_t *ret_gid)
{
	for (size_t size = 4096; size <= NSS_MAX; size *= 4) {
		AUTO_FREE char *room = malloc(size);
		struct group entry, *found = NULL;
		int error = room ? getgrnam_r(group, &entry, room, size, &found) : ENOMEM;

		if (found) {
			*ret_gid = found->gr_gid;
			return 0;
		}
		if (error == 0 || error == ENOENT || error == ESRCH)
			return -ENOENT;
		if (error != ERANGE)
			return -error;
	}
	return -ERANGE;
}

/* The user's groups, the primary one among them. */
static int
is_in(const char *user, gid_t primary, gid_t group, bool *ret_member)
{
	int n = 64;

	for (;;) {
		AUTO_FREE gid_t *groups = calloc((size_t)n, sizeof(*groups));
		int room = n;

		if (!groups)
			return -ENOMEM;
		if (getgrouplist(user, primary, groups, &n) >= 0) {
			*ret_member = false;
			for (int i = 0; i < n; i++)
				*ret_member |= groups[i] == group;
			return 0;
		}
		if (n <= room || n > GROUPS_MAX)
			return -ERANGE;
	}
}

static int
find_member(void *ctx, const char *user, const char *group, bool *ret_member)
{
	char name[DLK_NAME_MAX + 1];
	uid_t uid;
	gid_t gid = 0, primary = 0;
	int error = dlk_account_find_group(user, name, sizeof(name), &uid, &primary);

	(void)ctx;
	if (error == 0)
		error = find_group(group, &gid);
	if (error == -ENOENT) {
		*ret_member = false;
		return 0;
	}
	return error ? error : is_in(name, primary, gid, ret_member);
}

/* What a directory has supplied. It is the judge's own to write, and a cache that is no use
 * takes nobody's login away who is registered otherwise. */
static int
find_cached(struct dlk_binding *binding, const char *user, struct dlk_certs *certs)
{
	const struct dlk_care own = { .owned = true, .owner = geteuid() };
	struct dlk_finding finding = { 0 };

	if (!binding->cache)
		return 0;
	int error = dlk_registry_load(binding->cache, user, &own, certs, &finding);
	if (finding.reason != DLK_R_UNDECIDED)
		dlk_say(DLK_WARNING, "%s; left out", finding.detail);
	return error == -ENOMEM ? error : 0;
}

static int
find_registered(void *ctx, const char *user, struct dlk_certs *certs)
{
	struct dlk_binding *binding = ctx;
	struct dlk_finding finding = { 0 };
	int error;

	if (!binding->certs)
		return find_cached(binding, user, certs);
	error = dlk_registry_load(binding->certs, user, &binding->care, certs, &finding);
	if (error != 0)
		dlk_text_print(binding->words, sizeof(binding->words), "%.400s: %s",
		    finding.detail[0] ? finding.detail : binding->certs,
		    dlk_file_error(error));
	else if (finding.reason != DLK_R_UNDECIDED)
		dlk_say(DLK_WARNING, "%s", finding.detail);
	return error ? error : find_cached(binding, user, certs);
}

static int
no_record(struct dlk_binding *binding)
{
	dlk_text_copy(binding->words, sizeof(binding->words), binding->trouble.detail);
	return binding->error ? binding->error : -EIO;
}

/* What the record says of its error, kept where trouble() finds it. */
static int
said(struct dlk_binding *binding, int error)
{
	if (error != 0)
		dlk_text_copy(binding->words, sizeof(binding->words),
		    dlk_record_trouble(binding->record));
	return error;
}

static int
kept(void *ctx, const struct dlk_caller *caller, const struct dlk_request *request,
    int64_t now, struct dlk_kept *ret_kept)
{
	struct dlk_binding *binding = ctx;

	if (!binding->record) {
		int error = no_record(binding);
		return error == -ENOENT ? -EIO : error; /* that would be an answer */
	}
	return said(binding, dlk_record_kept(binding->record, caller, request, now, ret_kept));
}

static int
begin(void *ctx, const struct dlk_subject *subject, int64_t now, struct dlk_memory *memory)
{
	struct dlk_binding *binding = ctx;

	if (!binding->record)
		return no_record(binding);
	return said(binding, dlk_record_begin(binding->record, subject, now, memory));
}

static int
settle(void *ctx, const struct dlk_settlement *settlement, char *ret_event_id)
{
	struct dlk_binding *binding = ctx;

	if (!binding->record)
		return no_record(binding);
	return said(binding, dlk_record_settle(binding->record, settlement, ret_event_id));
}

static int
recall(void *ctx, const struct dlk_caller *caller, const struct dlk_request *request,
    int64_t now, struct dlk_mark *ret_mark, struct dlk_event *ret_event)
{
	struct dlk_binding *binding = ctx;

	if (!binding->record)
		return no_record(binding);
	return dlk_record_recall(binding->record, caller, request, now, ret_mark, ret_event);
}

static void
abandon(void *ctx)
{
	struct dlk_binding *binding = ctx;

	if (binding->record)
		dlk_record_abandon(binding->record);
}

static int
recovery_mac(void *ctx, const char *user, const struct dlk_secret *code, uint8_t *ret_mac)
{
	struct dlk_binding *binding = ctx;

	if (!binding->record)
		return no_record(binding);
	return said(binding, dlk_record_recovery_mac(binding->record, user, code, ret_mac));
}

static void
want(void *ctx, const struct dlk_cert *cert, const struct dlk_cert *issuer)
{
	const struct dlk_binding *binding = ctx;

	if (binding->wants)
		dlk_wants_add(binding->wants, cert, issuer);
}

static void
judged(void *ctx, const struct dlk_cert *cert, bool good)
{
	const struct dlk_binding *binding = ctx;

	if (binding->states)
		dlk_keystates_add(binding->states, cert, good);
}

static const char *
trouble(void *ctx)
{
	const struct dlk_binding *binding = ctx;

	return binding->words[0] ? binding->words : "no reason was given";
}

static int
nonce(void *ctx, uint8_t *ret_octets, size_t n)
{
	(void)ctx;
	return getrandom(ret_octets, n, 0) == (ssize_t)n ? 0 : -EIO;
}

struct dlk_ports
dlk_binding_ports(
    struct dlk_binding *binding, const struct dlk_trust *trust, const struct dlk_crls *crls)
{
	if (gethostname(binding->host, sizeof(binding->host) - 1) != 0)
		binding->host[0] = '\0';
	return (struct dlk_ports){
		.ctx = binding,
		.trust = trust,
		.crls = crls,
		.account = find_account,
		.member = find_member,
		.registered = find_registered,
		.kept = kept,
		.begin = begin,
		.settle = settle,
		.recall = recall,
		.abandon = abandon,
		.trouble = trouble,
		.recovery_mac = recovery_mac,
		.nonce = nonce,
		.host = binding->host,
		.want = want,
		.judged = judged,
	};
}
