/* SPDX-License-Identifier: MIT */
/* The form of one certificate: what is read, what is refused, and what is merely sloppy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/core_names.h>

#include "base/clock.h"
#include "core/pem.h"
#include "tests/unit/pki.h"

#define OCTETS(text) (text), sizeof(text) - 1

/* One row: how a good leaf is changed, and what reading it answers. */
struct row {
	const char *name;
	void (*change)(struct pki_spec *spec);
	const char *oid; /* or: this extension gets this value */
	bool critical;
	const char *conf;
	const void *octets;
	size_t n;
	enum dlk_reason reason;
};

static void
v1_with_extensions(struct pki_spec *spec)
{
	spec->version_n = SIZE_MAX;
}

static void
v2_with_extensions(struct pki_spec *spec)
{
	spec->version = "\xa0\x03\x02\x01\x01";
	spec->version_n = 5;
}

static void
v1(struct pki_spec *spec)
{
	v1_with_extensions(spec);
	spec->no_extensions = true;
}

static void
v1_written_out(struct pki_spec *spec)
{
	spec->version = "\xa0\x03\x02\x01\x00";
	spec->version_n = 5;
	spec->no_extensions = true;
}

static void
v4(struct pki_spec *spec)
{
	spec->version = "\xa0\x03\x02\x01\x03";
	spec->version_n = 5;
}

static void
serial_zero(struct pki_spec *spec)
{
	spec->serial_octets = "\x00";
	spec->serial_n = 1;
}

static void
serial_negative(struct pki_spec *spec)
{
	spec->serial_octets = "\x80\x01";
	spec->serial_n = 2;
}

static void
serial_of_20(struct pki_spec *spec)
{
	spec->serial_octets = "\x01xxxxxxxxxxxxxxxxxxx";
	spec->serial_n = 20;
}

static void
serial_of_21(struct pki_spec *spec)
{
	spec->serial_octets = "\x01xxxxxxxxxxxxxxxxxxxx";
	spec->serial_n = 21;
}

static void
serial_padded(struct pki_spec *spec)
{
	spec->serial_octets = "\x00\x01";
	spec->serial_n = 2;
}

static void
algorithms_differ(struct pki_spec *spec)
{
	spec->other_algorithm_outside = true;
}

static void
no_issuer(struct pki_spec *spec)
{
	spec->issuer = "";
}

static void
no_subject(struct pki_spec *spec)
{
	spec->subject = "";
}

static void
alt_name_for_subject(struct pki_spec *spec)
{
	spec->subject = "";
	pki_set(spec, PKI_ALT_NAME, true, "email:alice@example.com");
}

static void
loose_demand(struct pki_spec *spec, const char *demand)
{
	pki_set(spec, PKI_BASIC, true, "CA:TRUE");
	pki_set(spec, PKI_DEMANDS, false, demand);
}

static void
loose_demand_now(struct pki_spec *spec)
{
	loose_demand(spec, "requireExplicitPolicy:0");
}

static void
loose_demand_later(struct pki_spec *spec)
{
	loose_demand(spec, "requireExplicitPolicy:3");
}

static void
loose_demand_of_mappings(struct pki_spec *spec)
{
	loose_demand(spec, "requireExplicitPolicy:0,inhibitPolicyMapping:0");
}

static void
loose_alt_name_for_subject(struct pki_spec *spec)
{
	spec->subject = "";
	pki_set(spec, PKI_ALT_NAME, false, "email:alice@example.com");
}

#define SUBJECT(octets)                                                                       \
	do {                                                                                  \
		static const char der[] = octets;                                             \
		spec->subject_der = DLK_BYTES(der, sizeof(der) - 1);                          \
	} while (0)

static void
nul_in_cn(struct pki_spec *spec)
{
	SUBJECT("\x30\x10\x31\x0e\x30\x0c\x06\x03\x55\x04\x03\x0c\x05"
		"bob\x00x");
}

static void
latin1_in_utf8(struct pki_spec *spec)
{
	SUBJECT("\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02"
		"b\xf6");
}

