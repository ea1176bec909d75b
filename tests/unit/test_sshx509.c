/* SPDX-License-Identifier: MIT */
/* Chains as SSH keys: what is whole is taken, everything else refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/sshwire.h"
#include "base/text.h"
#include "core/sshx509.h"
#include "tests/unit/pki.h"

#define EC "x509v3-ecdsa-sha2-nistp256"

/* What stands in a blob; a field that is not named is as it should be. */
struct shape {
	const char *name;
	const char *type, *inner; /* NULL: EC, and the same */
	uint32_t certificates, said_certificates;
	uint32_t responses, said_responses;
	const char *certificate, *response; /* NULL: a SEQUENCE of nothing */
	size_t n;                           /* of `certificate` or `response` */
	bool behind, no_inner;
	enum dlk_reason reason;
};

#define MALFORMED DLK_R_CERTIFICATE_MALFORMED
static const struct shape shapes[] = {
	{ .name = "one certificate", .certificates = 1, .reason = DLK_R_OK },
	{ .name = "a chain and responses",
	    .certificates = 3,
	    .responses = 3,
	    .reason = DLK_R_OK },
	{ .name = "fewer responses", .certificates = 3, .responses = 1, .reason = DLK_R_OK },
	{ .name = "an empty response",
	    .certificates = 1,
	    .responses = 1,
	    .response = "",
	    .reason = DLK_R_OK },
	{ .name = "as many as may be", .certificates = DLK_SSHX509_MOST, .reason = DLK_R_OK },
	{ .name = "one more", .certificates = DLK_SSHX509_MOST + 1, .reason = MALFORMED },
	{ .name = "none", .reason = MALFORMED },
	{ .name = "a count without certificates",
	    .said_certificates = 1,
	    .reason = MALFORMED },
	{ .name = "four thousand million",
	    .certificates = 1,
	    .said_certificates = UINT32_MAX,
	    .reason = MALFORMED },
	{ .name = "more responses than certificates",
	    .certificates = 1,
	    .responses = 2,
	    .reason = MALFORMED },
	{ .name = "responses that are not there",
	    .certificates = 2,
	    .said_responses = 1,
	    .reason = MALFORMED },
	{ .name = "a response that is no DER",
	    .certificates = 1,
	    .responses = 1,
	    .response = "ok",
	    .n = 2,
	    .reason = MALFORMED },
	{ .name = "a response with octets behind",
	    .certificates = 1,
	    .responses = 1,
	    .response = "\x30\x00\x00",
	    .n = 3,
	    .reason = MALFORMED },
	{ .name = "an empty certificate",
	    .certificates = 1,
	    .certificate = "",
	    .reason = MALFORMED },
	{ .name = "two certificates in one string",
	    .certificates = 1,
	    .certificate = "\x30\x00\x30\x00",
	    .n = 4,
	    .reason = MALFORMED },
	{ .name = "a certificate that is none",
	    .certificates = 1,
	    .certificate = "\x02\x01\x00",
	    .n = 3,
	    .reason = MALFORMED },
	{ .name = "octets behind", .certificates = 1, .behind = true, .reason = MALFORMED },
	{ .name = "another type inside",
	    .inner = "x509v3-ssh-rsa",
	    .certificates = 1,
	    .reason = MALFORMED },
	{ .name = "the older form, without a type",
	    .certificates = 1,
	    .no_inner = true,
	    .reason = MALFORMED },
	{ .name = "DSA",
	    .type = "x509v3-ssh-dss",
	    .certificates = 1,
	    .reason = DLK_R_WEAK_KEY },
	{ .name = "the oldest form",
	    .type = "x509v3-sign-rsa",
	    .certificates = 1,
	    .reason = DLK_R_WEAK_KEY },
};

static void
put(struct dlk_buf *blob, const char *octets, size_t n)
{
	struct dlk_bytes what = octets ? DLK_BYTES(octets, n) : DLK_BYTES("\x30\x00", 2);

	assert_int_equal(dlk_ssh_add_string(blob, SIZE_MAX, what), 0);
}

static void
make(const struct shape *s, struct dlk_sshkey *key)
{
	const char *type = s->type ? s->type : EC;
	uint32_t said = s->said_certificates ? s->said_certificates : s->certificates;
	uint32_t said_responses = s->said_responses ? s->said_responses : s->responses;

	strcpy(key->type, type);
	if (!s->no_inner)
		put(&key->blob, s->inner ? s->inner : type,
		    strlen(s->inner ? s->inner : type));
	assert_int_equal(dlk_ssh_add_number(&key->blob, SIZE_MAX, said), 0);
	for (uint32_t i = 0; i < s->certificates; i++)
		put(&key->blob, s->certificate, s->n);
	assert_int_equal(dlk_ssh_add_number(&key->blob, SIZE_MAX, said_responses), 0);
	for (uint32_t i = 0; i < s->responses; i++)
		put(&key->blob, s->response, s->n);
	if (s->behind)
		put(&key->blob, "", 0);
}

