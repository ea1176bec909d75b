/* SPDX-License-Identifier: MIT */
/* The whole decision against real certificates and a record of our own making. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/sshwire.h"
#include "base/text.h"
#include "core/decide.h"
#include "core/known.h"
#include "core/proof.h"
#include "core/sshkey.h"
#include "sshsign.h"

#define NOW INT64_C(1760000000)
#define DAY 86400

static EVP_PKEY *ca_key, *key, *other_key;
static X509 *ca, *alien_ca;
static struct dlk_cert *alice, *expired, *revoked, *alien, *root_user, *two_names;
static struct dlk_trust *trust;
static struct dlk_crls *crls;
static struct dlk_policy policy;

static void
extend(X509 *x509, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&ctx, issuer, x509, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static X509 *
make(const char *cn, const char *cn2, long serial, EVP_PKEY *of, X509 *issuer, int64_t from,
    int64_t until)
{
	X509 *x509 = X509_new();
	X509_NAME *name = X509_get_subject_name(x509);

	X509_set_version(x509, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x509), serial);
	X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	if (cn2)
		X509_NAME_add_entry_by_txt(
		    name, "CN", MBSTRING_ASC, (const unsigned char *)cn2, -1, -1, 0);
	X509_set_issuer_name(x509, issuer ? X509_get_subject_name(issuer) : name);
	ASN1_TIME_set(X509_getm_notBefore(x509), from);
	ASN1_TIME_set(X509_getm_notAfter(x509), until);
	X509_set_pubkey(x509, of);
	if (issuer) {
		extend(x509, issuer, NID_key_usage, "critical,digitalSignature");
		extend(x509, issuer, NID_ext_key_usage, "clientAuth");
	} else {
		extend(x509, x509, NID_basic_constraints, "critical,CA:TRUE");
		extend(x509, x509, NID_key_usage, "critical,keyCertSign,cRLSign");
	}
	assert_true(X509_sign(x509, ca_key, EVP_sha256()) > 0);
	return x509;
}

static struct dlk_cert *
parse(X509 *x509)
{
	struct dlk_cert *cert = NULL;
	struct dlk_finding finding;
	uint8_t *der = NULL;
	int n = i2d_X509(x509, &der);

	if (dlk_cert_parse(DLK_BYTES(der, (size_t)n), &cert, &finding) != DLK_R_OK)
		fail_msg("%s", finding.detail);
	OPENSSL_free(der);
	return cert;
}

static struct dlk_cert *
issue(const char *cn, const char *cn2, long serial, X509 *issuer, int64_t until)
{
	X509 *x509 = make(cn, cn2, serial, key, issuer, NOW - 2 * DAY, until);
	struct dlk_cert *cert = parse(x509);

	X509_free(x509);
	return cert;
}

static void
make_crl(void)
{
	X509_CRL *crl = X509_CRL_new();
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_TIME *when = ASN1_TIME_set(NULL, NOW - DAY);
	ASN1_INTEGER *serial = ASN1_INTEGER_new();
	struct dlk_finding finding;
	uint8_t *der = NULL;
	int n;

	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca));
	X509_CRL_set1_lastUpdate(crl, when);
	ASN1_INTEGER_set(serial, 13);
	X509_REVOKED_set_serialNumber(entry, serial);
	X509_REVOKED_set_revocationDate(entry, when);
	X509_CRL_add0_revoked(crl, entry);
	ASN1_TIME_set(when, NOW + DAY);
	X509_CRL_set1_nextUpdate(crl, when);
	assert_true(X509_CRL_sign(crl, ca_key, EVP_sha256()) > 0);
	n = i2d_X509_CRL(crl, &der);
	if (dlk_crls_add_file(crls, DLK_BYTES(der, (size_t)n), "ca.crl", &finding) != DLK_R_OK)
		fail_msg("%s", finding.detail);
	OPENSSL_free(der);
	ASN1_TIME_free(when);
	ASN1_INTEGER_free(serial);
	X509_CRL_free(crl);
}

static int
make_pki(void **state)
{
	struct dlk_cert *anchor;

	(void)state;
	ca_key = EVP_EC_gen("P-256");
	key = EVP_EC_gen("P-256");
	other_key = EVP_EC_gen("P-256");
	ca = make("CA", NULL, 1, ca_key, NULL, NOW - 9 * DAY, NOW + 99 * DAY);
	alien_ca = make("Alien CA", NULL, 1, ca_key, NULL, NOW - 9 * DAY, NOW + 99 * DAY);
	alice = issue("alice", NULL, 10, ca, NOW + 9 * DAY);
	expired = issue("alice", NULL, 11, ca, NOW - DAY);
	revoked = issue("alice", NULL, 13, ca, NOW + 9 * DAY);
	alien = issue("alice", NULL, 14, alien_ca, NOW + 9 * DAY);
	root_user = issue("root", NULL, 15, ca, NOW + 9 * DAY);
	two_names = issue("alice", "bob", 16, ca, NOW + 9 * DAY);
	anchor = parse(ca);
	if (dlk_trust_new(&trust) != 0 || dlk_crls_new(&crls) != 0 ||
	    dlk_trust_add_anchor(trust, 0, anchor) != 0)
		return -1;
	dlk_cert_free(anchor);
	make_crl();
	return 0;
}

static int
free_pki(void **state)
{
	struct dlk_cert *certs[] = { alice, expired, revoked, alien, root_user, two_names };

	(void)state;
	for (size_t i = 0; i < sizeof(certs) / sizeof(*certs); i++)
		dlk_cert_free(certs[i]);
	dlk_trust_free(trust);
	dlk_crls_free(crls);
	X509_free(ca);
	X509_free(alien_ca);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other_key);
	return 0;
}

/* The world outside: one user with one token, and a record that can fail. */
struct world {
	struct dlk_cert *registered[4];
	size_t n_registered;
	int begin_error, settle_error; /* settle_error: the first settle alone */
	bool locked;
	unsigned settled, abandoned;
	struct dlk_settlement last;
	int64_t last_step;
	bool enrolled;
	struct dlk_known *known;
	struct dlk_cert *kept; /* NULL: none */
	bool asked_before;     /* and `before` is what it came to */
	struct dlk_event before;
	int kept_error;
};

