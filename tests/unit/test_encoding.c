/* SPDX-License-Identifier: MIT */
/* Hostile encodings of single fields: what says one thing in two ways, nothing at all, or what
 * RFC 5280 forbids to say; and beside them what is right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/sigalg.h"
#include "tests/unit/pki.h"

#define OK             DLK_R_OK
#define MALFORMED      DLK_R_CERTIFICATE_MALFORMED
#define POINTS         "2.5.29.31"
#define FRESHEST       "2.5.29.46"
#define ISSUER_IS      "2.5.29.18"
#define SUBJECT_ACCESS "1.3.6.1.5.5.7.1.11"

/* The value of an extension of a leaf, or of a CA. */
struct value {
	const char *name, *oid, *hex;
	bool ca;
	enum dlk_reason reason;
};

static const struct value values[] = {
	{ "keyUsage that ends with its bit", PKI_USAGE, "03020780", false, OK },
	{ "keyUsage of nine bits", PKI_USAGE, "0303078080", false, OK },
	{ "keyUsage with zeros behind its bit", PKI_USAGE, "03020080", false, MALFORMED },
	{ "keyUsage with an octet too many", PKI_USAGE, "0303078000", false, MALFORMED },
	{ "keyUsage with unused bits that are set", PKI_USAGE, "03020781", false, MALFORMED },
	{ "keyUsage with 8 unused bits", PKI_USAGE, "03020880", false, MALFORMED },
	{ "keyUsage without bits", PKI_USAGE, "030100", false, MALFORMED },
	{ "a path length of no CA", PKI_BASIC, "3003020100", false, OK },
	{ "a path length of a CA", PKI_BASIC, "30060101ff020100", true, OK },
	{ "a path length with an octet too many", PKI_BASIC, "30070101ff02020000", true,
	    MALFORMED },
	{ "a path length of nine octets", PKI_BASIC, "300e0101ff0209400000000000000000", true,
	    MALFORMED },
	{ "octets behind basicConstraints", PKI_BASIC, "30000500", false, MALFORMED },
	{ "mapped from anyPolicy", PKI_MAPPINGS, "300c300a0604551d200006022a03", true,
	    MALFORMED },
	{ "mapped to anyPolicy", PKI_MAPPINGS, "300c300a06022a030604551d2000", true,
	    MALFORMED },
	{ "mapped", PKI_MAPPINGS, "300a300806022a0306022a04", true, OK },
	{ "no qualifiers in their list", PKI_POLICIES, "3008300606022a033000", false,
	    MALFORMED },
	{ "a distribution point", POINTS, "300d300ba009a0078605613a2f2f62", false, OK },
	{ "no distribution points", POINTS, "3000", false, MALFORMED },
	{ "an empty distribution point", POINTS, "30023000", false, MALFORMED },
	{ "a distribution point of reasons alone", POINTS,
	    "300630048102"
	    "0560",
	    false, MALFORMED },
	{ "a distribution point without names", POINTS, "30063004a002a000", false, MALFORMED },
	{ "a distribution point of no issuer", POINTS, "30043002a200", false, MALFORMED },
	{ "reasons that end with their bit", POINTS, "3011300fa009a0078605613a2f2f6281020560",
	    false, OK },
	{ "reasons with zeros behind", POINTS, "3011300fa009a0078605613a2f2f6281020060", false,
	    MALFORMED },
	{ "no freshest list", FRESHEST, "3000", false, MALFORMED },
	{ "empty information access", PKI_ACCESS, "3000", false, MALFORMED },
	{ "empty access to the subject", SUBJECT_ACCESS, "3000", false, MALFORMED },
	{ "empty issuerAltName", ISSUER_IS, "3000", false, MALFORMED },
	{ "a URI", PKI_ALT_NAME, "30078605613a2f2f62", false, OK },
	{ "a URI without authority", PKI_ALT_NAME,
	    "3005"
	    "8603"
	    "613a62",
	    false, OK },
	{ "a URI of another scheme's letters", PKI_ALT_NAME,
	    "3008"
	    "8606"
	    "612b2e2d3a62",
	    false, OK },
	{ "a URI whose scheme begins with a digit", PKI_ALT_NAME, "30078605313a2f2f62", false,
	    MALFORMED },
	{ "a URI whose scheme has an underscore", PKI_ALT_NAME, "30088606615f3a2f2f62", false,
	    MALFORMED },
	{ "a URI with an empty authority", PKI_ALT_NAME, "30088606613a2f2f2f62", false,
	    MALFORMED },
	{ "a URI that ends where its authority begins", PKI_ALT_NAME, "30068604613a2f2f",
	    false, MALFORMED },
	{ "a URI without scheme", PKI_ALT_NAME, "300486022f62", false, MALFORMED },
	{ "a host as a constructed string", PKI_ALT_NAME, "3007a2051603612e62", false,
	    MALFORMED },
	{ "a UPN without value", PKI_ALT_NAME, "300ea00c060a2b060104018237140203", false,
	    MALFORMED },
	{ "an OID that does not end", PKI_ALT_NAME, "300488022a81", false, MALFORMED },
};

