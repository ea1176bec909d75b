/* SPDX-License-Identifier: MIT */
/* What a signature of a challenge has to be, and that it is one of this challenge alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/text.h"
#include "core/proof.h"
#include "core/sshsig.h"
#include "pki.h"
#include "sshsign.h"

#define NOW INT64_C(1760000000)
#define APP "ssh:"

static const struct dlk_bytes data = { (const uint8_t *)"what is signed", 14 };

static enum dlk_reason
verify_with(EVP_PKEY *key, const char *application, const struct dlk_buf *signature,
    struct dlk_bytes what)
{
	struct dlk_finding finding = { 0 };
	enum dlk_reason reason = dlk_sshsig_verify(
	    key, dlk_bytes_str(application), dlk_bytes_of(signature), what, &finding);

	assert_int_equal(reason == DLK_R_OK, finding.detail[0] == '\0');
	return reason;
}

static void
each_kind_of_key_signs(void **state)
{
	const struct ssh_signer rows[] = {
		{ .key = pki_key(PKI_RSA, 0), .algorithm = "rsa-sha2-256" },
		{ .key = pki_key(PKI_RSA, 0), .algorithm = "rsa-sha2-512" },
		{ .key = pki_key(PKI_P256, 0) },
		{ .key = pki_key(PKI_P384, 0) },
		{ .key = pki_key(PKI_P521, 0) },
		{ .key = pki_key(PKI_ED25519, 0) },
		{ .key = pki_key(PKI_P256, 0), .application = APP },
		{ .key = pki_key(PKI_ED25519, 0), .application = APP },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		/* numbers of odd lengths come with time */
		for (int n = 0; n < 20; n++) {
			DLK_AUTO_BUF signature = { 0 };

			ssh_sign(&rows[i], data, &signature);
			assert_int_equal(
			    verify_with(rows[i].key, rows[i].application, &signature, data),
			    DLK_R_OK);
		}
	}
}

static void
signatures_that_prove_nothing(void **state)
{
	EVP_PKEY *rsa = pki_key(PKI_RSA, 0), *p256 = pki_key(PKI_P256, 0),
		 *ed = pki_key(PKI_ED25519, 0);
	const struct {
		const char *name;
		struct ssh_signer signer;
		EVP_PKEY *key; /* that is believed to have signed */
		const char *application;
	} rows[] = {
		{ "SHA-1", { .key = rsa, .algorithm = "ssh-rsa" }, rsa, NULL },
		{ "SHA-1 that says SHA-256",
		    { .key = rsa, .algorithm = "ssh-rsa", .claimed = "rsa-sha2-256" }, rsa,
		    NULL },
		{ "SHA-256 that says SHA-512",
		    { .key = rsa, .algorithm = "rsa-sha2-256", .claimed = "rsa-sha2-512" },
		    rsa, NULL },
		{ "another key of the kind", { .key = pki_key(PKI_P256, 1) }, p256, NULL },
		{ "another RSA key", { .key = pki_key(PKI_RSA, 1) }, rsa, NULL },
		{ "another Ed25519 key", { .key = pki_key(PKI_ED25519, 1) }, ed, NULL },
		{ "a key of another kind", { .key = ed }, p256, NULL },
		{ "a key of another curve", { .key = pki_key(PKI_P384, 0) }, p256, NULL },
		{ "the name of another curve",
		    { .key = p256, .claimed = "ecdsa-sha2-nistp384" }, p256, NULL },
		{ "no algorithm", { .key = p256, .claimed = "" }, p256, NULL },
		{ "a certificate's type",
		    { .key = ed, .claimed = "ssh-ed25519-cert-v01@openssh.com" }, ed, NULL },
		{ "nobody touched it", { .key = ed, .application = APP, .untouched = true },
		    ed, APP },
		{ "nobody touched it either",
		    { .key = p256, .application = APP, .untouched = true }, p256, APP },
		{ "of another application", { .key = ed, .application = "web:" }, ed, APP },
		{ "a security key shown as none", { .key = ed, .application = APP }, ed,
		    NULL },
		{ "a plain key shown as one", { .key = ed }, ed, APP },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		DLK_AUTO_BUF signature = { 0 };

		ssh_sign(&rows[i].signer, data, &signature);
		if (verify_with(rows[i].key, rows[i].application, &signature, data) !=
		    DLK_R_POSSESSION_UNPROVEN)
			fail_msg("%s", rows[i].name);
	}
}