static int
account(void *ctx, const char *name, struct dlk_account *ret)
{
	(void)ctx;
	if (strcmp(name, "alice") != 0 && strcmp(name, "root") != 0)
		return -ENOENT;
	dlk_text_copy(ret->name, sizeof(ret->name), name);
	ret->uid = name[0] == 'r' ? 0 : 1000;
	return 0;
}

static int
member(void *ctx, const char *user, const char *group, bool *ret)
{
	(void)ctx;
	(void)user;
	(void)group;
	*ret = false;
	return 0;
}

static int
registered(void *ctx, const char *user, struct dlk_certs *certs)
{
	struct world *w = ctx;

	(void)user;
	for (size_t i = 0; i < w->n_registered; i++)
		if (dlk_certs_add(certs, dlk_cert_ref(w->registered[i])) != 0)
			return -ENOMEM;
	return 0;
}

static void
token(struct dlk_token *t, int64_t last_step)
{
	*t = (struct dlk_token){ .id = 1, .label = "phone" };
	t->otp = (struct dlk_otp){ .digits = 6, .period = 30, .last_step = last_step };
	assert_int_equal(
	    dlk_secret_set(&t->otp.key, dlk_bytes_str("12345678901234567890")), 0);
}

static int
begin(void *ctx, const struct dlk_subject *subject, int64_t now, struct dlk_memory *memory)
{
	struct world *w = ctx;

	assert_false(w->locked);
	assert_int_equal(now, NOW);
	if (w->begin_error)
		return w->begin_error;
	w->locked = true;
	if (subject && w->enrolled)
		token(&memory->token[memory->n_tokens++], w->last_step);
	return 0;
}

static int
settle(void *ctx, const struct dlk_settlement *settlement, char *ret_event_id)
{
	struct world *w = ctx;
	int error = w->settle_error;

	assert_true(w->locked);
	w->locked = false;
	w->settle_error = 0;
	if (error)
		return error;
	w->settled++;
	w->last = *settlement;
	if (settlement->token) {
		assert_int_equal(settlement->step_before, w->last_step);
		w->last_step = settlement->step;
	}
	strcpy(ret_event_id, "00000000-0000-4000-8000-000000000000");
	return 0;
}

static void
abandon(void *ctx)
{
	struct world *w = ctx;

	w->locked = false;
	w->abandoned++;
}

static const char *
trouble(void *ctx)
{
	(void)ctx;
	return "/var/lib/doublelock/state.db: trouble";
}

static int
recovery_mac(void *ctx, const char *user, const struct dlk_secret *code, uint8_t *ret)
{
	(void)ctx;
	(void)user;
	(void)code;
	memset(ret, 0xff, DLK_SHA256_SIZE);
	return 0;
}

static int
nonce(void *ctx, uint8_t *ret_octets, size_t n)
{
	(void)ctx;
	memset(ret_octets, 0x55, n);
	return 0;
}

static int
find_kept(void *ctx, const struct dlk_caller *caller, const struct dlk_request *request,
    int64_t now, struct dlk_kept *ret)
{
	const struct world *w = ctx;

	(void)request;
	assert_string_equal(caller->name, "helper");
	assert_int_equal(now, NOW);
	if (!w->kept)
		return w->kept_error;
	ret->row = 7;
	memset(ret->attempt, 0x5a, sizeof(ret->attempt));
	return dlk_buf_add(&ret->certificate, SIZE_MAX, dlk_cert_der(w->kept));
}

static int
recall(void *ctx, const struct dlk_caller *caller, const struct dlk_request *request,
    int64_t now, struct dlk_mark *ret_mark, struct dlk_event *ret_event)
{
	const struct world *w = ctx;

	(void)caller;
	(void)request;
	assert_int_equal(now, NOW);
	*ret_mark = (struct dlk_mark){ .set = true, .mac = { 1 } };
	if (!w->asked_before)
		return -ENOENT;
	*ret_event = w->before;
	return 0;
}

static int
set_up(void **state)
{
	static struct world w;
	const char *why;

	memset(&w, 0, sizeof(w));
	w.last_step = -1;
	w.enrolled = true;
	w.registered[w.n_registered++] = alice;
	*state = &w;
	dlk_policy_init(&policy);
	policy.set = calloc(1, sizeof(*policy.set));
	policy.n_sets = 1;
	policy.service = calloc(3, sizeof(*policy.service));
	policy.n_services = 3;
	policy.service[0] = (struct dlk_service){
		.name = "sshd", .section = "service sshd", .certificate = DLK_CERTIFICATE_SSHD
	};
	policy.service[1] = (struct dlk_service){ .name = "vpn",
		.section = "service vpn",
		.certificate = DLK_CERTIFICATE_GATEWAY,
		.otp = DLK_OTP_NONE };
	policy.service[2] = (struct dlk_service){ .name = "console",
		.section = "service console",
		.certificate = DLK_CERTIFICATE_NONE };
	return dlk_rules_add(&policy.rules, "subject-cn:%u", &why);
}

static int
tear_down(void **state)
{
	(void)state;
	dlk_policy_fini(&policy);
	return 0;
}

static struct dlk_ports
ports_of(struct world *w)
{
	return (struct dlk_ports){ w, trust, crls, account, member, registered, begin, settle,
		abandon, trouble, recovery_mac, nonce, "bastion", w->known, NULL, NULL,
		find_kept, recall };
}

