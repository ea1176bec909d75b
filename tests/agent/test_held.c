/* SPDX-License-Identifier: MIT */
/* Certificates by issuer and serial number: which spellings name one, and when two do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/held.h"
#include "base/clock.h"
#include "store/registry.h"
#include "tests/agent/site.h"
#include "tests/unit/pki.h"

static struct site site;
static struct dlk_engine *engine;

static int
set_up(void **state)
{
	struct dlk_finding finding;

	(void)state;
	site_init(&site);
	if (dlk_engine_open(site.config, DLK_ENGINE_TRUST, geteuid(), &engine, &finding) != 0)
		fail_msg("%s", finding.detail);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	dlk_engine_close(engine);
	site_fini(&site);
	return 0;
}

static struct dlk_cert *
issued(const char *issuer, unsigned serial, EVP_PKEY *key)
{
	struct pki_spec spec = pki_leaf("CN=somebody", NULL);

	spec.issuer = issuer;
	spec.serial = serial;
	spec.key = key;
	return pki_cert(&spec);
}

static void
an_issuer_is_spelt_as_gateways_do(void **state)
{
	static const char nasty[] = "O=Test Org, Inc; \"x\"/OU=a+b%/CN=sub";
	static const struct {
		const char *issuer, *serial;
		bool fits;
	} rows[] = {
		{ "/O=Test Org, Inc; \"x\"/OU=a\\+b%/CN=sub", "af", true },
		{ "/O=Test Org, Inc; \"x\"/OU=a\\\\+b%/CN=sub", "af", true },
		{ "CN=sub,OU=a\\+b%,O=Test Org\\, Inc\\; \\\"x\\\"", "af", true },
		{ "CN=sub,OU=a\\+b%,O=Test Org\\, Inc\\; \\\"x\\\"", "AF", true },
		{ "CN=sub,OU=a\\+b%,O=Test Org\\, Inc\\; \\\"x\\\"", "00AF", true },
		{ "/O=Test Org, Inc; \"x\"/OU=a\\+b%/CN=sub", "ae", false },
		{ "/O=Test Org, Inc; \"x\"/OU=a+b%/CN=sub", "af", false },
		{ "/O=Test Org, Inc; \"x\"/OU=a\\+b%/CN=su", "af", false },
		{ "/O=Test Org, Inc; \"x\"/OU=a\\+b%/CN=sub/", "af", false },
		{ "/O=test Org, Inc; \"x\"/OU=a\\+b%/CN=sub", "af", false },
		{ "CN=sub", "af", false },
		{ "sub", "af", false },
	};
	DLK_AUTO_CERT *cert = issued(nasty, 0xaf, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dlk_naming naming;
		snprintf(naming.issuer, sizeof(naming.issuer), "%s", rows[i].issuer);
		snprintf(naming.serial, sizeof(naming.serial), "%s", rows[i].serial);
		if (dlk_naming_fits(&naming, cert) != rows[i].fits)
			fail_msg("%s %s; the certificate's is %s %s", naming.issuer,
			    naming.serial, dlk_cert_issuer(cert), dlk_cert_serial_text(cert));
	}
}

static void
a_number_is_hexadecimal(void **state)
{
	static const struct {
		const char *issuer, *serial;
		bool sound;
	} rows[] = {
		{ "CN=x", "1f", true },
		{ "", "1f", false },
		{ "CN=x", "", false },
		{ "CN=x", "0x1f", false },
		{ "CN=x", "-1", false },
		{ "CN=x", "1g", false },
		{ "CN=x", "000102030405060708090a0b0c0d0e0f1011121314", true },
		{ "CN=x", "000102030405060708090a0b0c0d0e0f101112131415", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dlk_naming naming;
		snprintf(naming.issuer, sizeof(naming.issuer), "%s", rows[i].issuer);
		snprintf(naming.serial, sizeof(naming.serial), "%s", rows[i].serial);
		if (dlk_naming_is_sound(&naming) != rows[i].sound)
			fail_msg("row %zu", i);
	}
}

static void
keep(struct dlk_held *held, const struct dlk_cert *cert, struct dlk_bytes chain)
{
	struct dlk_verdict verdict = { .reason = DLK_R_OK };

	dlk_cert_describe(cert, &verdict);
	dlk_held_keep(held, &verdict, dlk_cert_der(cert), chain);
}

static enum dlk_reason
look(struct dlk_held *held, const char *issuer, unsigned serial, struct dlk_buf *der,
    struct dlk_buf *chain)
{
	struct dlk_naming naming;
	struct dlk_finding finding = { 0 };

	snprintf(naming.issuer, sizeof(naming.issuer), "%s", issuer);
	snprintf(naming.serial, sizeof(naming.serial), "%x", serial);
	enum dlk_reason reason = dlk_held_find(held, engine, &naming, der, chain, &finding);
	assert_int_equal(reason == DLK_R_OK ? DLK_R_UNDECIDED : reason, finding.reason);
	return reason;
}

static void
what_was_judged_is_found(void **state)
{
	struct dlk_held *held = dlk_held_new();
	DLK_AUTO_CERT *one = issued("CN=a", 7, NULL);
	DLK_AUTO_CERT *two = issued("CN=b", 7, NULL);
	DLK_AUTO_CERT *same = issued("CN=a", 7, pki_key(PKI_P256, 1));
	DLK_AUTO_BUF der = { 0 }, chain = { 0 };

	(void)state;
	assert_non_null(held);
	assert_int_equal(look(held, "CN=a", 7, &der, &chain), DLK_R_NO_CERTIFICATE);
	keep(held, one, DLK_BYTES("chain", 5));
	keep(held, one, DLK_BYTES("chain", 5));
	keep(held, two, (struct dlk_bytes){ 0 });
	assert_int_equal(look(held, "CN=a", 7, &der, &chain), DLK_R_OK);
	assert_true(dlk_bytes_equal(dlk_bytes_of(&der), dlk_cert_der(one)));
	assert_true(dlk_bytes_equal(dlk_bytes_of(&chain), DLK_BYTES("chain", 5)));
	assert_int_equal(look(held, "CN=a", 8, &der, &chain), DLK_R_NO_CERTIFICATE);
	assert_int_equal(look(held, "CN=c", 7, &der, &chain), DLK_R_NO_CERTIFICATE);
	/* an issuer that gave out one number twice, or two issuers of one name */
	keep(held, same, (struct dlk_bytes){ 0 });
	assert_int_equal(look(held, "CN=a", 7, &der, &chain), DLK_R_IDENTITY_AMBIGUOUS);
	assert_int_equal(look(held, "/CN=a", 7, &der, &chain), DLK_R_IDENTITY_AMBIGUOUS);
	assert_int_equal(look(held, "/CN=b", 7, &der, &chain), DLK_R_OK);
	dlk_held_free(held);
}