static void
signatures_cut_or_changed_anywhere(void **state)
{
	const struct ssh_signer rows[] = {
		{ .key = pki_key(PKI_P256, 0) },
		{ .key = pki_key(PKI_ED25519, 0) },
		{ .key = pki_key(PKI_RSA, 0) },
		{ .key = pki_key(PKI_P256, 0), .application = APP },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		DLK_AUTO_BUF signature = { 0 };
		const char *application = rows[i].application;

		ssh_sign(&rows[i], data, &signature);
		for (size_t n = 0; n < signature.n; n++) {
			struct dlk_buf cut = { signature.p, n, n };

			assert_int_equal(verify_with(rows[i].key, application, &cut, data),
			    DLK_R_POSSESSION_UNPROVEN);
			signature.p[n] ^= 1;
			assert_int_equal(
			    verify_with(rows[i].key, application, &signature, data),
			    DLK_R_POSSESSION_UNPROVEN);
			signature.p[n] ^= 1;
		}
		assert_int_equal(verify_with(rows[i].key, application, &signature,
				     dlk_bytes_str("what is signex")),
		    DLK_R_POSSESSION_UNPROVEN);
		assert_int_equal(dlk_buf_add(&signature, SIZE_MAX / 2, dlk_bytes_str("x")), 0);
		assert_int_equal(verify_with(rows[i].key, application, &signature, data),
		    DLK_R_POSSESSION_UNPROVEN);
	}
}

static void
what_tokens_sign(void **state)
{
	const enum pki_kind kinds[] = { PKI_RSA, PKI_P256, PKI_P384, PKI_P521, PKI_ED25519 };
	struct dlk_finding finding;

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		DLK_AUTO_BUF signature = { 0 };

		token_sign(pki_key(kinds[i], 0), data, &signature);
		assert_int_equal(dlk_sshsig_verify_bare(pki_key(kinds[i], 0),
				     dlk_bytes_of(&signature), data, &finding),
		    DLK_R_OK);
		assert_int_equal(dlk_sshsig_verify_bare(pki_key(kinds[i], 1),
				     dlk_bytes_of(&signature), data, &finding),
		    DLK_R_POSSESSION_UNPROVEN);
		for (size_t n = 0; n < signature.n; n++)
			assert_int_equal(dlk_sshsig_verify_bare(pki_key(kinds[i], 0),
					     DLK_BYTES(signature.p, n), data, &finding),
			    DLK_R_POSSESSION_UNPROVEN);
		signature.p[signature.n - 1] ^= 1;
		assert_int_equal(dlk_sshsig_verify_bare(pki_key(kinds[i], 0),
				     dlk_bytes_of(&signature), data, &finding),
		    DLK_R_POSSESSION_UNPROVEN);
	}
}

static void
security_keys_are_the_plain_keys_that_they_hold(void **state)
{
	const enum pki_kind kinds[] = { PKI_P256, PKI_ED25519 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const struct ssh_signer plain = { .key = pki_key(kinds[i], 0) },
					sk = { .key = plain.key, .application = APP };
		DLK_AUTO_BUF blob = { 0 }, bare = { 0 }, application = { 0 };
		DLK_AUTO_SSHKEY shown = { 0 };

		ssh_blob(&sk, &blob);
		ssh_blob(&plain, &bare);
		assert_int_equal(
		    dlk_sshsig_shown(dlk_bytes_of(&blob), &shown, &application, NULL),
		    DLK_R_OK);
		assert_true(dlk_bytes_equal(dlk_bytes_of(&shown.blob), dlk_bytes_of(&bare)));
		assert_true(dlk_bytes_equal(dlk_bytes_of(&application), dlk_bytes_str(APP)));
		for (size_t n = 0; n < blob.n; n++) {
			DLK_AUTO_BUF of_cut = { 0 };
			DLK_AUTO_SSHKEY cut = { 0 };

			assert_int_equal(
			    dlk_sshsig_shown(DLK_BYTES(blob.p, n), &cut, &of_cut, NULL),
			    DLK_R_CERTIFICATE_MALFORMED);
		}
	}
}

/* --- a dialogue ---------------------------------------------------------------------------
 */

static struct dlk_cert *own;

static int
registered(void *ctx, const char *user, struct dlk_certs *certs)
{
	(void)ctx;
	return strcmp(user, "alice") == 0 ? dlk_certs_add(certs, dlk_cert_ref(own)) : 0;
}

static int
nonce(void *ctx, uint8_t *ret_octets, size_t n)
{
	static uint8_t last;

	(void)ctx;
	memset(ret_octets, ++last, n);
	return 0;
}