static void
decide(struct world *w, const struct dlk_request *request, struct dlk_verdict *verdict)
{
	const struct dlk_caller caller = {
		.entrance = request->entrance, .root = true, .name = "helper"
	};
	const struct dlk_ports ports = ports_of(w);

	dlk_decide(&policy, &ports, &caller, request, NOW, verdict);
	assert_false(w->locked);
}

/* What sshd's module sends for the key of `cert`. */
static void
ask_sshd(struct dlk_request *request, const struct dlk_cert *cert, const char *user)
{
	DLK_AUTO_SSHKEY ssh = { 0 };

	memset(request, 0, sizeof(*request));
	request->entrance = DLK_ENTRANCE_PAM;
	request->possession = DLK_POSSESSION_SSHD;
	request->evidence_kind = DLK_EVIDENCE_SSH_AUTH_INFO;
	assert_int_equal(dlk_sshkey_of_cert(cert, &ssh, NULL), DLK_R_OK);
	assert_int_equal(
	    dlk_buf_add(&request->evidence, SIZE_MAX, dlk_bytes_str("publickey ")), 0);
	assert_int_equal(dlk_sshkey_text(&ssh, &request->evidence), 0);
	assert_int_equal(dlk_buf_add(&request->evidence, SIZE_MAX, dlk_bytes_str("\n")), 0);
	strcpy(request->user, user);
	request->account_known = strcmp(user, "alice") == 0 || strcmp(user, "root") == 0;
	strcpy(request->service, "sshd");
	strcpy(request->source, "192.0.2.1");
}

static void
type_code(struct dlk_request *request)
{
	struct dlk_token t;
	char code[DLK_OTP_DIGITS_MAX + 1];

	token(&t, -1);
	assert_int_equal(dlk_otp_code(&t.otp, NOW / 30, code), 0);
	request->has_code = true;
	assert_int_equal(dlk_secret_set(&request->code, dlk_bytes_str(code)), 0);
}

static void
both_locks_open_the_door_once(void **state)
{
	struct world *w = *state;
	DLK_AUTO_REQUEST request;
	struct dlk_verdict verdict;

	ask_sshd(&request, alice, "alice");
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_OTP_REQUIRED);
	assert_true(w->last.provisional);
	assert_string_equal(verdict.user, "alice");
	assert_string_equal(verdict.policy, "service sshd");
	assert_int_equal(verdict.good_until, NOW + DAY);
	assert_int_equal(verdict.chain_until, NOW + 9 * DAY);
	type_code(&request);
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_OK);
	assert_int_equal(verdict.stage, DLK_STAGE_SETTLE);
	assert_int_equal(w->last.event.type, DLK_EVENT_DECISION_ALLOWED);
	assert_int_equal(w->last.event.reason, DLK_R_OK);
	assert_string_equal(w->last.event.token, "phone");
	assert_int_equal(strlen(verdict.event), DLK_EVENT_ID_TEXT);
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_OTP_REPLAYED);
	assert_int_equal(w->settled, 3);
}

static void
certificates_refuse_before_any_code(void **state)
{
	const struct {
		struct dlk_cert *cert;
		const char *user;
		enum dlk_reason reason;
		enum dlk_stage stage;
	} rows[] = {
		{ expired, "alice", DLK_R_CERTIFICATE_EXPIRED, DLK_STAGE_PATH },
		{ revoked, "alice", DLK_R_REVOKED, DLK_STAGE_REVOKED },
		{ alien, "alice", DLK_R_UNTRUSTED_ISSUER, DLK_STAGE_PATH },
		{ root_user, "root", DLK_R_NO_IDENTITY, DLK_STAGE_MAP },
		{ two_names, "alice", DLK_R_IDENTITY_AMBIGUOUS, DLK_STAGE_MAP },
		{ alice, "root", DLK_R_USER_MISMATCH, DLK_STAGE_MAP },
		{ alice, "nobody", DLK_R_NO_CERTIFICATE, DLK_STAGE_PARSE },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		DLK_AUTO_REQUEST request;
		struct dlk_verdict verdict;

		w->registered[0] = rows[i].cert;
		ask_sshd(&request, rows[i].cert, rows[i].user);
		type_code(&request);
		decide(w, &request, &verdict);
		if (verdict.reason != rows[i].reason || verdict.stage != rows[i].stage)
			fail_msg("row %zu: %s at %s: %s", i, dlk_reason_str(verdict.reason),
			    dlk_stage_str(verdict.stage), verdict.detail);
		assert_int_equal(w->last.event.type, DLK_EVENT_DECISION_REFUSED);
		assert_int_equal(w->last.token, 0);
		assert_string_equal(w->last.event.user,
		    strcmp(rows[i].user, "nobody") == 0 ? "" : rows[i].user);
	}
	assert_int_equal(w->last_step, -1);
}

/* The same, where the key that sshd saw is itself the certificate (RFC 6187). */
static void
ask_sshd_by_x509(struct dlk_request *request, const struct dlk_cert *cert, const char *user)
{
	DLK_AUTO_SSHKEY shown = { .type = "x509v3-ecdsa-sha2-nistp256" };

	ask_sshd(request, cert, user);
	dlk_buf_free(&request->evidence);
	assert_int_equal(
	    dlk_ssh_add_string(&shown.blob, SIZE_MAX, dlk_bytes_str(shown.type)), 0);
	assert_int_equal(dlk_ssh_add_number(&shown.blob, SIZE_MAX, 1), 0);
	assert_int_equal(dlk_ssh_add_string(&shown.blob, SIZE_MAX, dlk_cert_der(cert)), 0);
	assert_int_equal(dlk_ssh_add_number(&shown.blob, SIZE_MAX, 0), 0);
	assert_int_equal(
	    dlk_buf_add(&request->evidence, SIZE_MAX, dlk_bytes_str("publickey ")), 0);
	assert_int_equal(dlk_sshkey_text(&shown, &request->evidence), 0);
}