/* As many as one likes: the older ones go. */
static void
it_does_not_grow(void **state)
{
	struct dlk_held *held = dlk_held_new();
	DLK_AUTO_CERT *cert = issued("CN=a", 7, NULL);
	DLK_AUTO_BUF large = { 0 }, der = { 0 }, chain = { 0 };

	(void)state;
	assert_non_null(held);
	for (size_t i = 0; i < 64 * 1024; i++)
		assert_int_equal(dlk_buf_add(&large, 64 * 1024, DLK_BYTES("x", 1)), 0);
	for (unsigned i = 1; i < 3 * DLK_HELD_MAX; i++) {
		struct dlk_verdict verdict = { .reason = DLK_R_OK };
		snprintf(verdict.serial, sizeof(verdict.serial), "%x", i + 1000);
		snprintf(verdict.fingerprint, sizeof(verdict.fingerprint), "%064x", i);
		dlk_held_keep(held, &verdict, dlk_cert_der(cert), dlk_bytes_of(&large));
	}
	keep(held, cert, (struct dlk_bytes){ 0 });
	assert_int_equal(look(held, "CN=a", 7, &der, &chain), DLK_R_OK);
	dlk_held_free(held);
}

static void
what_is_registered_is_found(void **state)
{
	struct dlk_held *held = dlk_held_new();
	const char *dir = dlk_engine_settings(engine)->certificates;
	DLK_AUTO_CERT *one = issued("CN=r", 9, NULL);
	DLK_AUTO_BUF der = { 0 }, chain = { 0 };

	(void)state;
	assert_non_null(held);
	site_make_directory(&site, "certs.d");
	assert_int_equal(dlk_registry_add(dir, SITE_USER, one), 0);
	assert_int_equal(look(held, "CN=r", 9, &der, &chain), DLK_R_OK);
	assert_true(dlk_bytes_equal(dlk_bytes_of(&der), dlk_cert_der(one)));
	/* the same one in both places is one */
	keep(held, one, (struct dlk_bytes){ 0 });
	assert_int_equal(look(held, "CN=r", 9, &der, &chain), DLK_R_OK);
	dlk_held_free(held);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_issuer_is_spelt_as_gateways_do),
		cmocka_unit_test(a_number_is_hexadecimal),
		cmocka_unit_test(what_was_judged_is_found),
		cmocka_unit_test(it_does_not_grow),
		cmocka_unit_test(what_is_registered_is_found),
	};
	return cmocka_run_group_tests_name("held", tests, set_up, tear_down);
}