static void
wide_nul(struct pki_spec *spec)
{
	SUBJECT("\x30\x0f\x31\x0d\x30\x0b\x06\x03\x55\x04\x03\x1e\x04\x00"
		"b\x00\x00");
}

static void
empty_rdn(struct pki_spec *spec)
{
	SUBJECT("\x30\x02\x31\x00");
}

static void
three_in_attribute(struct pki_spec *spec)
{
	SUBJECT("\x30\x11\x31\x0f\x30\x0d\x06\x03\x55\x04\x03\x0c\x03"
		"bob\x02\x01\x01");
}

static void
ber_length_in_subject(struct pki_spec *spec)
{
	SUBJECT("\x30\x81\x0e\x31\x0c\x30\x0a\x06\x03\x55\x04\x03\x0c\x03"
		"bob");
}

static void
extension_twice(struct pki_spec *spec)
{
	spec->extension[2] = spec->extension[0];
}

static void
unknown_twice(struct pki_spec *spec)
{
	pki_set_octets(spec, "1.2.3.4", false, OCTETS("\x05\x00"));
	spec->extension[3] = spec->extension[2];
}

#define SPKI_EC_HEAD                                                                          \
	"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01"    \
	"\x07"

static void
point_at_infinity(struct pki_spec *spec)
{
	static const char der[] = "\x30\x19" SPKI_EC_HEAD "\x03\x02\x00\x00";

	spec->spki = DLK_BYTES(der, sizeof(der) - 1);
}

/* The point of a good key, with another first octet or another last one. */
static void
change_point(struct pki_spec *spec, bool hybrid)
{
	static uint8_t der[2 + 21 + 4 + 65];
	size_t n = 0;

	memcpy(der, "\x30\x59" SPKI_EC_HEAD "\x03\x42\x00", 26);
	assert_int_equal(EVP_PKEY_get_octet_string_param(
			     pki_key(PKI_P256, 0), OSSL_PKEY_PARAM_PUB_KEY, der + 26, 65, &n),
	    1);
	assert_int_equal(n, 65);
	if (hybrid)
		der[26] = (uint8_t)(6 + (der[26 + 64] & 1));
	else
		der[26 + 64] ^= 1;
	spec->spki = DLK_BYTES(der, 26 + 65);
}

static void
hybrid_point(struct pki_spec *spec)
{
	change_point(spec, true);
}

static void
point_off_curve(struct pki_spec *spec)
{
	change_point(spec, false);
}

static void
spki_of(struct pki_spec *spec, EVP_PKEY *key)
{
	static uint8_t der[8192];
	uint8_t *p = der;
	int n = i2d_PUBKEY(key, NULL);

	assert_true(n > 0 && n < (int)sizeof(der));
	i2d_PUBKEY(key, &p);
	spec->spki = DLK_BYTES(der, (size_t)n);
}

static void
other_curve(struct pki_spec *spec)
{
	EVP_PKEY *key = EVP_EC_gen("secp256k1");

	spki_of(spec, key);
	EVP_PKEY_free(key);
}

static void
explicit_curve(struct pki_spec *spec)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	assert_int_equal(
	    EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, "explicit"), 1);
	spki_of(spec, key);
	EVP_PKEY_free(key);
}

/* An RSA key of these numbers, positive and odd or not. */
static void
rsa_of(struct pki_spec *spec, uint8_t first, uint8_t last, size_t octets, const char *e,
    size_t n_e)
{
	static struct dlk_buf der;
	uint8_t modulus[2100];
	size_t at;

	memset(modulus, 0xb5, octets);
	modulus[0] = first;
	modulus[octets - 1] = last;
	der.n = 0;
	pki_element(&der, 0x02, modulus, octets);
	pki_element(&der, 0x02, e, n_e);
	pki_wrap(&der, 0, 0x30);
	uint8_t none = 0;
	DLK_AUTO_BUF bits = { 0 };
	pki_add(&bits, &none, 1);
	pki_add(&bits, der.p, der.n);
	der.n = 0;
	at = der.n;
	pki_oid(&der, "1.2.840.113549.1.1.1");
	pki_element(&der, 0x05, NULL, 0);
	pki_wrap(&der, at, 0x30);
	pki_element(&der, 0x03, bits.p, bits.n);
	pki_wrap(&der, 0, 0x30);
	spec->spki = dlk_bytes_of(&der);
}

