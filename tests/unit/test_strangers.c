/* SPDX-License-Identifier: MIT */
/*
 * Certificates that nobody thought of: every bit of a good one turned, and chains by chance,
 * where OpenSSL's own verification of the very same path has to agree with every yes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "core/path.h"
#include "tests/unit/pki.h"

static const struct dlk_path_rules rules;

static enum dlk_reason
judge(const struct dlk_trust *trust, struct dlk_bytes der, const struct dlk_certs *presented,
    struct dlk_paths **ret_paths, struct dlk_finding *finding)
{
	DLK_AUTO_CERT *leaf = NULL;
	enum dlk_reason reason = dlk_cert_parse(der, &leaf, finding);

	return reason == DLK_R_OK ? dlk_paths_find(trust, &rules, leaf, presented, PKI_NOW,
					ret_paths, finding)
				  : reason;
}

/* Every bit of the leaf, under an issuer of each kind of key. */
static void
no_bit_can_be_turned(void **state)
{
	static const enum pki_kind kinds[] = { PKI_P256, PKI_RSA, PKI_ED25519 };
	const struct dlk_certs none = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct pki_spec root = pki_ca("CN=Root", NULL, pki_key(kinds[i], 1));
		struct pki_spec leaf = pki_leaf("CN=alice", &root);
		struct dlk_trust *trust = NULL;
		DLK_AUTO_CERT *anchor = pki_cert(&root);
		DLK_AUTO_BUF der = { 0 };
		DLK_AUTO_PATHS *good = NULL;

		pki_set(&leaf, PKI_ALT_NAME, false, "email:alice@example.com");
		pki_make(&leaf, &der);
		assert_int_equal(dlk_trust_new(&trust), 0);
		assert_int_equal(dlk_trust_add_anchor(trust, 0, anchor), 0);
		assert_int_equal(
		    judge(trust, dlk_bytes_of(&der), &none, &good, NULL), DLK_R_OK);
		for (size_t bit = 0; bit < 8 * der.n; bit++) {
			DLK_AUTO_PATHS *paths = NULL;
			struct dlk_finding finding = { 0 };

			der.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
			enum dlk_reason reason =
			    judge(trust, dlk_bytes_of(&der), &none, &paths, &finding);
			if (reason == DLK_R_OK || reason != finding.reason)
				fail_msg("bit %zu: %s", bit, dlk_reason_str(reason));
			der.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		dlk_trust_free(trust);
	}
}

/* The same numbers on every run. */
static uint64_t
chance(uint64_t *seed, uint64_t below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed % below;
}

#define PICK(seed, list) (list)[chance((seed), sizeof(list) / sizeof(*(list)))]

