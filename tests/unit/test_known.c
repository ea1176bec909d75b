/* SPDX-License-Identifier: MIT */
/*
 * What is known of a certificate is used again for just the same question, while nothing can
 * have changed. Whether it was used shows by taking the trust away: then only what is known
 * is still accepted.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "core/judge.h"
#include "core/known.h"
#include "crlmake.h"
#include "pki.h"

#define NOW PKI_NOW
#define DAY PKI_DAY

/* root -> sub -> alice; `sub` is presented. */
static struct pki_spec root_spec, sub_spec, alice_spec;
static struct dlk_cert *root, *sub, *alice;
static struct dlk_trust *trust, *nothing;
static struct dlk_crls *no_lists;

struct world {
	struct dlk_policy policy;
	struct dlk_service web, vpn;
	struct dlk_certs presented;
	struct dlk_ports ports;
	struct dlk_finding finding;
	struct dlk_judgement judgement;
};

static int accounts; /* how often one was asked for; < 0: there is none */

static int
account(void *ctx, const char *name, struct dlk_account *ret)
{
	(void)ctx;
	if (accounts < 0)
		return -ENOENT;
	accounts++;
	dlk_text_copy(ret->name, sizeof(ret->name), name);
	ret->uid = 1000;
	return 0;
}

static int
make_pki(void **state)
{
	(void)state;
	root_spec = pki_ca("CN=CA", NULL, pki_key(PKI_P256, 1));
	sub_spec = pki_ca("CN=Sub", &root_spec, pki_key(PKI_P256, 2));
	alice_spec = pki_leaf("CN=alice", &sub_spec);
	root = pki_cert(&root_spec);
	sub = pki_cert(&sub_spec);
	alice = pki_cert(&alice_spec);
	if (dlk_trust_new(&trust) != 0 || dlk_trust_new(&nothing) != 0 ||
	    dlk_crls_new(&no_lists) != 0)
		return -1;
	return dlk_trust_add_anchor(trust, 0, root);
}

static int
free_pki(void **state)
{
	(void)state;
	dlk_trust_free(trust);
	dlk_trust_free(nothing);
	dlk_crls_free(no_lists);
	dlk_cert_free(root);
	dlk_cert_free(sub);
	dlk_cert_free(alice);
	return 0;
}

static int
set_up(void **state)
{
	static struct world w;
	const char *why;

	memset(&w, 0, sizeof(w));
	accounts = 0;
	dlk_policy_init(&w.policy);
	w.policy.set = calloc(1, sizeof(*w.policy.set));
	w.policy.n_sets = 1;
	w.policy.revocation.mode = DLK_REVOCATION_OFF;
	w.web = (struct dlk_service){ .name = "web", .section = "service web" };
	w.vpn = (struct dlk_service){ .name = "vpn", .section = "service vpn" };
	w.ports = (struct dlk_ports){ .trust = trust, .crls = no_lists, .account = account };
	*state = &w;
	if (dlk_known_new(&w.ports.known) != 0 ||
	    dlk_certs_add(&w.presented, dlk_cert_ref(sub)) != 0)
		return -1;
	return dlk_rules_add(&w.policy.rules, "subject-cn:%u", &why);
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	dlk_policy_fini(&w->policy);
	dlk_certs_fini(&w->presented);
	dlk_known_free(w->ports.known);
	return 0;
}

static enum dlk_reason
judge(struct world *w, const struct dlk_service *service, const struct dlk_cert *leaf,
    const struct dlk_certs *presented, int64_t now)
{
	memset(&w->finding, 0, sizeof(w->finding));
	return dlk_judge(&w->policy, service, &w->ports, leaf, presented, true, now,
	    &w->judgement, &w->finding);
}

static enum dlk_reason
usual(struct world *w, int64_t now)
{
	return judge(w, &w->web, alice, &w->presented, now);
}

static void
the_same_is_known_until_its_end(void **state)
{
	struct world *w = *state;

	assert_int_equal(usual(w, NOW), DLK_R_OK);
	int64_t end = w->judgement.good_until;
	w->ports.trust = nothing;
	assert_int_equal(usual(w, NOW), DLK_R_OK);
	assert_string_equal(w->judgement.account.name, "alice");
	assert_int_equal(w->judgement.good_until, end);
	assert_int_equal(w->judgement.chain_until, end);
	assert_int_equal(usual(w, end - 1), DLK_R_OK);
	assert_int_equal(usual(w, end), DLK_R_UNTRUSTED_ISSUER);
	/* a clock that was set back behind the judgement */
	assert_int_equal(usual(w, NOW - 1), DLK_R_UNTRUSTED_ISSUER);
}

