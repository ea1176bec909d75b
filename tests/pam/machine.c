/* SPDX-License-Identifier: MIT */
/* machine.c - makes the installation: an anchor, a sealing key, a record, owners and modes. */
#include "machine.h"

#include <errno.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/text.h"

void
machine_path(const struct machine *m, char *path, size_t size, const char *name)
{
	assert_int_equal(dlk_path_join(path, size, m->login->dir, name), 0);
}

void
machine_config(const struct machine *m, const char *more)
{
	FILE *out = fopen(m->config, "w");

	assert_non_null(out);
	fprintf(out, "[state]\nstore = sqlite:%s\n", m->store);
	fprintf(out, "[service doublelock-test]\ncertificate = none\notp = required\n");
	fputs(more, out);
	assert_int_equal(fclose(out), 0);
}

static void
make_anchor(const struct machine *m)
{
	char path[160];
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x509 = X509_new();
	X509_NAME *name = X509_get_subject_name(x509);

	X509_set_version(x509, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
	X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_ASC, (const unsigned char *)"Test CA", -1, -1, 0);
	X509_set_issuer_name(x509, name);
	X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x509), 86400);
	X509_set_pubkey(x509, key);
	X509_EXTENSION *ca =
	    X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
	X509_add_ext(x509, ca, -1);
	X509_EXTENSION_free(ca);
	assert_true(X509_sign(x509, key, EVP_sha256()) > 0);
	machine_path(m, path, sizeof(path), "trust.d");
	assert_int_equal(mkdir(path, 0755), 0);
	machine_path(m, path, sizeof(path), "trust.d/ca.pem");
	FILE *out = fopen(path, "w");
	assert_int_equal(PEM_write_X509(out, x509), 1);
	assert_int_equal(fclose(out), 0);
	X509_free(x509);
	EVP_PKEY_free(key);
}

/* Everything below the state directory is the judge's; the sealing key it can read. */
static void
give_to_judge(const struct machine *m)
{
	const struct passwd *judge = getpwnam(DLK_USER);
	char path[160];
	const char *const names[] = { "state", "state/state.db", "state/state.db-wal",
		"state/state.db-shm" };

	assert_non_null(judge);
	assert_int_equal(chown(m->seal, (uid_t)-1, judge->pw_gid), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		machine_path(m, path, sizeof(path), names[i]);
		if (chown(path, judge->pw_uid, judge->pw_gid) != 0)
			assert_int_equal(errno, ENOENT);
	}
}

static void
make_record(struct machine *m)
{
	struct dlk_finding trouble = { 0 };
	struct dlk_token token = { .otp = m->otp, .label = "test" };
	struct dlk_seal *seal = NULL;
	struct dlk_record *record = NULL;
	DLK_AUTO_BUF line = { 0 };
	int64_t id;

	assert_int_equal(dlk_seal_generate("one", &line), 0);
	FILE *out = fopen(m->seal, "w");
	fwrite(line.p, 1, line.n, out);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(m->seal, 0640), 0);
	assert_int_equal(mkdir(m->state, 0700), 0);
	assert_int_equal(dlk_seal_load(m->seal, NULL, &seal), 0);
	assert_int_equal(dlk_record_create(m->store, seal, &record, &trouble), 0);
	assert_int_equal(
	    dlk_tokens_add(record, login_self(), &token, "test", dlk_clock_now(), &id), 0);
	if (strcmp(login_self(), DLK_USER) != 0)
		assert_int_equal(
		    dlk_tokens_add(record, DLK_USER, &token, "test", dlk_clock_now(), &id), 0);
	dlk_record_close(record);
	dlk_seal_free(seal);
}

int
machine_setup(void **state)
{
	struct machine *m = calloc(1, sizeof(*m));
	void *login = NULL;

	login_setup(&login);
	m->login = login;
	assert_int_equal(chmod(m->login->dir, 0755), 0);
	machine_path(m, m->config, sizeof(m->config), "doublelock.conf");
	machine_path(m, m->helper, sizeof(m->helper), "doublelock-helper");
	machine_path(m, m->state, sizeof(m->state), "state");
	machine_path(m, m->store, sizeof(m->store), "state/state.db");
	machine_path(m, m->seal, sizeof(m->seal), "seal.key");
	dlk_text_print(
	    m->options, sizeof(m->options), "config=%s helper=%s", m->config, m->helper);
	login_program("doublelock-helper", m->helper);
	m->otp.kind = DLK_OTP_HOTP;
	m->otp.digits = 6;
	m->otp.last_step = -1;
	assert_int_equal(
	    dlk_secret_set(&m->otp.key, dlk_bytes_str("12345678901234567890")), 0);
	machine_config(m, "");
	make_anchor(m);
	make_record(m);
	give_to_judge(m);
	*state = m;
	return 0;
}

int
machine_teardown(void **state)
{
	struct machine *m = *state;
	void *login = m->login;

	login_teardown(&login);
	free(m);
	return 0;
}

const char *
machine_code(struct machine *m)
{
	static char code[DLK_OTP_DIGITS_MAX + 1];

	assert_int_equal(dlk_otp_code(&m->otp, m->counter++, code), 0);
	return code;
}

int
machine_log_in(struct machine *m, const char *code)
{
	m->login->answer = code;
	return login_bare(m->login, "", m->options);
}