static void
rsa_exponent_1(struct pki_spec *spec)
{
	rsa_of(spec, 0x7f, 0x01, 256, OCTETS("\x01"));
}

static void
rsa_exponent_even(struct pki_spec *spec)
{
	rsa_of(spec, 0x7f, 0x01, 256, OCTETS("\x01\x00\x00"));
}

static void
rsa_exponent_negative(struct pki_spec *spec)
{
	rsa_of(spec, 0x7f, 0x01, 256, OCTETS("\x81"));
}

static void
rsa_modulus_even(struct pki_spec *spec)
{
	rsa_of(spec, 0x7f, 0x02, 256, OCTETS("\x01\x00\x01"));
}

static void
rsa_modulus_negative(struct pki_spec *spec)
{
	rsa_of(spec, 0xb5, 0x01, 256, OCTETS("\x01\x00\x01"));
}

static void
rsa_huge(struct pki_spec *spec)
{
	rsa_of(spec, 0x7f, 0x01, 2049, OCTETS("\x01\x00\x01"));
}

static void
rsa_of_3(struct pki_spec *spec)
{
	/* 0x7f b5...: the sum of its octets is a multiple of three where the last one makes it
	 */
	unsigned sum = 0x7f + 254 * 0xb5, last = 1;

	while ((sum + last) % 3 != 0)
		last += 2;
	rsa_of(spec, 0x7f, (uint8_t)last, 256, OCTETS("\x01\x00\x01"));
}

#define MALFORMED                    DLK_R_CERTIFICATE_MALFORMED
#define CONF(oid_, critical_, conf_) .oid = (oid_), .critical = (critical_), .conf = (conf_)
#define RAW(oid_, text_)             .oid = (oid_), .octets = (text_), .n = sizeof(text_) - 1