static void
anything_else_is_judged(void **state)
{
	struct world *w = *state;
	struct pki_spec twin_spec = alice_spec;
	static const struct dlk_certs none;
	DLK_AUTO_CERTS more = { 0 };

	twin_spec.serial = 77;
	DLK_AUTO_CERT *twin = pki_cert(&twin_spec);
	assert_int_equal(dlk_certs_add(&more, dlk_cert_ref(sub)), 0);
	assert_int_equal(dlk_certs_add(&more, dlk_cert_ref(root)), 0);
	assert_int_equal(usual(w, NOW), DLK_R_OK);
	w->ports.trust = nothing;
	assert_int_equal(judge(w, &w->vpn, alice, &w->presented, NOW), DLK_R_UNTRUSTED_ISSUER);
	assert_int_equal(judge(w, NULL, alice, &w->presented, NOW), DLK_R_UNTRUSTED_ISSUER);
	assert_int_equal(judge(w, &w->web, twin, &w->presented, NOW), DLK_R_UNTRUSTED_ISSUER);
	assert_int_equal(judge(w, &w->web, alice, &none, NOW), DLK_R_UNTRUSTED_ISSUER);
	assert_int_equal(judge(w, &w->web, alice, &more, NOW), DLK_R_UNTRUSTED_ISSUER);
	assert_int_equal(usual(w, NOW), DLK_R_OK);
}

static void
a_refusal_is_not_known(void **state)
{
	struct world *w = *state;

	w->ports.trust = nothing;
	assert_int_equal(usual(w, NOW), DLK_R_UNTRUSTED_ISSUER);
	w->ports.trust = trust;
	assert_int_equal(usual(w, NOW), DLK_R_OK);
}

static void
the_account_is_asked_for_each_time(void **state)
{
	struct world *w = *state;

	assert_int_equal(usual(w, NOW), DLK_R_OK);
	w->ports.trust = nothing;
	assert_int_equal(usual(w, NOW), DLK_R_OK);
	assert_int_equal(accounts, 2);
	accounts = -1;
	assert_int_equal(usual(w, NOW), DLK_R_NO_IDENTITY);
	w->web.names_only = true;
	assert_int_equal(usual(w, NOW), DLK_R_OK);
}

/* Revoked is what the newer lists say: with them comes an empty memory, and the older one
 * is not asked. */
static struct dlk_crls *
list_of(const char *serial, const char *from, const char *until)
{
	struct dlk_finding finding;
	struct dlk_crls *crls = NULL;
	char *entry = serial ? crl_entry_hex(serial, "") : NULL;
	const struct dlk_cert *by[] = { root, sub };

	assert_int_equal(dlk_crls_new(&crls), 0);
	for (size_t i = 0; i < 2; i++) {
		char issuer[512], begin[64], end[64];
		struct crl_recipe recipe = { .key = pki_key(PKI_P256, 1 + (unsigned)i),
			.entries = entry && i == 1 ? entry : "",
			.extensions = "" };

		dlk_hex(dlk_cert_subject_der(by[i]), issuer);
		dlk_hex(dlk_bytes_str(from), begin);
		dlk_hex(dlk_bytes_str(until), end);
		recipe.issuer = issuer;
		char *this_update = der_hex(0x17, begin, NULL);
		char *next_update = der_hex(0x17, end, NULL);
		recipe.this_update = this_update;
		recipe.next_update = next_update;
		DLK_AUTO_BUF der = crl_make(&recipe);
		if (dlk_crls_add_file(crls, dlk_bytes_of(&der), "list", &finding) != DLK_R_OK)
			fail_msg("%s", finding.detail);
		free(this_update);
		free(next_update);
	}
	free(entry);
	return crls;
}

/* PKI_NOW is 2025-10-09 08:53:20 */
#define BEFORE "251008000000Z"
#define SOON   "251009090000Z"
#define AFTER  "251010000000Z"
#define LATER  "251012000000Z"

static void
newer_lists_are_asked(void **state)
{
	struct world *w = *state;
	struct dlk_crls *older = list_of(NULL, BEFORE, LATER);
	struct dlk_crls *newer = list_of("01", BEFORE, LATER);

	w->policy.revocation.mode = DLK_REVOCATION_REQUIRE;
	w->ports.crls = older;
	assert_int_equal(usual(w, NOW), DLK_R_OK);
	dlk_known_free(w->ports.known);
	assert_int_equal(dlk_known_new(&w->ports.known), 0);
	w->ports.crls = newer;
	assert_int_equal(usual(w, NOW), DLK_R_REVOKED);
	dlk_crls_free(older);
	dlk_crls_free(newer);
}