static struct dlk_bytes
octets_of(const char *hex, uint8_t *out, size_t room)
{
	size_t n = strlen(hex) / 2;

	assert_true(n <= room);
	assert_int_equal(dlk_unhex(hex, out, n), 0);
	return DLK_BYTES(out, n);
}

static enum dlk_reason
reason_of(const struct pki_spec *spec, struct dlk_finding *finding)
{
	DLK_AUTO_CERT *cert = NULL;
	DLK_AUTO_BUF der = { 0 };

	pki_make(spec, &der);
	return dlk_cert_parse(dlk_bytes_of(&der), &cert, finding);
}

static void
each_value_is_read_one_way(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		const struct value *v = &values[i];
		struct pki_spec spec =
		    v->ca ? pki_ca("CN=CA", NULL, NULL) : pki_leaf("CN=alice", NULL);
		struct dlk_finding finding = { 0 };
		uint8_t octets[64];
		struct dlk_bytes value = octets_of(v->hex, octets, sizeof(octets));

		pki_set_octets(&spec, v->oid, false, value.p, value.n);
		enum dlk_reason reason = reason_of(&spec, &finding);
		if (reason != v->reason)
			fail_msg(
			    "%s: %s: %s", v->name, dlk_reason_str(reason), finding.detail);
	}
}

/* O=a and CN=b in one part of a name: CN comes first. */
#define O_A  "3008060355040a0c0161"
#define CN_B "300806035504030c0162"
#define CN_A "300806035504030c0161"