static const struct row rows[] = {
	{ .name = "version 1 without extensions", .change = v1, .reason = DLK_R_OK },
	{ .name = "version 1 with extensions",
	    .change = v1_with_extensions,
	    .reason = MALFORMED },
	{ .name = "version 2 with extensions",
	    .change = v2_with_extensions,
	    .reason = MALFORMED },
	{ .name = "version 1, the default, written out",
	    .change = v1_written_out,
	    .reason = MALFORMED },
	{ .name = "version 4", .change = v4, .reason = MALFORMED },
	{ .name = "serial 0", .change = serial_zero, .reason = DLK_R_OK },
	{ .name = "serial below 0", .change = serial_negative, .reason = DLK_R_OK },
	{ .name = "serial of 20 octets", .change = serial_of_20, .reason = DLK_R_OK },
	{ .name = "serial of 21 octets", .change = serial_of_21, .reason = MALFORMED },
	{ .name = "serial with an octet too many",
	    .change = serial_padded,
	    .reason = MALFORMED },
	{ .name = "algorithm inside and outside",
	    .change = algorithms_differ,
	    .reason = MALFORMED },
	{ .name = "empty issuer", .change = no_issuer, .reason = MALFORMED },
	{ .name = "empty subject", .change = no_subject, .reason = MALFORMED },
	{ .name = "empty subject, critical SAN",
	    .change = alt_name_for_subject,
	    .reason = DLK_R_OK },
	{ .name = "empty subject, loose SAN",
	    .change = loose_alt_name_for_subject,
	    .reason = MALFORMED },
	{ .name = "NUL in CN", .change = nul_in_cn, .reason = MALFORMED },
	{ .name = "Latin-1 in a UTF8String", .change = latin1_in_utf8, .reason = MALFORMED },
	{ .name = "U+0000 in a BMPString", .change = wide_nul, .reason = MALFORMED },
	{ .name = "empty RDN", .change = empty_rdn, .reason = MALFORMED },
	{ .name = "three in an attribute", .change = three_in_attribute, .reason = MALFORMED },
	{ .name = "BER length in the subject",
	    .change = ber_length_in_subject,
	    .reason = MALFORMED },
	{ .name = "keyUsage twice", .change = extension_twice, .reason = MALFORMED },
	{ .name = "an unknown extension twice", .change = unknown_twice, .reason = MALFORMED },
	{ .name = "unknown, not critical", RAW("1.2.3.4", "anything"), .reason = DLK_R_OK },
	{ .name = "unknown, critical",
	    RAW("1.2.3.4", "anything"),
	    .critical = true,
	    .reason = DLK_R_UNKNOWN_CRITICAL_EXTENSION },
	{ .name = "critical key identifier",
	    CONF(PKI_KEY_ID, true, "01020304"),
	    .reason = DLK_R_OK },
	{ .name = "point at infinity", .change = point_at_infinity, .reason = DLK_R_WEAK_KEY },
	{ .name = "hybrid point", .change = hybrid_point, .reason = DLK_R_WEAK_KEY },
	{ .name = "point off its curve", .change = point_off_curve, .reason = DLK_R_WEAK_KEY },
	{ .name = "another curve", .change = other_curve, .reason = DLK_R_WEAK_KEY },
	{ .name = "a curve written out", .change = explicit_curve, .reason = DLK_R_WEAK_KEY },
	{ .name = "RSA exponent 1", .change = rsa_exponent_1, .reason = DLK_R_WEAK_KEY },
	{ .name = "RSA exponent even", .change = rsa_exponent_even, .reason = DLK_R_WEAK_KEY },
	{ .name = "RSA exponent negative",
	    .change = rsa_exponent_negative,
	    .reason = DLK_R_WEAK_KEY },
	{ .name = "RSA modulus even", .change = rsa_modulus_even, .reason = DLK_R_WEAK_KEY },
	{ .name = "RSA modulus negative",
	    .change = rsa_modulus_negative,
	    .reason = DLK_R_WEAK_KEY },
	{ .name = "RSA modulus of 16391 bits", .change = rsa_huge, .reason = DLK_R_WEAK_KEY },
	{ .name = "RSA modulus divided by three",
	    .change = rsa_of_3,
	    .reason = DLK_R_WEAK_KEY },

	{ .name = "SAN: address",
	    CONF(PKI_ALT_NAME, false, "email:a.b@example.com"),
	    .reason = DLK_R_OK },
	{ .name = "SAN: host",
	    CONF(PKI_ALT_NAME, false, "DNS:www.example.com"),
	    .reason = DLK_R_OK },
	{ .name = "SAN: wildcard",
	    CONF(PKI_ALT_NAME, false, "DNS:*.example.com"),
	    .reason = DLK_R_OK },
	{ .name = "SAN: URI",
	    CONF(PKI_ALT_NAME, false, "URI:urn:x:alice"),
	    .reason = DLK_R_OK },
	{ .name = "SAN: UPN",
	    CONF(PKI_ALT_NAME, false, "otherName:msUPN;UTF8:alice@corp"),
	    .reason = DLK_R_OK },
	{ .name = "SAN: IP", CONF(PKI_ALT_NAME, false, "IP:192.0.2.1"), .reason = DLK_R_OK },
	{ .name = "SAN: empty", RAW(PKI_ALT_NAME, "\x30\x00"), .reason = MALFORMED },
	{ .name = "SAN: NUL in an address",
	    RAW(PKI_ALT_NAME, "\x30\x0c\x81\x0a"
			      "a@b.c\x00.dd"),
	    .reason = MALFORMED },
	{ .name = "SAN: NUL in a host",
	    RAW(PKI_ALT_NAME, "\x30\x07\x82\x05"
			      "a\x00.bc"),
	    .reason = MALFORMED },
	{ .name = "SAN: umlaut in an address",
	    RAW(PKI_ALT_NAME, "\x30\x08\x81\x06"
			      "\xf6@b.cd"),
	    .reason = MALFORMED },
	{ .name = "SAN: two @",
	    RAW(PKI_ALT_NAME, "\x30\x0a\x81\x08"
			      "a@b@c.de"),
	    .reason = MALFORMED },
	{ .name = "SAN: no @",
	    RAW(PKI_ALT_NAME, "\x30\x06\x81\x04"
			      "a.de"),
	    .reason = MALFORMED },
	{ .name = "SAN: no local part",
	    RAW(PKI_ALT_NAME, "\x30\x06\x81\x04"
			      "@c.d"),
	    .reason = MALFORMED },
	{ .name = "SAN: empty host",
	    RAW(PKI_ALT_NAME, "\x30\x02\x82\x00"),
	    .reason = MALFORMED },
	{ .name = "SAN: host with a dot in front",
	    RAW(PKI_ALT_NAME, "\x30\x05\x82\x03"
			      ".ab"),
	    .reason = MALFORMED },
	{ .name = "SAN: IP of 5 octets",
	    RAW(PKI_ALT_NAME, "\x30\x07\x87\x05"
			      "12345"),
	    .reason = MALFORMED },
	{ .name = "SAN: NUL in a UPN",
	    RAW(PKI_ALT_NAME,
		"\x30\x15\xa0\x13\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x14\x02\x03"
		"\xa0\x05\x0c\x03"
		"a\x00"
		"b"),
	    .reason = MALFORMED },
	{ .name = "SAN: octets behind",
	    RAW(PKI_ALT_NAME, "\x30\x05\x82\x03"
			      "abc"
			      "\x05\x00"),
	    .reason = MALFORMED },

	{ .name = "EKU: empty", RAW(PKI_PURPOSES, "\x30\x00"), .reason = MALFORMED },
	{ .name = "EKU: octets behind",
	    RAW(PKI_PURPOSES, "\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x02\x05\x00"),
	    .reason = MALFORMED },
	{ .name = "EKU: something else inside",
	    RAW(PKI_PURPOSES, "\x30\x0c\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x02\x05\x00"),
	    .reason = MALFORMED },
	{ .name = "keyUsage: no bit", RAW(PKI_USAGE, "\x03\x01\x00"), .reason = MALFORMED },
	{ .name = "keyUsage: no BIT STRING",
	    RAW(PKI_USAGE, "\x04\x02\x07\x80"),
	    .reason = MALFORMED },
	{ .name = "basicConstraints: FALSE written out",
	    RAW(PKI_BASIC, "\x30\x03\x01\x01\x00"),
	    .reason = MALFORMED },
	{ .name = "basicConstraints: TRUE as 01",
	    RAW(PKI_BASIC, "\x30\x03\x01\x01\x01"),
	    .reason = MALFORMED },
	{ .name = "basicConstraints: empty", RAW(PKI_BASIC, "\x30\x00"), .reason = DLK_R_OK },
	{ .name = "basicConstraints: length below 0",
	    RAW(PKI_BASIC, "\x30\x06\x01\x01\xff\x02\x01\xff"),
	    .reason = MALFORMED },
	{ .name = "basicConstraints: BER length",
	    RAW(PKI_BASIC, "\x30\x81\x00"),
	    .reason = MALFORMED },
	{ .name = "AIA: junk", RAW(PKI_ACCESS, "\x30\x02\x05\x00"), .reason = MALFORMED },
	{ .name = "AIA: no sequence", RAW(PKI_ACCESS, "\x05\x00"), .reason = MALFORMED },
	{ .name = "AIA",
	    CONF(PKI_ACCESS, false, "OCSP;URI:http://ocsp.example.com"),
	    .reason = DLK_R_OK },
	{ .name = "constraints: empty",
	    RAW(PKI_CONSTRAINTS, "\x30\x00"),
	    .reason = MALFORMED },
	{ .name = "constraints: empty list",
	    RAW(PKI_CONSTRAINTS, "\x30\x02\xa0\x00"),
	    .reason = MALFORMED },
	{ .name = "constraints: a minimum",
	    RAW(PKI_CONSTRAINTS, "\x30\x0c\xa0\x0a\x30\x08\x82\x03"
				 "a.b"
				 "\x80\x01\x01"),
	    .reason = MALFORMED },
	{ .name = "constraints: minimum 0 written out",
	    RAW(PKI_CONSTRAINTS, "\x30\x0c\xa0\x0a\x30\x08\x82\x03"
				 "a.b"
				 "\x80\x01\x00"),
	    .reason = MALFORMED },
	{ .name = "constraints: mask with holes",
	    RAW(PKI_CONSTRAINTS, "\x30\x0e\xa0\x0c\x30\x0a\x87\x08"
				 "\x0a\x00\x00\x00\xff\x00\xff\x00"),
	    .reason = MALFORMED },
	{ .name = "constraints: network of 5 octets",
	    RAW(PKI_CONSTRAINTS, "\x30\x0b\xa0\x09\x30\x07\x87\x05"
				 "12345"),
	    .reason = MALFORMED },
	{ .name = "constraints: two @",
	    RAW(PKI_CONSTRAINTS, "\x30\x0b\xa0\x09\x30\x07\x81\x05"
				 "a@b@c"),
	    .reason = MALFORMED },
	{ .name = "constraints: hosts",
	    CONF(PKI_CONSTRAINTS, true, "permitted;DNS:example.com,excluded;DNS:bad.example"),
	    .reason = DLK_R_OK },
	{ .name = "constraints: a host with a dot in front",
	    CONF(PKI_CONSTRAINTS, true, "permitted;DNS:.example.com"),
	    .reason = MALFORMED },
	{ .name = "constraints: a wildcard",
	    CONF(PKI_CONSTRAINTS, true, "permitted;DNS:*.example.com"),
	    .reason = MALFORMED },
	{ .name = "constraints: domains of addresses and URIs",
	    CONF(PKI_CONSTRAINTS, true, "permitted;email:.example.com,permitted;URI:.example"),
	    .reason = DLK_R_OK },
	{ .name = "constraints: an address with two @",
	    CONF(PKI_CONSTRAINTS, true, "permitted;email:a@b@example.com"),
	    .reason = MALFORMED },
	{ .name = "policies: empty", RAW(PKI_POLICIES, "\x30\x00"), .reason = MALFORMED },
	{ .name = "policies: one twice",
	    RAW(PKI_POLICIES, "\x30\x0c\x30\x04\x06\x02\x2a\x03\x30\x04\x06\x02\x2a\x03"),
	    .reason = MALFORMED },
	{ .name = "mappings: empty", RAW(PKI_MAPPINGS, "\x30\x00"), .reason = MALFORMED },
	{ .name = "policyConstraints: not critical, from here on",
	    .change = loose_demand_now,
	    .reason = DLK_R_OK },
	{ .name = "policyConstraints: not critical, further down",
	    .change = loose_demand_later,
	    .reason = MALFORMED },
	{ .name = "policyConstraints: not critical, of mappings too",
	    .change = loose_demand_of_mappings,
	    .reason = MALFORMED },
	{ .name = "policyConstraints: empty",
	    RAW(PKI_DEMANDS, "\x30\x00"),
	    .reason = MALFORMED },
	{ .name = "inhibitAnyPolicy: below 0",
	    RAW(PKI_INHIBIT_ANY, "\x02\x01\xff"),
	    .reason = MALFORMED },
};