struct login {
	struct dlk_ports ports;
	struct dlk_dialogue dialogue;
	struct dlk_caller caller;
	struct dlk_request request;
	struct ssh_signer signer;
	struct dlk_finding finding;
};

static const struct dlk_service service = { .name = "sudo",
	.certificate = DLK_CERTIFICATE_SSH_AGENT };

static void
begin(struct login *l)
{
	*l = (struct login){
		.ports = { .registered = registered, .nonce = nonce, .host = "bastion" },
		.caller = { .entrance = DLK_ENTRANCE_PAM, .root = true },
		.request = { .entrance = DLK_ENTRANCE_PAM,
		    .account_known = true,
		    .user = "alice",
		    .service = "sudo" },
		.signer = { .key = pki_key(PKI_P256, 0) },
	};
	l->caller.dialogue = &l->dialogue;
}

static enum dlk_reason
ask(struct login *l)
{
	assert_true(dlk_proof_lacks(&service, &l->caller, &l->request));
	return dlk_proof_ask(&service, &l->ports, &l->caller, &l->request, NOW, &l->finding);
}

static void
sign(struct login *l)
{
	l->request.possession = DLK_POSSESSION_SSH_AGENT;
	l->request.evidence_kind = DLK_EVIDENCE_SSH_BLOB;
	dlk_buf_free(&l->request.evidence);
	dlk_buf_free(&l->request.signature);
	ssh_blob(&l->signer, &l->request.evidence);
	ssh_sign(&l->signer, dlk_bytes_of(&l->dialogue.challenge.data), &l->request.signature);
}

static enum dlk_reason
answer(struct login *l, int64_t now)
{
	return dlk_proof_verify(
	    &l->ports, &l->caller, &l->request, dlk_cert_key(own), now, &l->finding);
}

static void
end(struct login *l)
{
	dlk_request_fini(&l->request);
	dlk_dialogue_fini(&l->dialogue);
}

static void
asked_signed_and_once_more_with_the_code(void **state)
{
	struct login l;

	(void)state;
	begin(&l);
	assert_int_equal(ask(&l), DLK_R_POSSESSION_UNPROVEN);
	assert_true(l.dialogue.asking);
	assert_int_equal(l.dialogue.challenge.by, DLK_POSSESSION_SSH_AGENT);
	struct dlk_bytes wanted = dlk_bytes_of(&l.dialogue.challenge.wanted);
	assert_true(wanted.n > 4 && dlk_get_be32(wanted.p) == wanted.n - 4);
	assert_memory_equal(l.dialogue.challenge.data.p,
	    "SSHSIG\0\0\0\x17"
	    "doublelock-auth@bastion",
	    33);
	sign(&l);
	assert_int_equal(answer(&l, NOW + DLK_CHALLENGE_LIFE), DLK_R_OK);
	l.request.has_code = true;
	assert_int_equal(answer(&l, NOW + 119), DLK_R_OK);
	assert_int_equal(answer(&l, NOW + 119), DLK_R_POSSESSION_UNPROVEN);
	end(&l);
}

static void
an_answer_is_used_once(void **state)
{
	struct login l;

	(void)state;
	begin(&l);
	ask(&l);
	sign(&l);
	assert_int_equal(answer(&l, NOW), DLK_R_OK);
	assert_int_equal(answer(&l, NOW), DLK_R_POSSESSION_UNPROVEN);
	l.request.has_code = true;
	assert_int_equal(answer(&l, NOW), DLK_R_POSSESSION_UNPROVEN);
	end(&l);

	begin(&l); /* another signature is another answer, though of the same challenge */
	ask(&l);
	sign(&l);
	assert_int_equal(answer(&l, NOW), DLK_R_OK);
	sign(&l);
	l.request.has_code = true;
	assert_int_equal(answer(&l, NOW), DLK_R_POSSESSION_UNPROVEN);
	end(&l);

	begin(&l); /* a wrong one uses it up */
	ask(&l);
	l.signer.key = pki_key(PKI_P256, 1);
	sign(&l);
	assert_int_equal(answer(&l, NOW), DLK_R_POSSESSION_UNPROVEN);
	l.signer.key = pki_key(PKI_P256, 0);
	sign(&l);
	assert_int_equal(answer(&l, NOW), DLK_R_POSSESSION_UNPROVEN);
	end(&l);
}