static void
a_key_that_is_a_certificate_is_judged_in_full(void **state)
{
	const struct {
		struct dlk_cert *cert;
		const char *user;
		enum dlk_reason reason;
	} rows[] = {
		{ alice, "alice", DLK_R_OK },
		{ expired, "alice", DLK_R_CERTIFICATE_EXPIRED },
		{ revoked, "alice", DLK_R_REVOKED },
		{ alien, "alice", DLK_R_UNTRUSTED_ISSUER },
		{ two_names, "alice", DLK_R_IDENTITY_AMBIGUOUS },
		{ alice, "root", DLK_R_USER_MISMATCH },
	};
	struct world *w = *state;

	w->n_registered = 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		DLK_AUTO_REQUEST request;
		struct dlk_verdict verdict;

		ask_sshd_by_x509(&request, rows[i].cert, rows[i].user);
		if (rows[i].reason == DLK_R_OK) {
			decide(w, &request, &verdict);
			assert_int_equal(verdict.reason, DLK_R_OTP_REQUIRED);
		}
		type_code(&request);
		decide(w, &request, &verdict);
		if (verdict.reason != rows[i].reason)
			fail_msg("row %zu: %s: %s", i, dlk_reason_str(verdict.reason),
			    verdict.detail);
		/* nobody but sshd has seen it used */
		request.possession = DLK_POSSESSION_NONE;
		decide(w, &request, &verdict);
		assert_int_equal(verdict.reason, DLK_R_POSSESSION_UNPROVEN);
		policy.carried_refused = true;
		request.possession = DLK_POSSESSION_SSHD;
		decide(w, &request, &verdict);
		assert_int_equal(verdict.reason, DLK_R_NO_CERTIFICATE);
		policy.carried_refused = false;
	}
}

static void
a_good_certificate_is_not_hidden_by_a_bad_one_of_its_key(void **state)
{
	struct world *w = *state;
	DLK_AUTO_REQUEST request;
	struct dlk_verdict verdict;

	w->registered[0] = expired;
	w->registered[1] = revoked;
	w->registered[2] = alice;
	w->n_registered = 3;
	ask_sshd(&request, alice, "alice");
	type_code(&request);
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_OK);
	w->n_registered = 2; /* the revoked one came further than the expired one */
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_REVOKED);
}

static void
no_record_no_yes(void **state)
{
	static const struct {
		int begin_error, settle_error;
		enum dlk_reason reason;
	} rows[] = {
		{ -EIO, 0, DLK_R_FAULT_STORE },
		{ -ENOENT, 0, DLK_R_FAULT_STORE },
		{ -ENOKEY, 0, DLK_R_FAULT_CONFIG },
		{ -EKEYREJECTED, 0, DLK_R_FAULT_CONFIG },
		{ -ETIME, 0, DLK_R_FAULT_CLOCK },
		{ 0, -EIO, DLK_R_FAULT_STORE },
		{ 0, -ENOSPC, DLK_R_FAULT_STORE },
		{ 0, -EALREADY, DLK_R_FAULT_INTERNAL },
		{ 0, -EEXIST, DLK_R_OTP_REPLAYED },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		DLK_AUTO_REQUEST request;
		struct dlk_verdict verdict;

		w->begin_error = rows[i].begin_error;
		w->settle_error = rows[i].settle_error;
		w->settled = 0;
		ask_sshd(&request, alice, "alice");
		type_code(&request);
		decide(w, &request, &verdict);
		if (verdict.reason != rows[i].reason)
			fail_msg("row %zu: %s", i, dlk_reason_str(verdict.reason));
		assert_int_equal(verdict.effect, DLK_EFFECT_ENFORCE);
		assert_int_equal(w->last_step, -1);
		assert_int_equal(w->settled, rows[i].settle_error == -EEXIST);
		assert_int_equal(verdict.event[0] != '\0', rows[i].settle_error == -EEXIST);
	}
}

/* Nobody learns by trying which code is the right one while failures cannot be counted. */
static void
no_count_no_word_about_the_code(void **state)
{
	struct world *w = *state;
	DLK_AUTO_REQUEST request;
	struct dlk_verdict verdict;

	ask_sshd(&request, alice, "alice");
	type_code(&request);
	request.code.b[0] ^= 1;
	w->settle_error = -ENOSPC;
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_FAULT_STORE);
	assert_int_equal(w->settled, 0);
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_OTP_WRONG);
	assert_true(w->last.failures_changed);
	/* a certificate is public: its refusal is what it is */
	request.possession = DLK_POSSESSION_NONE;
	w->settle_error = -ENOSPC;
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_POSSESSION_UNPROVEN);
}

static void
an_offered_key_is_recorded_as_that(void **state)
{
	struct world *w = *state;
	DLK_AUTO_SSHKEY ssh = { 0 };
	DLK_AUTO_REQUEST request;
	struct dlk_verdict verdict;

	ask_sshd(&request, alice, "alice");
	request.entrance = DLK_ENTRANCE_AUTHORIZED_KEYS;
	request.possession = DLK_POSSESSION_NONE;
	request.evidence_kind = DLK_EVIDENCE_SSH_KEY;
	request.source[0] = '\0';
	dlk_buf_free(&request.evidence);
	assert_int_equal(dlk_sshkey_of_cert(alice, &ssh, NULL), DLK_R_OK);
	assert_int_equal(dlk_sshkey_text(&ssh, &request.evidence), 0);
	policy.service[0].observe = true;
	policy.service[0].observe_until = NOW + 1;
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_OK);
	assert_int_equal(verdict.effect, DLK_EFFECT_ENFORCE);
	assert_int_equal(verdict.chain_until, NOW + 9 * DAY);
	assert_int_equal(w->last.event.type, DLK_EVENT_DECISION_OFFERED);
	assert_true(w->last.once);
	assert_false(w->last.failures_changed);
	w->registered[0] = revoked;
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_REVOKED);
	assert_int_equal(w->last.event.type, DLK_EVENT_DECISION_OFFERED);
	assert_true(w->last.once);
}