static enum dlk_reason
read_der(struct dlk_bytes der, struct dlk_finding *finding)
{
	DLK_AUTO_CERT *cert = NULL;

	return dlk_cert_parse(der, &cert, finding);
}

static void
every_row(void **state)
{
	const struct row *row = *state;
	struct pki_spec ca = pki_ca("CN=CA", NULL, pki_key(PKI_P256, 1));
	struct pki_spec leaf = pki_leaf("CN=alice", &ca);
	struct dlk_finding finding = { 0 };
	DLK_AUTO_BUF der = { 0 };

	if (row->change)
		row->change(&leaf);
	else if (row->conf)
		pki_set(&leaf, row->oid, row->critical, row->conf);
	else
		pki_set_octets(&leaf, row->oid, row->critical, row->octets, row->n);
	pki_make(&leaf, &der);
	enum dlk_reason reason = read_der(dlk_bytes_of(&der), &finding);
	if (reason != row->reason)
		fail_msg("%s: %s: %s", row->name, dlk_reason_str(reason), finding.detail);
	assert_int_equal(finding.reason, reason == DLK_R_OK ? DLK_R_UNDECIDED : reason);
	assert_true(reason == DLK_R_OK || finding.detail[0] != '\0');
}

static void
what_stands_behind_is_refused(void **state)
{
	struct pki_spec leaf = pki_leaf("CN=alice", NULL);
	struct dlk_finding finding;
	DLK_AUTO_BUF der = { 0 };

	(void)state;
	pki_make(&leaf, &der);
	assert_int_equal(read_der(dlk_bytes_of(&der), &finding), DLK_R_OK);
	for (size_t n = 0; n < der.n; n++)
		assert_int_equal(
		    read_der(DLK_BYTES(der.p, n), &finding), DLK_R_CERTIFICATE_MALFORMED);
	pki_add(&der, "\x00", 1);
	assert_int_equal(read_der(dlk_bytes_of(&der), &finding), DLK_R_CERTIFICATE_MALFORMED);
}

