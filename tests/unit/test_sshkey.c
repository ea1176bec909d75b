/* SPDX-License-Identifier: MIT */
/* Keys are spelt as ssh-keygen spells them, and a peer's text is taken in one form alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/x509.h>

#include "core/pem.h"
#include "core/sshkey.h"

#define ED25519                                                                               \
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ+A6IUGF4ZUTplRuFYyjSd7UqE8MngHb6CWiDyi23ko"
#define OTHER                                                                                 \
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ+A6IUGF4ZUTplRuFYyjSd7UqE8MngHb6CWiDyi23kp"

/* SubjectPublicKeyInfo, and what ssh-keygen prints for the same key. */
static const struct {
	const char *name, *spki, *ssh;
} keys[] = { { "RSA",
		 "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAvDDAK4WwmZlvUAjC/bDtqzlqF8WI"
		 "5YqSyiDFpbG6hwD9PKGK+eFiCgUVH4UNPwGyD5cqU7k9Ol20bplsWNp78NTshrEoS/0/wOoB"
		 "jT0YpaWmCZF9nRlLVwH73NhjwSDcXmaG3wzHElbhB761ljBRI8XPBXz4N18YwDIhsZklPxyl"
		 "9xk0O+FZWZv01h0QC/lMyOjiCEJXt2j1Ji/3HCS+3X7N56nKETdSrcGvixNf+W+SvoYXDniV"
		 "ZZjalIzFmlhSiFHi5DkAMgl5DvagHH6Wyx6sT44pMzVSqdp8lxukPJZtqHMI0qspcgEAARSy"
		 "Yssoq3GWAaRg3t6T1wMQuIoBHQIDAQAB",
		 "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC8MMArhbCZmW9QCML9sO2rOWoXxYjlipLK"
		 "IMWlsbqHAP08oYr54WIKBRUfhQ0/AbIPlypTuT06XbRumWxY2nvw1OyGsShL/T/A6gGNPRil"
		 "paYJkX2dGUtXAfvc2GPBINxeZobfDMcSVuEHvrWWMFEjxc8FfPg3XxjAMiGxmSU/HKX3GTQ7"
		 "4VlZm/TWHRAL+UzI6OIIQle3aPUmL/ccJL7dfs3nqcoRN1Ktwa+LE1/5b5K+hhcOeJVlmNqU"
		 "jMWaWFKIUeLkOQAyCXkO9qAcfpbLHqxPjikzNVKp2nyXG6Q8lm2ocwjSqylyAQABFLJiyyir"
		 "cZYBpGDe3pPXAxC4igEd" },
	{ "P-256",
	    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEXseC1FmMeMbA3dno1pwVrXd85M6jtIUan3vq"
	    "3fnz2kUftMswODqkfRi63Q/FXQRRyHyFVnHS8yqbzQ0gwbsGYg==",
	    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABB"
	    "BF7HgtRZjHjGwN3Z6NacFa13fOTOo7SFGp976t3589pFH7TLMDg6pH0Yut0PxV0EUch8hVZx"
	    "0vMqm80NIMG7BmI=" },
	{ "P-384",
	    "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEZ5rzFDpOH8J1+y2WGSOwHBmeWJ1dLLY31vr0RYaE"
	    "wZR2fp+Zd1ry6ZsTO4zB9HdiOFKz7vE1BLcOwDFr7PyDa3oItGzqUZKGOg0fRDSqUW9lQUBr"
	    "mqKzNCqelT6ih2Ws",
	    "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABh"
	    "BGea8xQ6Th/CdfstlhkjsBwZnlidXSy2N9b69EWGhMGUdn6fmXda8umbEzuMwfR3YjhSs+7x"
	    "NQS3DsAxa+z8g2t6CLRs6lGShjoNH0Q0qlFvZUFAa5qiszQqnpU+oodlrA==" },
	{ "P-521",
	    "MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQAE1+0JCuzF83EYmu0IL8C9kAmSAKHmMR+sa5M"
	    "lW6slkJYKbELzJ/FHjNuIN/28yvs/68DasHfeH+HJZ5NHguQK0gANziZL9zIwAC/CLYNeUFu"
	    "8vRM/eu5xzsaTxer3FiSXLoYqvZWlRl5OrLUB6UBqykMSQhHPD9QL+skV5wrhptqjsI=",
	    "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACF"
	    "BAATX7QkK7MXzcRia7QgvwL2QCZIAoeYxH6xrkyVbqyWQlgpsQvMn8UeM24g3/bzK+z/rwNq"
	    "wd94f4clnk0eC5ArSAA3OJkv3MjAAL8Itg15QW7y9Ez967nHOxpPF6vcWJJcuhiq9laVGXk6"
	    "stQHpQGrKQxJCEc8P1Av6yRXnCuGm2qOwg==" },
	{ "P-256, its point compressed",
	    "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgACXseC1FmMeMbA3dno1pwVrXd85M6jtIUan3vq"
	    "3fnz2kU=",
	    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABB"
	    "BF7HgtRZjHjGwN3Z6NacFa13fOTOo7SFGp976t3589pFH7TLMDg6pH0Yut0PxV0EUch8hVZx"
	    "0vMqm80NIMG7BmI=" },
	{ "Ed25519", "MCowBQYDK2VwAyEAn4DohQYXhlROmVG4VjKNJ3tSoTwyeAdvoJaIPKLbeSg=",
	    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ+A6IUGF4ZUTplRuFYyjSd7UqE8MngHb6CW"
	    "iDyi23ko" } };