static void
a_trial_is_recorded_and_grants_nothing(void **state)
{
	struct world *w = *state;
	DLK_AUTO_REQUEST request;
	struct dlk_verdict verdict;

	policy.service[0].observe = true;
	policy.service[0].observe_until = NOW + 1;
	ask_sshd(&request, alice, "alice");
	type_code(&request);
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_OK);
	assert_int_equal(verdict.effect, DLK_EFFECT_OBSERVE);
	assert_int_equal(w->last.event.type, DLK_EVENT_DECISION_OBSERVED);
	assert_int_equal(w->last.token, 0);
	request.code.b[0] ^= 1;
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_OTP_WRONG);
	assert_int_equal(verdict.effect, DLK_EFFECT_OBSERVE);
	assert_false(w->last.failures_changed);
	/* a fault is never observed away */
	w->settle_error = -EIO;
	type_code(&request);
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_FAULT_STORE);
	assert_int_equal(verdict.effect, DLK_EFFECT_ENFORCE);
	/* and a trial ends by its date */
	policy.service[0].observe_until = NOW;
	request.code.b[0] ^= 1;
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_OTP_WRONG);
	assert_int_equal(verdict.effect, DLK_EFFECT_ENFORCE);
}

/* Its asker lost the answer: nothing is written twice, and no code is looked at. */
static void
who_asks_again_has_the_answer_on_record(void **state)
{
	struct world *w = *state;
	DLK_AUTO_REQUEST request;
	struct dlk_verdict verdict;

	ask_sshd(&request, alice, "alice");
	type_code(&request);
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_OK);
	assert_true(w->last.mark.set);
	w->asked_before = true;
	w->before = w->last.event;
	strcpy(w->before.id, "11111111-0000-4000-8000-000000000000");
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_OK);
	assert_string_equal(verdict.event, w->before.id);
	assert_string_equal(verdict.user, "alice");
	assert_int_equal(verdict.effect, DLK_EFFECT_ENFORCE);
	assert_int_equal(verdict.good_until, w->last.event.good_until);
	assert_int_equal(w->settled, 1);
	/* a trial stays one, and a refusal as well */
	w->before.type = DLK_EVENT_DECISION_OBSERVED;
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_OK);
	assert_int_equal(verdict.effect, DLK_EFFECT_OBSERVE);
	w->before.type = DLK_EVENT_DECISION_REFUSED;
	w->before.reason = DLK_R_OTP_WRONG;
	w->before.stage = DLK_STAGE_SECOND;
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_OTP_WRONG);
	assert_int_equal(verdict.stage, DLK_STAGE_SECOND);
	assert_int_equal(verdict.effect, DLK_EFFECT_ENFORCE);
	assert_int_equal(w->settled, 1);
}

/* The record's yes is of a certificate that is good no more, or of somebody else. */
static void
no_record_makes_a_certificate_good(void **state)
{
	struct world *w = *state;
	DLK_AUTO_REQUEST request;
	struct dlk_verdict verdict;

	ask_sshd(&request, alice, "alice");
	type_code(&request);
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_OK);
	w->asked_before = true;
	w->before = w->last.event;
	w->registered[0] = revoked;
	dlk_request_fini(&request);
	ask_sshd(&request, revoked, "alice");
	type_code(&request);
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_REVOKED);
	assert_int_equal(w->settled, 2);
	w->registered[0] = alice;
	strcpy(w->before.user, "bob");
	dlk_request_fini(&request);
	ask_sshd(&request, alice, "alice");
	type_code(&request);
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_OTP_REPLAYED);
	assert_int_equal(w->settled, 3);
}

static void
a_gateway_learns_who_it_is(void **state)
{
	struct world *w = *state;
	DLK_AUTO_REQUEST request = { .entrance = DLK_ENTRANCE_GATEWAY,
		.possession = DLK_POSSESSION_TLS_GATEWAY,
		.evidence_kind = DLK_EVIDENCE_CERTIFICATE,
		.service = "vpn" };
	struct dlk_network network;
	struct dlk_verdict verdict;

	assert_int_equal(dlk_buf_add(&request.evidence, SIZE_MAX, dlk_cert_der(alice)), 0);
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_OK);
	assert_string_equal(verdict.user, "alice");
	assert_string_equal(w->last.event.user, "alice");
	/* who is asked for has to be who it is */
	strcpy(request.user, "root");
	request.account_known = true;
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_USER_MISMATCH);
	/* and `from` holds when the user is known only by the certificate */
	request.user[0] = '\0';
	request.account_known = false;
	assert_int_equal(dlk_network_parse("10.0.0.0/8", &network), 0);
	policy.service[1].from = malloc(sizeof(network));
	policy.service[1].from[0] = network;
	policy.service[1].n_from = 1;
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_POSSESSION_UNPROVEN);
	strcpy(request.source, "10.1.1.1");
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_OK);
	/* octets that are no certificate */
	request.evidence.p[0] ^= 0xff;
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_CERTIFICATE_MALFORMED);
	assert_int_equal(verdict.stage, DLK_STAGE_PARSE);
}