static void
answers_to_something_else(void **state)
{
	enum { LATE, EARLY, UNASKED, USER, SERVICE, HOST, BY, NONCE, ROWS };
	struct login l;

	(void)state;
	for (int i = 0; i < ROWS; i++) {
		begin(&l);
		ask(&l);
		if (i == NONCE)
			l.dialogue.nonce[0] ^= 1;
		sign(&l);
		if (i == UNASKED)
			l.dialogue.state = DLK_DIALOGUE_NEW;
		if (i == USER)
			strcpy(l.request.user, "bob");
		if (i == SERVICE)
			strcpy(l.request.service, "su");
		if (i == HOST)
			l.ports.host = "bastion2";
		if (i == BY)
			l.request.possession = DLK_POSSESSION_TOKEN;
		int64_t now = i == LATE    ? NOW + DLK_CHALLENGE_LIFE + 1
			      : i == EARLY ? NOW - 1
					   : NOW;
		if (answer(&l, now) != DLK_R_POSSESSION_UNPROVEN || !l.finding.detail[0])
			fail_msg("row %d: %s", i, l.finding.detail);
		end(&l);
	}
}

static void
two_logins_share_nothing(void **state)
{
	struct login one, two;

	(void)state;
	begin(&one);
	begin(&two);
	ask(&one);
	ask(&two);
	assert_false(dlk_bytes_equal(dlk_bytes_of(&one.dialogue.challenge.data),
	    dlk_bytes_of(&two.dialogue.challenge.data)));
	sign(&one);
	dlk_buf_free(&two.request.evidence);
	sign(&two);
	struct dlk_buf kept = two.request.signature;
	two.request.signature = one.request.signature;
	assert_int_equal(answer(&two, NOW), DLK_R_POSSESSION_UNPROVEN);
	two.request.signature = kept;
	end(&one);
	end(&two);
}

static void
troubles_have_their_reason(void **state)
{
	static const struct {
		enum dlk_trouble trouble;
		enum dlk_reason reason;
	} rows[] = {
		{ DLK_TROUBLE_NO_AGENT, DLK_R_POSSESSION_UNPROVEN },
		{ DLK_TROUBLE_NO_KEY, DLK_R_NO_CERTIFICATE },
		{ DLK_TROUBLE_INTERNAL, DLK_R_FAULT_INTERNAL },
		{ (enum dlk_trouble)200, DLK_R_FAULT_INTERNAL },
	};
	struct login l;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		begin(&l);
		ask(&l);
		l.request.trouble = rows[i].trouble;
		l.dialogue.asking = false;
		assert_int_equal(ask(&l), rows[i].reason);
		assert_false(l.dialogue.asking);
		assert_true(l.finding.detail[0]);
		end(&l);
	}
	begin(&l); /* nobody is asked twice */
	ask(&l);
	l.dialogue.asking = false;
	assert_int_equal(ask(&l), DLK_R_POSSESSION_UNPROVEN);
	assert_false(l.dialogue.asking);
	end(&l);
}

static void
only_root_through_pam_is_asked(void **state)
{
	struct login l;

	(void)state;
	begin(&l);
	l.caller.root = false;
	assert_false(dlk_proof_lacks(&service, &l.caller, &l.request));
	l.caller.root = true;
	l.request.entrance = DLK_ENTRANCE_GATEWAY;
	assert_false(dlk_proof_lacks(&service, &l.caller, &l.request));
	l.request.entrance = DLK_ENTRANCE_PAM;
	l.caller.dialogue = NULL;
	assert_false(dlk_proof_lacks(&service, &l.caller, &l.request));
	assert_int_equal(answer(&l, NOW), DLK_R_POSSESSION_UNPROVEN);
	end(&l);
}

static int
make_own(void **state)
{
	const struct pki_spec ca = pki_ca("CN=ca", NULL, pki_key(PKI_P256, 5));
	struct pki_spec leaf = pki_leaf("CN=alice", &ca);

	(void)state;
	leaf.key = pki_key(PKI_P256, 0);
	own = pki_cert(&leaf);
	return 0;
}

static int
free_own(void **state)
{
	(void)state;
	dlk_cert_free(own);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_key_signs),
		cmocka_unit_test(signatures_that_prove_nothing),
		cmocka_unit_test(signatures_cut_or_changed_anywhere),
		cmocka_unit_test(what_tokens_sign),
		cmocka_unit_test(security_keys_are_the_plain_keys_that_they_hold),
		cmocka_unit_test(asked_signed_and_once_more_with_the_code),
		cmocka_unit_test(an_answer_is_used_once),
		cmocka_unit_test(answers_to_something_else),
		cmocka_unit_test(two_logins_share_nothing),
		cmocka_unit_test(troubles_have_their_reason),
		cmocka_unit_test(only_root_through_pam_is_asked),
	};

	return cmocka_run_group_tests_name("proof", tests, make_own, free_own);
}