static EVP_PKEY *
key_of(const char *spki)
{
	DLK_AUTO_BUF der = { 0 };

	assert_int_equal(dlk_base64_decode(dlk_bytes_str(spki), &der), 0);
	const unsigned char *at = der.p;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)der.n);
	assert_non_null(key);
	return key;
}

static void
keys_are_spelt_as_ssh_keygen_spells_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		DLK_AUTO_SSHKEY made = { .type = "" };
		DLK_AUTO_SSHKEY typed = { .type = "" };
		DLK_AUTO_BUF text = { 0 };
		EVP_PKEY *key = key_of(keys[i].spki);
		if (dlk_sshkey_of_key(key, &made, NULL) != DLK_R_OK)
			fail_msg("%s: refused", keys[i].name);
		assert_int_equal(dlk_sshkey_text(&made, &text), 0);
		if (!dlk_bytes_equal(dlk_bytes_of(&text), dlk_bytes_str(keys[i].ssh)))
			fail_msg("%s: %.*s", keys[i].name, (int)text.n, (char *)text.p);
		assert_int_equal(
		    dlk_sshkey_parse(dlk_bytes_str(keys[i].ssh), &typed, NULL), DLK_R_OK);
		assert_true(dlk_sshkey_equal(&made, &typed));
		EVP_PKEY_free(key);
	}
}

static void
other_keys_have_no_form(void **state)
{
	static const char *const spki[] = {
		/* secp256k1, Ed448 */
		"MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAErATemV9lzqkKDPQ9xUMUy8UVV0jewDHkkOm5WPE4OnIFy"
		"4so"
		"dmjKMFHj2yazcMXFcH+TRVQIgiy2/OXs1vaXiA==",
		"MEMwBQYDK2VxAzoAM2stcAaDyZS50JtZdUQwUWeNqQ/"
		"wUMdwqDBMjcjaPPqv0ppxBo3RWq5eD4Yg+djP"
		"4mAF8XqZfAMA",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(spki) / sizeof(spki[0]); i++) {
		DLK_AUTO_SSHKEY made = { .type = "" };
		struct dlk_finding finding = { 0 };
		EVP_PKEY *key = key_of(spki[i]);
		assert_int_equal(dlk_sshkey_of_key(key, &made, &finding), DLK_R_WEAK_KEY);
		assert_int_equal(finding.reason, DLK_R_WEAK_KEY);
		assert_int_equal(made.blob.n, 0);
		EVP_PKEY_free(key);
	}
}

struct row {
	const char *name, *text;
	enum dlk_reason reason;
};