static void
by_code_alone_nobody_is_told_who_exists(void **state)
{
	struct world *w = *state;
	static const char *const users[] = { "alice", "nobody" };

	for (size_t i = 0; i < 2; i++) {
		DLK_AUTO_REQUEST request = { .entrance = DLK_ENTRANCE_PAM,
			.service = "console" };
		struct dlk_verdict verdict;

		strcpy(request.user, users[i]);
		request.account_known = i == 0;
		w->enrolled = i == 0;
		decide(w, &request, &verdict);
		assert_int_equal(verdict.reason, DLK_R_OTP_REQUIRED);
		request.has_code = true;
		assert_int_equal(dlk_secret_set(&request.code, dlk_bytes_str("000000")), 0);
		decide(w, &request, &verdict);
		assert_int_equal(
		    verdict.reason, i == 0 ? DLK_R_OTP_WRONG : DLK_R_NOT_ENROLLED);
		assert_string_equal(w->last.event.user, i == 0 ? "alice" : "");
		assert_string_equal(w->last.subject.user, i == 0 ? "alice" : "");
	}
}

static void
a_name_alone_never_opens(void **state)
{
	struct world *w = *state;
	DLK_AUTO_REQUEST request = { .entrance = DLK_ENTRANCE_PAM,
		.service = "console",
		.user = "alice",
		.account_known = true };
	struct dlk_verdict verdict;

	policy.service[2].otp = DLK_OTP_NONE;
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_FAULT_CONFIG);
	policy.service[2].otp = DLK_OTP_IF_ENROLLED;
	w->enrolled = false;
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_FAULT_CONFIG);
	policy.service[2].certificate = DLK_CERTIFICATE_UNSET;
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_POSSESSION_UNPROVEN);
}

/* What is known of a certificate is no step past anything that is asked for each time. */
static void
a_known_certificate_opens_nothing_by_itself(void **state)
{
	struct world *w = *state;
	DLK_AUTO_REQUEST request;
	struct dlk_verdict verdict;

	assert_int_equal(dlk_known_new(&w->known), 0);
	ask_sshd(&request, alice, "alice");
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_OTP_REQUIRED);
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_OTP_REQUIRED);
	assert_int_equal(verdict.good_until, NOW + DAY);
	assert_int_equal(verdict.chain_until, NOW + 9 * DAY);
	type_code(&request);
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_OK);
	assert_int_equal(w->settled, 3);
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_OTP_REPLAYED);
	w->settle_error = -EIO;
	request.has_code = false;
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_FAULT_STORE);
	w->begin_error = -EIO;
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_FAULT_STORE);
	w->begin_error = 0;
	request.possession = DLK_POSSESSION_NONE;
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_POSSESSION_UNPROVEN);
	request.possession = DLK_POSSESSION_SSHD;
	strcpy(request.user, "root");
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_USER_MISMATCH);
	strcpy(request.user, "alice");
	w->registered[0] = revoked; /* of the same key */
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_REVOKED);
	w->n_registered = 0;
	decide(w, &request, &verdict);
	assert_int_equal(verdict.reason, DLK_R_NO_CERTIFICATE);
	dlk_known_free(w->known);
}

/* The second call of a gateway: it only names the certificate. */
static void
ask_kept(struct dlk_request *request, const struct dlk_cert *named)
{
	*request = (struct dlk_request){ .entrance = DLK_ENTRANCE_GATEWAY,
		.possession = DLK_POSSESSION_TLS_GATEWAY,
		.evidence_kind = DLK_EVIDENCE_KEPT,
		.attempt = { 1 },
		.service = "vpn" };
	assert_int_equal(dlk_buf_add(&request->evidence, SIZE_MAX,
			     DLK_BYTES(dlk_cert_fingerprint(named), DLK_SHA256_SIZE)),
	    0);
}

static void
a_gateway_comes_twice(void **state)
{
	struct world *w = *state;
	DLK_AUTO_REQUEST first = { .entrance = DLK_ENTRANCE_GATEWAY,
		.possession = DLK_POSSESSION_TLS_GATEWAY,
		.evidence_kind = DLK_EVIDENCE_CERTIFICATE,
		.service = "vpn",
		.keep = true };
	DLK_AUTO_REQUEST second = { 0 };
	struct dlk_verdict verdict;

	policy.service[1].otp = DLK_OTP_REQUIRED;
	assert_int_equal(dlk_buf_add(&first.evidence, SIZE_MAX, dlk_cert_der(alice)), 0);
	decide(w, &first, &verdict);
	assert_int_equal(verdict.reason, DLK_R_OTP_REQUIRED);
	assert_true(w->last.keep);
	assert_true(dlk_bytes_equal(w->last.certificate, dlk_cert_der(alice)));
	w->kept = alice;
	ask_kept(&second, alice);
	strcpy(second.visit, "one");
	type_code(&second);
	decide(w, &second, &verdict);
	assert_int_equal(verdict.reason, DLK_R_OK);
	assert_string_equal(verdict.user, "alice");
	assert_int_equal(w->last.kept, 7);
	assert_int_equal(w->last.attempt[0], 0x5a); /* of the first call */
	assert_true(w->last.visited);
	assert_string_equal(w->last.subject.visit, "one");
}