/* Every choice stands on one line, so that OpenSSL and this project read the same words. */
static void
spoil(struct pki_spec *spec, uint64_t *seed)
{
	static const char *const basic[] = { "CA:TRUE", "CA:FALSE", "CA:TRUE,pathlen:0",
		"CA:TRUE,pathlen:1" };
	static const char *const usage[] = { "keyCertSign", "cRLSign", "digitalSignature",
		"digitalSignature,keyCertSign", "keyAgreement", "nonRepudiation" };
	static const char *const purposes[] = { "clientAuth", "serverAuth",
		"clientAuth,serverAuth", "anyExtendedKeyUsage", "emailProtection" };
	static const char *const names[] = { "email:a@example.com", "email:a@example.org",
		"DNS:www.example.com", "DNS:www.example.org", "IP:10.0.0.1", "IP:192.0.2.1",
		"URI:http://www.example.com/", "email:a@example.com,DNS:example.org" };
	static const char *const trees[] = { "permitted;email:example.com",
		"permitted;DNS:example.com", "excluded;DNS:example.org",
		"permitted;IP:10.0.0.0/255.0.0.0", "excluded;email:.org",
		"permitted;URI:.example.com",
		"permitted;DNS:example.com,excluded;email:a@example.org" };
	static const char *const policies[] = { "1.2.3", "1.2.4", "1.2.3,1.2.4",
		"2.5.29.32.0" };
	static const char *const demands[] = { "requireExplicitPolicy:0",
		"requireExplicitPolicy:1", "inhibitPolicyMapping:0" };

	switch (chance(seed, 16)) {
	case 0:
		spec->not_after = PKI_NOW - 1 - (int64_t)chance(seed, 1000);
		break;
	case 1:
		spec->not_before = PKI_NOW + 1 + (int64_t)chance(seed, 1000);
		break;
	case 2:
		spec->bad_signature = true;
		break;
	case 3:
		spec->signer = pki_key(PKI_P256, 9);
		break;
	case 4:
		pki_set(spec, PKI_BASIC, chance(seed, 2), PICK(seed, basic));
		break;
	case 5:
		pki_set(spec, PKI_USAGE, chance(seed, 2), PICK(seed, usage));
		break;
	case 6:
		pki_set(spec, PKI_PURPOSES, chance(seed, 2), PICK(seed, purposes));
		break;
	case 7:
	case 8:
		pki_set(spec, PKI_ALT_NAME, chance(seed, 2), PICK(seed, names));
		break;
	case 9:
	case 10:
		pki_set(spec, PKI_CONSTRAINTS, chance(seed, 2), PICK(seed, trees));
		break;
	case 11:
	case 12:
		pki_set(spec, PKI_POLICIES, chance(seed, 2), PICK(seed, policies));
		break;
	case 13:
		pki_set(spec, PKI_DEMANDS, true, PICK(seed, demands));
		break;
	case 14:
		pki_set(spec, PKI_INHIBIT_ANY, true, "0");
		break;
	default:
		spec->key = pki_key(PKI_RSA_1024, 0);
		break;
	}
}

/* A leaf, one to four CAs, and up to three faults anywhere. */
static size_t
chance_chain(struct pki_spec chain[6], uint64_t *seed)
{
	static const char *const names[] = { "CN=alice/O=x", "CN=A", "CN=B", "CN=C", "CN=D" };
	size_t n = 2 + chance(seed, 4);

	for (size_t i = n; i-- > 0;)
		chain[i] =
		    i > 0 ? pki_ca(names[i], i + 1 < n ? &chain[i + 1] : NULL,
				pki_key(chance(seed, 4) ? PKI_P256 : PKI_RSA, (unsigned)i))
			  : pki_leaf(names[0], &chain[1]);
	for (uint64_t faults = chance(seed, 4); faults > 0; faults--)
		spoil(&chain[chance(seed, n)], seed);
	return n;
}

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#define LEAKS_OF_OTHERS(yes) ((yes) ? __lsan_disable() : __lsan_enable())
#else
#define LEAKS_OF_OTHERS(yes) ((void)(yes))
#endif

/* As well as OpenSSL can be set up. */
static bool
openssl_accepts(const struct dlk_path *path)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	STACK_OF(X509) *between = sk_X509_new_null();

	assert_true(X509_STORE_add_cert(store, dlk_cert_x509(path->cert[path->n - 1])));
	for (size_t i = 1; i + 1 < path->n; i++)
		assert_true(sk_X509_push(between, dlk_cert_x509(path->cert[i])) > 0);
	assert_int_equal(
	    X509_STORE_CTX_init(ctx, store, dlk_cert_x509(path->cert[0]), between), 1);
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, PKI_NOW);
	X509_VERIFY_PARAM_set_flags(
	    param, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_POLICY_CHECK);
	X509_VERIFY_PARAM_add0_policy(param, OBJ_nid2obj(NID_any_policy));
	X509_VERIFY_PARAM_set_auth_level(param, 2);
	X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_CLIENT);
	/* it keeps the memory of policyConstraints where there are no certificatePolicies */
	LEAKS_OF_OTHERS(true);
	bool good = X509_verify_cert(ctx) == 1;
	LEAKS_OF_OTHERS(false);
	sk_X509_free(between);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return good;
}