static void
it_ends_with_the_lists(void **state)
{
	struct world *w = *state;
	struct dlk_crls *crls = list_of(NULL, BEFORE, AFTER);

	w->policy.revocation.mode = DLK_REVOCATION_REQUIRE;
	w->ports.crls = crls;
	assert_int_equal(usual(w, NOW), DLK_R_OK);
	int64_t end = w->judgement.good_until;
	assert_true(end < NOW + DAY);
	assert_true(w->judgement.chain_until > end);
	w->ports.trust = nothing;
	assert_int_equal(usual(w, end - 1), DLK_R_OK);
	w->ports.trust = trust;
	assert_int_equal(usual(w, end + 1), DLK_R_CRL_STALE);
	dlk_crls_free(crls);
}

/* A list that begins only later may revoke: from then on it is judged anew. */
static void
it_ends_where_a_list_begins(void **state)
{
	struct world *w = *state;
	struct dlk_crls *crls = list_of(NULL, BEFORE, LATER);
	struct dlk_crls *coming = list_of("01", SOON, LATER);

	assert_int_equal(dlk_crls_move(coming, crls), 0);
	w->policy.revocation.mode = DLK_REVOCATION_REQUIRE;
	w->ports.crls = crls;
	assert_int_equal(usual(w, NOW), DLK_R_OK);
	assert_int_equal(usual(w, NOW + 399), DLK_R_OK);
	assert_int_equal(usual(w, NOW + 400), DLK_R_REVOKED);
	dlk_crls_free(crls);
	dlk_crls_free(coming);
}

/* A second path may name somebody else. */
static void
it_ends_where_a_certificate_begins(void **state)
{
	struct world *w = *state;
	struct pki_spec coming_spec = sub_spec;

	coming_spec.not_before = NOW + 60;
	coming_spec.serial = 9;
	assert_int_equal(dlk_certs_add(&w->presented, pki_cert(&coming_spec)), 0);
	assert_int_equal(usual(w, NOW), DLK_R_OK);
	w->ports.trust = nothing;
	assert_int_equal(usual(w, NOW + 59), DLK_R_OK);
	assert_int_equal(usual(w, NOW + 60), DLK_R_UNTRUSTED_ISSUER);
}

static void
certificates_are_found_by_their_octets(void **state)
{
	struct world *w = *state;
	DLK_AUTO_BUF der = { 0 };

	pki_make(&alice_spec, &der);
	struct dlk_bytes octets = dlk_cert_der(alice);
	assert_null(dlk_known_cert(w->ports.known, octets));
	assert_int_equal(usual(w, NOW), DLK_R_OK);
	DLK_AUTO_CERTS certs = { .known = w->ports.known };
	assert_int_equal(dlk_certs_parse(octets, &certs, &w->finding), DLK_R_OK);
	assert_ptr_equal(certs.cert[0], alice);
	/* one octet more or less is another certificate, or none */
	assert_null(dlk_known_cert(w->ports.known, DLK_BYTES(octets.p, octets.n - 1)));
	assert_int_equal(
	    dlk_certs_parse(DLK_BYTES(octets.p, octets.n - 1), &certs, &w->finding),
	    DLK_R_CERTIFICATE_MALFORMED);
}

/* More than there is room for: the newest are there, and none is another one's. */
static void
it_has_an_end(void **state)
{
	struct world *w = *state;
	static const struct dlk_certs none;
	struct dlk_standing standing = { .good_until = NOW + DAY, .chain_until = NOW + DAY };
	struct dlk_standing found = { 0 };
	uint8_t key[DLK_KNOWN_KEY] = { 0 };
	unsigned there = 0;

	for (unsigned i = 0; i < 3 * DLK_KNOWN_JUDGED; i++) {
		dlk_put_be32(key, i);
		dlk_text_print(standing.named.name, sizeof(standing.named.name), "u%u", i);
		dlk_known_keep(
		    w->ports.known, key, alice, &none, NOW + i, INT64_MAX, &standing);
	}
	for (unsigned i = 0; i < 3 * DLK_KNOWN_JUDGED; i++) {
		char name[16];

		dlk_put_be32(key, i);
		if (!dlk_known_find(w->ports.known, key, NOW + i, &found))
			continue;
		dlk_text_print(name, sizeof(name), "u%u", i);
		assert_string_equal(found.named.name, name);
		assert_true(i >= 2 * DLK_KNOWN_JUDGED);
		there++;
	}
	assert_int_equal(there, DLK_KNOWN_JUDGED);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_same_is_known_until_its_end),
		CASE(anything_else_is_judged),
		CASE(a_refusal_is_not_known),
		CASE(the_account_is_asked_for_each_time),
		CASE(newer_lists_are_asked),
		CASE(it_ends_with_the_lists),
		CASE(it_ends_where_a_list_begins),
		CASE(it_ends_where_a_certificate_begins),
		CASE(certificates_are_found_by_their_octets),
		CASE(it_has_an_end),
	};

	return cmocka_run_group_tests_name("known", tests, make_pki, free_pki);
}