static void
facts_are_read(void **state)
{
	struct pki_spec ca = pki_ca("CN=CA/O=Example", NULL, pki_key(PKI_P256, 1));
	struct pki_spec leaf = pki_leaf("CN=alice/O=Example", &ca);

	(void)state;
	leaf.serial = 0x1234;
	DLK_AUTO_CERT *cert = pki_cert(&leaf);
	assert_string_equal(dlk_cert_subject(cert), "O=Example,CN=alice");
	assert_string_equal(dlk_cert_issuer(cert), "O=Example,CN=CA");
	assert_string_equal(dlk_cert_serial_text(cert), "1234");
	assert_int_equal(dlk_cert_not_before(cert), PKI_NOW - 182 * PKI_DAY);
	assert_int_equal(dlk_cert_not_after(cert), PKI_NOW + 182 * PKI_DAY);
	assert_non_null(strstr(dlk_cert_label(cert), "(serial 1234)"));
	assert_int_equal(strlen(dlk_cert_fingerprint_text(cert)), 64);
}

static void
years_far_away_are_right(void **state)
{
	static const struct {
		int64_t from, until, read_until;
	} years[] = { { -631152000 /* 1950 */, 2524607999 /* 2049 */, 2524607999 },
		{ -2208988800 /* 1900 */, 2524608000 /* 2050 */, 2524608000 },
		{ 0, 253402300799 /* 9999 */, DLK_TIME_NEVER } };

	(void)state;
	for (size_t i = 0; i < sizeof(years) / sizeof(*years); i++) {
		struct pki_spec leaf = pki_leaf("CN=alice", NULL);

		leaf.not_before = years[i].from ? years[i].from : 1;
		leaf.not_after = years[i].until;
		DLK_AUTO_CERT *cert = pki_cert(&leaf);
		assert_int_equal(dlk_cert_not_before(cert), leaf.not_before);
		assert_int_equal(dlk_cert_not_after(cert), years[i].read_until);
	}
}