#define CHAINS 1000

static void
openssl_agrees_with_every_yes(void **state)
{
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
	size_t accepted = 0;

	(void)state;
	for (size_t round = 0; round < CHAINS; round++) {
		struct pki_spec chain[6];
		size_t n = chance_chain(chain, &seed);
		struct dlk_trust *trust = NULL;
		struct dlk_finding finding = { 0 };
		DLK_AUTO_PATHS *paths = NULL;
		DLK_AUTO_CERTS presented = { 0 };
		DLK_AUTO_BUF der = { 0 };

		pki_make(&chain[0], &der);
		assert_int_equal(dlk_trust_new(&trust), 0);
		for (size_t i = 1; i < n; i++) {
			struct dlk_cert *ca = pki_cert(&chain[i]);
			if (i + 1 == n)
				assert_int_equal(dlk_trust_add_anchor(trust, 0, ca), 0);
			assert_int_equal(dlk_certs_add(&presented, ca), 0);
		}
		enum dlk_reason reason =
		    judge(trust, dlk_bytes_of(&der), &presented, &paths, &finding);
		assert_int_not_equal(reason, DLK_R_UNDECIDED);
		if (reason == DLK_R_OK && !openssl_accepts(dlk_paths_at(paths, 0)))
			fail_msg("round %zu: accepted, and not by OpenSSL", round);
		accepted += reason == DLK_R_OK;
		dlk_trust_free(trust);
	}
	/* neither side says no to everything */
	assert_in_range(accepted, CHAINS / 4, CHAINS / 4 * 3);
}

#define LEVELS 3
#define WORLDS 150
#define ALIKE  4

/* Every CA has doubles of its name, with faults and keys by chance, in any order: the one good
 * path is found, and no other that OpenSSL would not take. */
static void
a_good_path_is_found_among_doubles(void **state)
{
	static const char *const names[LEVELS] = { "CN=Root", "CN=A", "CN=B" };
	uint64_t seed = UINT64_C(0x243f6a8885a308d3);

	(void)state;
	for (size_t round = 0; round < WORLDS; round++) {
		struct pki_spec good[LEVELS], leaf;
		struct dlk_trust *trust = NULL;
		struct dlk_finding finding = { 0 };
		DLK_AUTO_PATHS *paths = NULL;
		DLK_AUTO_CERTS presented = { 0 };
		DLK_AUTO_BUF der = { 0 };

		assert_int_equal(dlk_trust_new(&trust), 0);
		for (unsigned i = 0; i < LEVELS; i++) {
			uint64_t at = chance(&seed, ALIKE);

			good[i] =
			    pki_ca(names[i], i ? &good[i - 1] : NULL, pki_key(PKI_P256, i));
			for (unsigned k = 0; k < ALIKE; k++) {
				struct pki_spec ca = good[i];

				ca.serial = 2 + k;
				if (k != at && chance(&seed, 2))
					ca.key = pki_key(PKI_P256, 4 + k);
				else if (k != at)
					spoil(&ca, &seed);
				struct dlk_cert *cert = pki_cert(&ca);
				if (i == 0)
					assert_int_equal(
					    dlk_trust_add_anchor(trust, 0, cert), 0);
				assert_int_equal(dlk_certs_add(&presented, cert), 0);
			}
		}
		leaf = pki_leaf("CN=alice/O=x", &good[LEVELS - 1]);
		pki_make(&leaf, &der);
		if (judge(trust, dlk_bytes_of(&der), &presented, &paths, &finding) != DLK_R_OK)
			fail_msg("round %zu: %s", round, finding.detail);
		for (size_t i = 0; i < dlk_paths_count(paths); i++)
			assert_true(openssl_accepts(dlk_paths_at(paths, i)));
		dlk_trust_free(trust);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_bit_can_be_turned),
		cmocka_unit_test(openssl_agrees_with_every_yes),
		cmocka_unit_test(a_good_path_is_found_among_doubles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