/* A code never opens a session whose certificate is somebody else's, or was not seen. */
static void
a_code_opens_what_was_kept_alone(void **state)
{
	struct world *w = *state;
	const struct {
		struct dlk_cert *named, *kept;
		const char *user;
		int error;
		enum dlk_reason reason;
		int64_t used;
	} rows[] = {
		{ alice, NULL, "", -ENOENT, DLK_R_NO_CERTIFICATE, 0 },
		{ alice, NULL, "", -EIO, DLK_R_FAULT_STORE, 0 },
		{ alice, expired, "", 0, DLK_R_FAULT_STORE, 7 }, /* the row was changed */
		{ expired, expired, "", 0, DLK_R_CERTIFICATE_EXPIRED, 7 },
		{ revoked, revoked, "", 0, DLK_R_REVOKED, 7 },
		{ alice, alice, "root", 0, DLK_R_USER_MISMATCH, 7 },
	};

	policy.service[1].otp = DLK_OTP_REQUIRED;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		DLK_AUTO_REQUEST request = { 0 };
		struct dlk_verdict verdict;

		w->kept = rows[i].kept;
		w->kept_error = rows[i].error;
		ask_kept(&request, rows[i].named);
		strcpy(request.user, rows[i].user);
		request.account_known = request.user[0];
		type_code(&request);
		decide(w, &request, &verdict);
		assert_int_equal(verdict.reason, rows[i].reason);
		assert_int_equal(w->last.kept, rows[i].used);
		assert_false(w->last.keep || w->last.visited);
		assert_int_equal(w->last_step, -1); /* the code was not used */
	}
	/* and somebody who is faster has used it */
	DLK_AUTO_REQUEST late = { 0 };
	struct dlk_verdict verdict;
	ask_kept(&late, alice);
	w->kept = alice;
	w->settle_error = -EEXIST;
	type_code(&late);
	decide(w, &late, &verdict);
	assert_int_equal(verdict.reason, DLK_R_OTP_REPLAYED);
	assert_int_equal(w->last.kept, 0);
}

/* Written is not durable: the verdict is made when the commit has answered. */
static void
without_the_commit_there_is_no_yes(void **state)
{
	static const struct {
		bool code, settles;
		int error;
		enum dlk_reason reason;
	} rows[] = {
		{ true, true, 0, DLK_R_OK },
		{ true, true, -EIO, DLK_R_FAULT_STORE },
		{ true, true, -ENOSPC, DLK_R_FAULT_STORE },
		{ true, false, 0, DLK_R_FAULT_STORE },
		{ false, true, 0, DLK_R_OTP_REQUIRED },
		{ false, true, -EIO, DLK_R_FAULT_STORE },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct dlk_caller caller = {
			.entrance = DLK_ENTRANCE_PAM, .root = true, .name = "helper"
		};
		const struct dlk_ports ports = ports_of(w);
		DLK_AUTO_REQUEST request;
		struct dlk_verdict verdict;

		w->last_step = -1;
		ask_sshd(&request, alice, "alice");
		if (rows[i].code)
			type_code(&request);
		struct dlk_decision *d =
		    dlk_decision_new(&policy, &ports, &caller, &request, NOW);
		assert_non_null(d);
		assert_false(w->locked);
		if (rows[i].settles)
			dlk_decision_settle(d);
		assert_false(w->locked);
		dlk_decision_conclude(d, rows[i].error, &verdict);
		dlk_decision_free(d);
		if (verdict.reason != rows[i].reason)
			fail_msg("row %zu: %s", i, dlk_reason_str(verdict.reason));
		assert_int_equal(
		    verdict.event[0] != '\0', rows[i].settles && rows[i].error == 0);
		assert_int_equal(verdict.effect, DLK_EFFECT_ENFORCE);
	}
}