static void
parts_of_a_name_are_sets(void **state)
{
	static const struct {
		const char *name, *hex;
		enum dlk_reason reason;
	} subjects[] = {
		{ "in order", "30163114" CN_B O_A, OK },
		{ "not in order", "30163114" O_A CN_B, MALFORMED },
		{ "one attribute twice", "30163114" CN_B CN_B, OK },
		{ "one attribute, the greater first", "30163114" CN_B CN_A, MALFORMED },
		{ "a value of no type that a name has", "300c310a300806035504030d0162",
		    MALFORMED },
		{ "a value of bits", "300d310b3009060355042d03020000", OK },
		{ "an empty part before another", "300e3100310a" CN_B, MALFORMED },
		{ "an empty part behind another", "300e310a" CN_B "3100", MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(subjects) / sizeof(*subjects); i++) {
		struct pki_spec spec = pki_leaf("CN=alice", NULL);
		struct dlk_finding finding = { 0 };
		uint8_t octets[64];

		spec.subject_der = octets_of(subjects[i].hex, octets, sizeof(octets));
		enum dlk_reason reason = reason_of(&spec, &finding);
		if (reason != subjects[i].reason)
			fail_msg("%s: %s: %s", subjects[i].name, dlk_reason_str(reason),
			    finding.detail);
	}
}

#define RSA_SHA256  "06092a864886f70d01010b"
#define EC_SHA256   "06082a8648ce3d040302"
#define PSS(n, all) "30" n "06092a864886f70d01010a" all
#define SHA256      "300d06096086480165030402010500"
#define SHA512      "300d06096086480165030402030500"
#define SHA1        "300906052b0e03021a0500"
#define MGF(digest) "301a06092a864886f70d010108" digest
#define MGF_SHA1    "301606092a864886f70d010108" SHA1
#define HASH        "a00f" SHA256
#define MASK        "a11c" MGF(SHA256)

static void
algorithms_have_their_parameters(void **state)
{
	static const struct {
		const char *name, *hex;
		int least;
		bool accepted;
	} rows[] = {
		{ "RSA", "300d" RSA_SHA256 "0500", 32, true },
		{ "RSA, absent", "300b" RSA_SHA256, 32, true },
		{ "RSA, an INTEGER", "300e" RSA_SHA256 "020105", 32, false },
		{ "RSA, NULL twice", "300f" RSA_SHA256 "05000500", 32, false },
		{ "RSA with SHA-224", "300d06092a864886f70d01010e0500", 28, true },
		{ "RSA with SHA-224, where SHA-256 is asked", "300d06092a864886f70d01010e0500",
		    32, false },
		{ "RSA with SHA-1", "300d06092a864886f70d0101050500", 28, false },
		{ "ECDSA", "300a" EC_SHA256, 32, true },
		{ "ECDSA, NULL", "300c" EC_SHA256 "0500", 32, false },
		{ "Ed25519", "300506032b6570", 32, true },
		{ "Ed25519, NULL", "300706032b65700500", 32, false },
		{ "DSA", "300b0609608648016503040302", 28, false },
		{ "PSS", PSS("41", "3034" HASH MASK "a203020120"), 32, true },
		{ "PSS, a salt of 20 by default", PSS("3c", "302f" HASH MASK), 32, true },
		{ "PSS, the default written out", PSS("41", "3034" HASH MASK "a203020114"), 32,
		    false },
		{ "PSS, the trailer written out",
		    PSS("46", "3039" HASH MASK "a203020120a303020101"), 32, false },
		{ "PSS, another trailer", PSS("46", "3039" HASH MASK "a203020120a303020102"),
		    32, false },
		{ "PSS, another digest in the mask",
		    PSS("41", "3034" HASH "a11c" MGF(SHA512) "a203020120"), 32, true },
		{ "PSS, SHA-1 in the mask",
		    PSS("3d", "3030" HASH "a118" MGF_SHA1 "a203020120"), 32, false },
		{ "PSS, SHA-1 in the mask by default", PSS("23", "3016" HASH "a203020120"), 32,
		    false },
		{ "PSS, all by default", PSS("0d", "3000"), 28, false },
		{ "PSS without parameters", PSS("0b", ""), 28, false },
		{ "PSS, a salt below 0", PSS("41", "3034" HASH MASK "a2030201ff"), 32, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct dlk_sigalg read;
		uint8_t octets[128];
		bool accepted = dlk_sigalg_read(
		    octets_of(rows[i].hex, octets, sizeof(octets)), rows[i].least, &read);

		if (accepted != rows[i].accepted)
			fail_msg("%s", rows[i].name);
	}
}

static void
an_rsa_key_has_no_parameters(void **state)
{
	struct pki_spec spec = pki_leaf("CN=alice", NULL);
	struct dlk_finding finding = { 0 };
	DLK_AUTO_BUF whole = { 0 };
	uint8_t der[1024], *end = der;

	(void)state;
	size_t n = (size_t)i2d_PUBKEY(pki_key(PKI_RSA, 0), &end);
	spec.spki = DLK_BYTES(der, n);
	assert_int_equal(reason_of(&spec, &finding), OK);
	/* 30 82 nn nn | 30 0d 06 09 OID 05 00: NULL becomes an empty OCTET STRING */
	assert_memory_equal(der + 17, "\x05\x00", 2);
	der[17] = 0x04;
	assert_int_equal(reason_of(&spec, &finding), DLK_R_WEAK_KEY);
	/* and is left out */
	pki_add(&whole, "\x30\x0b", 2);
	pki_add(&whole, der + 6, 11);
	pki_add(&whole, der + 19, n - 19);
	pki_wrap(&whole, 0, 0x30);
	spec.spki = dlk_bytes_of(&whole);
	assert_int_equal(reason_of(&spec, &finding), OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_value_is_read_one_way),
		cmocka_unit_test(parts_of_a_name_are_sets),
		cmocka_unit_test(algorithms_have_their_parameters),
		cmocka_unit_test(an_rsa_key_has_no_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