static void
files_hold_one_or_several(void **state)
{
	struct pki_spec leaf = pki_leaf("CN=alice", NULL), bad = pki_leaf("", NULL);
	DLK_AUTO_CERTS certs = { 0 };
	DLK_AUTO_BUF der = { 0 }, pem = { 0 }, behind = { 0 };
	struct dlk_finding finding = { 0 };

	(void)state;
	pki_make(&leaf, &der);
	assert_int_equal(dlk_certs_parse_file(dlk_bytes_of(&der), 9, &certs, &finding), 0);
	pki_pem(&leaf, &pem);
	pki_pem(&bad, &pem);
	pki_pem(&leaf, &pem);
	assert_int_equal(dlk_certs_parse_file(dlk_bytes_of(&pem), 9, &certs, &finding), 1);
	assert_int_equal(certs.n, 3);
	assert_int_equal(finding.reason, DLK_R_CERTIFICATE_MALFORMED);
	pki_add(&der, "\x00", 1);
	assert_int_equal(dlk_pem_certificate(dlk_bytes_of(&der), &behind), 0);
	assert_int_equal(dlk_certs_parse_file(dlk_bytes_of(&behind), 9, &certs, NULL), 1);
	assert_int_equal(certs.n, 3);
}

static void
a_damaged_block_is_told(void **state)
{
	struct pki_spec leaf = pki_leaf("CN=alice", NULL);
	DLK_AUTO_CERTS certs = { 0 };
	DLK_AUTO_BUF pem = { 0 };
	struct dlk_finding finding = { 0 };

	(void)state;
	pki_pem(&leaf, &pem);
	size_t second = pem.n;
	pki_pem(&leaf, &pem);
	pem.p[second + 200] = '!';
	assert_int_equal(dlk_certs_parse_file(dlk_bytes_of(&pem), 9, &certs, &finding), 1);
	assert_int_equal(certs.n, 1);
	assert_int_equal(finding.reason, DLK_R_CERTIFICATE_MALFORMED);
}

