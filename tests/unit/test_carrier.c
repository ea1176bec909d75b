/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/carrier.h"

#define TYPE "ssh-ed25519-cert-v01@openssh.com"

/* What is wrong with an OpenSSH certificate; a field that is not named is as it should be. */
struct shape {
	const char *name;
	const char *type;       /* inside the blob */
	const char *plain_type; /* in the signature key */
	const char *signer;     /* 32 octets */
	uint32_t kind;
	const char *options, *reserved;
	const char *extension, *value;
	bool twice, no_inner, behind;
	enum dlk_reason reason;
};

static void
put_u32(struct dlk_buf *buf, uint32_t n)
{
	uint8_t octets[4];

	dlk_put_be32(octets, n);
	assert_int_equal(dlk_buf_add(buf, SIZE_MAX, DLK_BYTES(octets, 4)), 0);
}

static void
put(struct dlk_buf *buf, struct dlk_bytes what)
{
	put_u32(buf, (uint32_t)what.n);
	assert_int_equal(dlk_buf_add(buf, SIZE_MAX, what), 0);
}

static void
put_text(struct dlk_buf *buf, const char *text)
{
	put(buf, dlk_bytes_str(text));
}

static const char own_key[] = "0123456789abcdef0123456789abcdef";
static const char other_key[] = "X123456789abcdef0123456789abcdef";

static void
put_plain(struct dlk_buf *buf, const char *type, const char *key)
{
	DLK_AUTO_BUF blob = { 0 };

	put_text(&blob, type);
	put_text(&blob, key);
	put(buf, dlk_bytes_of(&blob));
}

static const char * or (const char *text, const char *otherwise)
{
	return text ? text : otherwise;
}

static void
put_extensions(struct dlk_buf *buf, const struct shape *s)
{
	DLK_AUTO_BUF list = { 0 };
	const char *extension = or (s->extension, DLK_CARRIER_EXTENSION);
	const char *value = or (s->value, "MAUwAwIBAQ==");

	for (int i = 0; i < (s->twice ? 2 : 1) && extension[0]; i++) {
		DLK_AUTO_BUF data = { 0 };

		put_text(&list, extension);
		put_text(&data, value);
		put(&list, s->no_inner ? dlk_bytes_str(value) : dlk_bytes_of(&data));
	}
	put_text(&list, "permit-pty");
	put_text(&list, "");
	put(buf, dlk_bytes_of(&list));
}

static void
make(const struct shape *s, struct dlk_sshkey *key)
{
	struct dlk_buf *b = &key->blob;

	strcpy(key->type, TYPE);
	put_text(b, or (s->type, TYPE));
	put_text(b, "nonce");
	put_text(b, own_key);
	put_u32(b, 0), put_u32(b, 0); /* serial */
	put_u32(b, s->kind ? s->kind : 1);
	put_text(b, "id");
	put_text(b, "");
	for (int i = 0; i < 4; i++) /* validity */
		put_u32(b, 0);
	put_text(b, or (s->options, ""));
	put_extensions(b, s);
	put_text(b, or (s->reserved, ""));
	put_plain(b, or (s->plain_type, "ssh-ed25519"), or (s->signer, own_key));
	put_text(b, "signature");
	if (s->behind)
		put_text(b, "");
}

static const struct shape shapes[] = {
	{ .name = "as it should be", .reason = DLK_R_OK },
	{ .name = "no chain", .extension = "", .reason = DLK_R_NO_CERTIFICATE },
	{ .name = "another extension",

	    .extension = "x509-chain@example.com",
	    .reason = DLK_R_NO_CERTIFICATE },
	{ .name = "another type inside",

	    .type = "ssh-rsa-cert-v01@openssh.com",
	    .reason = DLK_R_CERTIFICATE_MALFORMED },
	{ .name = "signed by another key",

	    .signer = other_key,
	    .reason = DLK_R_CERTIFICATE_MALFORMED },
	{ .name = "signed by a key of another type",

	    .plain_type = "ssh-rsa",
	    .reason = DLK_R_CERTIFICATE_MALFORMED },
	{ .name = "a host's", .kind = 2, .reason = DLK_R_CERTIFICATE_MALFORMED },
	{ .name = "critical options",

	    .options = "force-command",
	    .reason = DLK_R_CERTIFICATE_MALFORMED },
	{ .name = "something reserved",

	    .reserved = "x",
	    .reason = DLK_R_CERTIFICATE_MALFORMED },
	{ .name = "the chain twice",

	    .twice = true,
	    .reason = DLK_R_CERTIFICATE_MALFORMED },
	{ .name = "a value that is no string",

	    .no_inner = true,
	    .reason = DLK_R_CERTIFICATE_MALFORMED },
	{ .name = "no base64",

	    .value = "MAUwAwIBAQ",
	    .reason = DLK_R_CERTIFICATE_MALFORMED },
	{ .name = "octets behind",

	    .behind = true,
	    .reason = DLK_R_CERTIFICATE_MALFORMED },
};

static void
carriers_are_taken_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		DLK_AUTO_SSHKEY shown = { .type = "" };
		DLK_AUTO_CARRIED carried = { .key = { .type = "" } };
		struct dlk_finding finding = { 0 };
		enum dlk_reason reason;

		make(&shapes[i], &shown);
		assert_true(dlk_carrier_is(&shown));
		reason = dlk_carrier_parse(&shown, &carried, &finding);
		if (reason != shapes[i].reason)
			fail_msg("%s: %s (%s)", shapes[i].name, dlk_reason_str(reason),
			    finding.detail);
		if (reason != DLK_R_OK)
			continue;
		assert_string_equal(carried.key.type, "ssh-ed25519");
		assert_int_equal(carried.key.blob.n, 4 + 11 + 4 + 32);
		assert_int_equal(carried.chain.n, 7);
	}
}

static void
a_carrier_cut_anywhere_is_refused(void **state)
{
	DLK_AUTO_SSHKEY whole = { .type = "" };

	(void)state;
	make(&shapes[0], &whole);
	for (size_t n = 0; n < whole.blob.n; n++) {
		DLK_AUTO_SSHKEY cut = { .type = TYPE };
		DLK_AUTO_CARRIED carried = { .key = { .type = "" } };

		assert_int_equal(
		    dlk_buf_add(&cut.blob, SIZE_MAX, DLK_BYTES(whole.blob.p, n)), 0);
		assert_int_equal(
		    dlk_carrier_parse(&cut, &carried, NULL), DLK_R_CERTIFICATE_MALFORMED);
	}
}

static void
kinds_are_known_by_name(void **state)
{
	static const struct {
		const char *type;
		bool is;
	} types[] = {
		{ "ssh-ed25519", false },
		{ "-cert-v01@openssh.com", false },
		{ TYPE, true },
		{ "sk-ssh-ed25519-cert-v01@openssh.com", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		DLK_AUTO_SSHKEY key = { .type = "" };
		DLK_AUTO_CARRIED carried = { .key = { .type = "" } };

		strcpy(key.type, types[i].type);
		assert_int_equal(dlk_carrier_is(&key), types[i].is);
		assert_int_equal(
		    dlk_carrier_parse(&key, &carried, NULL), DLK_R_CERTIFICATE_MALFORMED);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(carriers_are_taken_apart),
		cmocka_unit_test(a_carrier_cut_anywhere_is_refused),
		cmocka_unit_test(kinds_are_known_by_name),
	};

	return cmocka_run_group_tests_name("carrier", tests, NULL, NULL);
}