static void
blobs_are_taken_whole_or_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		DLK_AUTO_SSHKEY shown = { .type = "" };
		DLK_AUTO_BUF chain = { 0 };
		struct dlk_finding finding = { 0 };

		make(&shapes[i], &shown);
		assert_true(dlk_sshx509_is(&shown));
		enum dlk_reason reason = dlk_sshx509_parse(&shown, &chain, &finding);
		if (reason != shapes[i].reason)
			fail_msg("%s: %s (%s)", shapes[i].name, dlk_reason_str(reason),
			    finding.detail);
		assert_int_equal(chain.n, reason == DLK_R_OK ? 2 * shapes[i].certificates : 0);
	}
}

static void
a_blob_cut_anywhere_is_refused(void **state)
{
	DLK_AUTO_SSHKEY whole = { .type = "" };

	(void)state;
	make(&shapes[1], &whole);
	for (size_t n = 0; n < whole.blob.n; n++) {
		DLK_AUTO_SSHKEY cut = { .type = EC };
		DLK_AUTO_BUF chain = { 0 };

		assert_int_equal(
		    dlk_buf_add(&cut.blob, SIZE_MAX, DLK_BYTES(whole.blob.p, n)), 0);
		assert_int_equal(dlk_sshx509_parse(&cut, &chain, NULL), MALFORMED);
	}
}

/* Certificates of up to 128 KiB in all, which is what an argument of a command can have. */
static void
a_chain_that_is_too_long_is_refused(void **state)
{
	static char large[64 * 1024] = "\x30\x82\xff\xfc";
	const struct shape shape = {
		.certificates = 3, .certificate = large, .n = sizeof(large)
	};
	DLK_AUTO_SSHKEY shown = { .type = "" };
	DLK_AUTO_BUF chain = { 0 };
	struct dlk_finding finding = { 0 };

	(void)state;
	make(&shape, &shown);
	assert_int_equal(dlk_sshx509_parse(&shown, &chain, &finding), MALFORMED);
	assert_non_null(strstr(finding.detail, "too long"));
}

static void
the_leaf_is_of_the_type(void **state)
{
	static const struct {
		const char *type;
		enum pki_kind kind;
		enum dlk_reason reason;
	} rows[] = {
		{ EC, PKI_P256, DLK_R_OK },
		{ "x509v3-ecdsa-sha2-nistp384", PKI_P384, DLK_R_OK },
		{ "x509v3-ecdsa-sha2-nistp521", PKI_P521, DLK_R_OK },
		{ "x509v3-ssh-ed25519", PKI_ED25519, DLK_R_OK },
		{ "x509v3-ssh-rsa", PKI_RSA, DLK_R_OK },
		{ "x509v3-rsa2048-sha256", PKI_RSA, DLK_R_OK },
		{ EC, PKI_P384, DLK_R_POSSESSION_UNPROVEN },
		{ EC, PKI_RSA, DLK_R_POSSESSION_UNPROVEN },
		{ "x509v3-ssh-rsa", PKI_ED25519, DLK_R_POSSESSION_UNPROVEN },
		{ "x509v3-ssh-dss", PKI_P256, DLK_R_POSSESSION_UNPROVEN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pki_spec ca = pki_ca("CN=ca", NULL, pki_key(PKI_P256, 1));
		struct pki_spec spec = pki_leaf("CN=alice", &ca);
		DLK_AUTO_SSHKEY shown = { .type = "" };

		spec.key = pki_key(rows[i].kind, 2);
		struct dlk_cert *leaf = pki_cert(&spec);
		strcpy(shown.type, rows[i].type);
		enum dlk_reason reason = dlk_sshx509_check(&shown, leaf, NULL);
		if (reason != rows[i].reason)
			fail_msg("%s: %s", rows[i].type, dlk_reason_str(reason));
		dlk_cert_free(leaf);
	}
}

static void
other_keys_are_none(void **state)
{
	static const char *const types[] = { "ssh-rsa", "x509v3", "X509v3-ssh-rsa",
		"ssh-ed25519-cert-v01@openssh.com" };

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		DLK_AUTO_SSHKEY key = { .type = "" };

		strcpy(key.type, types[i]);
		assert_false(dlk_sshx509_is(&key));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blobs_are_taken_whole_or_not),
		cmocka_unit_test(a_blob_cut_anywhere_is_refused),
		cmocka_unit_test(a_chain_that_is_too_long_is_refused),
		cmocka_unit_test(the_leaf_is_of_the_type),
		cmocka_unit_test(other_keys_are_none),
	};

	return cmocka_run_group_tests_name("sshx509", tests, NULL, NULL);
}