static void
typed_keys_have_one_form(void **state)
{
	static const struct row rows[] = {
		{ "plain", ED25519, DLK_R_OK },
		{ "with an end of line", ED25519 "\n", DLK_R_OK },
		{ "spaces around", "  ssh-ed25519 \t AAAA  ", DLK_R_OK },
		{ "nothing", "", DLK_R_CERTIFICATE_MALFORMED },
		{ "type alone", "ssh-ed25519", DLK_R_CERTIFICATE_MALFORMED },
		{ "a comment", ED25519 " me@here", DLK_R_CERTIFICATE_MALFORMED },
		{ "two keys", ED25519 "\n" ED25519, DLK_R_CERTIFICATE_MALFORMED },
		{ "no base64", "ssh-ed25519 AA*A", DLK_R_CERTIFICATE_MALFORMED },
		{ "short base64", "ssh-ed25519 AAA", DLK_R_CERTIFICATE_MALFORMED },
		{ "padding within", "ssh-ed25519 A=AA", DLK_R_CERTIFICATE_MALFORMED },
		{ "padding alone", "ssh-ed25519 ====", DLK_R_CERTIFICATE_MALFORMED },
		{ "control characters", "ssh\x01 AAAA", DLK_R_CERTIFICATE_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		DLK_AUTO_SSHKEY key = { .type = "" };
		enum dlk_reason reason =
		    dlk_sshkey_parse(dlk_bytes_str(rows[i].text), &key, NULL);
		if (reason != rows[i].reason)
			fail_msg("%s: %s", rows[i].name, dlk_reason_str(reason));
	}
}

static void
sshd_has_to_name_one_key(void **state)
{
	static const struct row rows[] = {
		{ "one", "publickey " ED25519 "\n", DLK_R_OK },
		{ "one without its end", "publickey " ED25519, DLK_R_OK },
		{ "with more behind", "publickey " ED25519 " signature count = 5\n",
		    DLK_R_OK },
		{ "after a code", "keyboard-interactive/pam\npublickey " ED25519 "\n",
		    DLK_R_OK },
		{ "before a code", "publickey " ED25519 "\nkeyboard-interactive/pam\n",
		    DLK_R_OK },
		{ "before hostbased",
		    "publickey " ED25519 "\nhostbased ssh-rsa AAAA client user \"u\"\n",
		    DLK_R_OK },
		{ "nothing", "", DLK_R_NO_CERTIFICATE },
		{ "a password", "password\n", DLK_R_NO_CERTIFICATE },
		{ "hostbased", "hostbased " ED25519 " client user \"u\"\n",
		    DLK_R_NO_CERTIFICATE },
		{ "a longer word", "publickeys " ED25519 "\n", DLK_R_NO_CERTIFICATE },
		{ "a submethod", "publickey/x " ED25519 "\n", DLK_R_NO_CERTIFICATE },
		{ "capitals", "Publickey " ED25519 "\n", DLK_R_NO_CERTIFICATE },
		{ "two", "publickey " ED25519 "\npublickey " OTHER "\n",
		    DLK_R_CERTIFICATE_MALFORMED },
		{ "the same twice", "publickey " ED25519 "\npublickey " ED25519 "\n",
		    DLK_R_CERTIFICATE_MALFORMED },
		{ "without a key", "publickey\n", DLK_R_CERTIFICATE_MALFORMED },
		{ "its key on the next line", "publickey\n" ED25519 "\n",
		    DLK_R_CERTIFICATE_MALFORMED },
		{ "damaged", "publickey ssh-ed25519 A\n", DLK_R_CERTIFICATE_MALFORMED },
		{ "indented", " publickey " ED25519 "\n", DLK_R_NO_CERTIFICATE },
		{ "smuggled in by a host's user name",
		    "hostbased ssh-rsa AAAA client user \"x\npublickey " ED25519
		    " y\", client host \"h\"\n",
		    DLK_R_CERTIFICATE_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		DLK_AUTO_SSHKEY key = { .type = "" }, expected = { .type = "" };
		enum dlk_reason reason =
		    dlk_sshkey_parse_auth_info(dlk_bytes_str(rows[i].text), &key, NULL);
		if (reason != rows[i].reason)
			fail_msg("%s: %s", rows[i].name, dlk_reason_str(reason));
		assert_int_equal(
		    dlk_sshkey_parse(dlk_bytes_str(ED25519), &expected, NULL), DLK_R_OK);
		assert_int_equal(dlk_sshkey_equal(&key, &expected), reason == DLK_R_OK);
	}
}

static void
what_sshd_names_has_a_limit(void **state)
{
	struct dlk_finding finding = { 0 };
	DLK_AUTO_SSHKEY key = { .type = "" };
	static char text[200 * 1024];

	(void)state;
	memset(text, 'A', sizeof(text));
	memcpy(text, "publickey ssh-rsa ", strlen("publickey ssh-rsa "));
	assert_int_equal(
	    dlk_sshkey_parse_auth_info(DLK_BYTES(text, sizeof(text)), &key, &finding),
	    DLK_R_CERTIFICATE_MALFORMED);
	assert_int_equal(
	    dlk_sshkey_parse_auth_info(DLK_BYTES(text, 120 * 1024 + 18), &key, &finding),
	    DLK_R_OK);
	assert_int_equal(key.blob.n, 90 * 1024);
	text[100] = '\0';
	assert_int_equal(
	    dlk_sshkey_parse_auth_info(DLK_BYTES(text, 120 * 1024 + 18), &key, &finding),
	    DLK_R_CERTIFICATE_MALFORMED);
}

static void
empty_keys_are_equal_to_none(void **state)
{
	DLK_AUTO_SSHKEY a = { .type = "" }, b = { .type = "" };

	(void)state;
	assert_false(dlk_sshkey_equal(&a, &b));
}

static void
certificates_are_written_as_pem(void **state)
{
	static const char expected[] =
	    "-----BEGIN CERTIFICATE-----\n"
	    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v\n"
	    "MDE=\n"
	    "-----END CERTIFICATE-----\n";
	DLK_AUTO_BUF pem = { 0 };
	uint8_t octets[50];

	(void)state;
	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)i;
	assert_int_equal(dlk_pem_certificate(DLK_BYTES(octets, sizeof(octets)), &pem), 0);
	assert_true(dlk_bytes_equal(dlk_bytes_of(&pem), dlk_bytes_str(expected)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_spelt_as_ssh_keygen_spells_them),
		cmocka_unit_test(other_keys_have_no_form),
		cmocka_unit_test(typed_keys_have_one_form),
		cmocka_unit_test(sshd_has_to_name_one_key),
		cmocka_unit_test(what_sshd_names_has_a_limit),
		cmocka_unit_test(empty_keys_are_equal_to_none),
		cmocka_unit_test(certificates_are_written_as_pem),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