/* A refusal needs no record to be one. */
static void
a_refusal_stays_one_without_its_record(void **state)
{
	struct world *w = *state;
	const struct dlk_caller caller = { .entrance = DLK_ENTRANCE_PAM, .root = true };
	const struct dlk_ports ports = ports_of(w);
	DLK_AUTO_REQUEST request;
	struct dlk_verdict verdict;

	w->registered[0] = revoked;
	ask_sshd(&request, revoked, "alice");
	struct dlk_decision *d = dlk_decision_new(&policy, &ports, &caller, &request, NOW);
	assert_non_null(d);
	dlk_decision_settle(d);
	dlk_decision_conclude(d, -EIO, &verdict);
	dlk_decision_free(d);
	assert_int_equal(verdict.reason, DLK_R_REVOKED);
	assert_string_equal(verdict.event, "");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* --- proofs that the judge asks for
 * ----------------------------------------------------------
 */

static void
use_agent(enum dlk_whose whose)
{
	policy.service[0] = (struct dlk_service){ .name = "sudo",
		.section = "service sudo",
		.certificate = DLK_CERTIFICATE_SSH_AGENT,
		.subject = whose };
}

static void
decide_in(struct world *w, struct dlk_dialogue *dialogue, const struct dlk_request *request,
    bool root, struct dlk_verdict *verdict)
{
	const struct dlk_caller caller = {
		.entrance = request->entrance, .root = root, .uid = 7, .dialogue = dialogue
	};
	const struct dlk_ports ports = { w, trust, crls, account, member, registered, begin,
		settle, abandon, trouble, recovery_mac, nonce, "bastion", NULL, NULL, NULL,
		NULL, NULL };

	dlk_decide(&policy, &ports, &caller, request, NOW, verdict);
	assert_false(w->locked);
}

static void
ask_sudo(struct dlk_request *request, const char *user)
{
	memset(request, 0, sizeof(*request));
	request->entrance = DLK_ENTRANCE_PAM;
	strcpy(request->user, user);
	request->account_known = true;
	strcpy(request->service, "sudo");
	strcpy(request->asker, "alice");
}

static void
sign(const struct dlk_dialogue *dialogue, EVP_PKEY *of, struct dlk_request *request)
{
	const struct ssh_signer signer = { .key = of };

	request->possession = DLK_POSSESSION_SSH_AGENT;
	request->evidence_kind = DLK_EVIDENCE_SSH_BLOB;
	dlk_buf_free(&request->evidence);
	dlk_buf_free(&request->signature);
	ssh_blob(&signer, &request->evidence);
	ssh_sign(&signer, dlk_bytes_of(&dialogue->challenge.data), &request->signature);
}

static void
an_agent_proves_then_the_code(void **state)
{
	struct world *w = *state;
	struct dlk_dialogue dialogue = { 0 };
	struct dlk_verdict verdict;
	DLK_AUTO_REQUEST request;

	use_agent(DLK_WHOSE_USER);
	ask_sudo(&request, "alice");
	decide_in(w, &dialogue, &request, true, &verdict);
	assert_int_equal(verdict.reason, DLK_R_POSSESSION_UNPROVEN);
	assert_true(dialogue.asking);
	assert_true(w->last.provisional);
	assert_true(dialogue.challenge.wanted.n > 0);
	sign(&dialogue, key, &request);
	decide_in(w, &dialogue, &request, true, &verdict);
	assert_int_equal(verdict.reason, DLK_R_OTP_REQUIRED);
	assert_false(dialogue.asking);
	type_code(&request);
	decide_in(w, &dialogue, &request, true, &verdict);
	assert_int_equal(verdict.reason, DLK_R_OK);
	assert_int_equal(w->last.event.possession, DLK_POSSESSION_SSH_AGENT);
	assert_string_equal(verdict.user, "alice");
	dlk_dialogue_fini(&dialogue);
}

static void
an_agent_proves_nothing(void **state)
{
	enum { OTHER_KEY, REVOKED, NO_DIALOGUE, NOT_ROOT, OTHER_SIGNS, ROWS };
	static const enum dlk_reason reasons[ROWS] = { DLK_R_NO_CERTIFICATE, DLK_R_REVOKED,
		DLK_R_POSSESSION_UNPROVEN, DLK_R_POSSESSION_UNPROVEN,
		DLK_R_POSSESSION_UNPROVEN };
	struct world *w = *state;

	for (int i = 0; i < ROWS; i++) {
		struct dlk_dialogue dialogue = { 0 };
		struct dlk_verdict verdict;
		DLK_AUTO_REQUEST request;
		DLK_AUTO_BUF blob = { 0 };

		use_agent(DLK_WHOSE_USER);
		w->registered[0] = i == REVOKED ? revoked : alice;
		ask_sudo(&request, "alice");
		decide_in(w, &dialogue, &request, true, &verdict);
		sign(
		    &dialogue, i == OTHER_KEY || i == OTHER_SIGNS ? other_key : key, &request);
		if (i == OTHER_SIGNS) {
			const struct ssh_signer shown = { .key = key };

			dlk_buf_free(&request.evidence);
			ssh_blob(&shown, &request.evidence);
		}
		decide_in(
		    w, i == NO_DIALOGUE ? NULL : &dialogue, &request, i != NOT_ROOT, &verdict);
		if (verdict.reason != reasons[i])
			fail_msg("row %d: %s: %s", i, dlk_reason_str(verdict.reason),
			    verdict.detail);
		assert_false(w->last.provisional);
		dlk_dialogue_fini(&dialogue);
	}
}

static void
who_asks_is_the_subject(void **state)
{
	struct world *w = *state;
	struct dlk_dialogue dialogue = { 0 };
	struct dlk_verdict verdict;
	DLK_AUTO_REQUEST request;

	use_agent(DLK_WHOSE_ASKER);
	ask_sudo(&request, "root");
	decide_in(w, &dialogue, &request, true, &verdict);
	sign(&dialogue, key, &request);
	type_code(&request);
	decide_in(w, &dialogue, &request, true, &verdict);
	assert_int_equal(verdict.reason, DLK_R_OK);
	assert_string_equal(verdict.user, "alice");
	assert_string_equal(verdict.detail, "accepted, to act for root");
	assert_string_equal(w->last.event.user, "alice");
	dlk_dialogue_fini(&dialogue);

	request.asker[0] = '\0';
	decide_in(w, &dialogue, &request, true, &verdict);
	assert_int_equal(verdict.reason, DLK_R_NO_IDENTITY);
	strcpy(request.asker, "alice");
	decide_in(w, &dialogue, &request, false, &verdict);
	assert_int_equal(verdict.reason, DLK_R_POSSESSION_UNPROVEN);
}

static void
no_challenge_without_a_record(void **state)
{
	struct world *w = *state;
	struct dlk_dialogue dialogue = { 0 };
	struct dlk_verdict verdict;
	DLK_AUTO_REQUEST request;

	use_agent(DLK_WHOSE_USER);
	ask_sudo(&request, "alice");
	w->begin_error = -EIO;
	decide_in(w, &dialogue, &request, true, &verdict);
	assert_int_equal(verdict.reason, DLK_R_FAULT_STORE);
	assert_false(dialogue.asking);
	dlk_dialogue_fini(&dialogue);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_gateway_comes_twice),
		CASE(a_code_opens_what_was_kept_alone),
		CASE(both_locks_open_the_door_once),
		CASE(certificates_refuse_before_any_code),
		CASE(a_key_that_is_a_certificate_is_judged_in_full),
		CASE(a_good_certificate_is_not_hidden_by_a_bad_one_of_its_key),
		CASE(no_record_no_yes),
		CASE(no_count_no_word_about_the_code),
		CASE(an_offered_key_is_recorded_as_that),
		CASE(a_trial_is_recorded_and_grants_nothing),
		CASE(who_asks_again_has_the_answer_on_record),
		CASE(no_record_makes_a_certificate_good),
		CASE(a_gateway_learns_who_it_is),
		CASE(by_code_alone_nobody_is_told_who_exists),
		CASE(a_name_alone_never_opens),
		CASE(a_known_certificate_opens_nothing_by_itself),
		CASE(without_the_commit_there_is_no_yes),
		CASE(a_refusal_stays_one_without_its_record),
		CASE(an_agent_proves_then_the_code),
		CASE(an_agent_proves_nothing),
		CASE(who_asks_is_the_subject),
		CASE(no_challenge_without_a_record),
	};

	return cmocka_run_group_tests_name("decide", tests, make_pki, free_pki);
}