static void
chains_are_one_after_another(void **state)
{
	struct pki_spec leaf = pki_leaf("CN=alice", NULL), odd = leaf;
	DLK_AUTO_CERTS certs = { 0 };
	DLK_AUTO_BUF der = { 0 };
	struct dlk_finding finding = { 0 };

	(void)state;
	pki_make(&leaf, &der);
	pki_make(&leaf, &der);
	assert_int_equal(
	    dlk_certs_parse_chain(dlk_bytes_of(&der), 2, &certs, &finding), DLK_R_OK);
	assert_int_equal(certs.n, 2);
	assert_int_equal(dlk_certs_parse_chain(dlk_bytes_of(&der), 1, &certs, &finding),
	    DLK_R_CERTIFICATE_MALFORMED);
	/* one that can serve nobody does not keep the others from serving */
	hybrid_point(&odd);
	pki_make(&odd, &der);
	dlk_certs_fini(&certs);
	assert_int_equal(
	    dlk_certs_parse_chain(dlk_bytes_of(&der), 3, &certs, &finding), DLK_R_OK);
	assert_int_equal(certs.n, 2);
	pki_add(&der, "\x30", 1);
	assert_int_equal(dlk_certs_parse_chain(dlk_bytes_of(&der), 4, &certs, &finding),
	    DLK_R_CERTIFICATE_MALFORMED);
}

#define ROWS (sizeof(rows) / sizeof(*rows))

int
main(void)
{
	static struct CMUnitTest test[ROWS + 6] = {
		cmocka_unit_test(what_stands_behind_is_refused),
		cmocka_unit_test(facts_are_read),
		cmocka_unit_test(years_far_away_are_right),
		cmocka_unit_test(files_hold_one_or_several),
		cmocka_unit_test(a_damaged_block_is_told),
		cmocka_unit_test(chains_are_one_after_another),
	};

	for (size_t i = 0; i < ROWS; i++) {
		void *state;
		const struct row *row = &rows[i];

		memcpy(&state, &row, sizeof(state));
		test[6 + i] = (struct CMUnitTest){
			.name = rows[i].name, .test_func = every_row, .initial_state = state
		};
	}
	return cmocka_run_group_tests(test, NULL, NULL);
}
