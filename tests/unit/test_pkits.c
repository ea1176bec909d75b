/* SPDX-License-Identifier: MIT */
/*
 * The NIST PKITS suite, sections 4.1 to 4.16, from tests/fixtures/pkits: each case is judged
 * as 'doublelock verify' judges it, path and revocation.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/text.h"
#include "core/judge.h"

#define FIXTURES  "tests/fixtures/pkits"
#define CASES     214 /* what the suite has for these inputs */
#define FILE_MOST (1024 * 1024)

static const char *const dsa[] = { "pkits-4.1.4", "pkits-4.1.5" };

/* An empty buffer where there is no such file. */
static void
read_file(const char *id, const char *name, struct dlk_buf *buf)
{
	char path[256];

	dlk_text_print(path, sizeof(path), FIXTURES "/%s/%s", id, name);
	int error = dlk_file_read(path, FILE_MOST, NULL, buf);
	if (error != 0 && error != -ENOENT)
		fail_msg("%s: %s", path, dlk_file_error(error));
}

/* Some certificates of the suite are made not to be read: they are left out. */
static void
read_certs(const char *id, const char *name, struct dlk_certs *certs)
{
	DLK_AUTO_BUF content = { 0 };

	read_file(id, name, &content);
	if (content.n > 0)
		assert_true(
		    dlk_certs_parse_file(dlk_bytes_of(&content), 1000, certs, NULL) >= 0);
}

static int64_t
read_time(const char *id)
{
	DLK_AUTO_BUF content = { 0 };
	int64_t when;

	read_file(id, "time", &content);
	while (content.n > 0 && content.p[content.n - 1] <= ' ')
		content.n--;
	assert_int_equal(dlk_buf_add(&content, FILE_MOST, DLK_BYTES("", 1)), 0);
	assert_int_equal(dlk_int_parse((char *)content.p, 0, INT64_MAX, &when), 0);
	return when;
}

static bool
is_expected(const char *id)
{
	DLK_AUTO_BUF content = { 0 };

	for (size_t i = 0; i < sizeof(dsa) / sizeof(*dsa); i++)
		if (strcmp(dsa[i], id) == 0)
			return false; /* DSA is refused by policy, whatever the suite says */
	read_file(id, "expect", &content);
	return content.n >= 6 && memcmp(content.p, "accept", 6) == 0;
}

static enum dlk_reason
judge_with(const char *id, const struct dlk_trust *trust, struct dlk_crls *crls,
    enum dlk_revocation_mode mode, struct dlk_finding *finding)
{
	struct dlk_policy policy;
	struct dlk_ports ports = { .trust = trust, .crls = crls };
	struct dlk_judgement judgement;
	DLK_AUTO_CERTS leaf = { 0 };
	DLK_AUTO_BUF content = { 0 };
	enum dlk_reason reason;

	read_file(id, "leaf.pem", &content);
	assert_true(dlk_certs_parse_file(dlk_bytes_of(&content), 1, &leaf, finding) >= 0);
	if (leaf.n == 0)
		return finding->reason;
	dlk_policy_init(&policy);
	policy.revocation.mode = mode;
	policy.path.max_depth = DLK_PATH_MAX;
	reason = dlk_judge(&policy, NULL, &ports, leaf.cert[0], NULL, false, read_time(id),
	    &judgement, finding);
	dlk_policy_fini(&policy);
	return reason;
}

static void
add_trust(const char *id, struct dlk_trust *trust)
{
	DLK_AUTO_CERTS anchors = { 0 }, intermediates = { 0 };

	read_certs(id, "trust.pem", &anchors);
	read_certs(id, "intermediates.pem", &intermediates);
	for (size_t i = 0; i < anchors.n; i++)
		assert_int_equal(dlk_trust_add_anchor(trust, 0, anchors.cert[i]), 0);
	for (size_t i = 0; i < intermediates.n; i++)
		assert_int_equal(dlk_trust_add_intermediate(trust, intermediates.cert[i]), 0);
}

static void
one_case(void **state)
{
	const char *id = *state;
	struct dlk_trust *trust = NULL;
	struct dlk_crls *crls = NULL;
	struct dlk_finding finding = { 0 };
	DLK_AUTO_BUF content = { 0 };
	enum dlk_revocation_mode mode = DLK_REVOCATION_OFF;

	assert_int_equal(dlk_trust_new(&trust), 0);
	assert_int_equal(dlk_crls_new(&crls), 0);
	add_trust(id, trust);
	read_file(id, "crl.pem", &content);
	if (content.n > 0) {
		mode = DLK_REVOCATION_REQUIRE;
		/* a list that is wrong covers nothing, which is what its cases are about */
		dlk_crls_add_file(crls, dlk_bytes_of(&content), "crl.pem", NULL);
	}
	enum dlk_reason reason = judge_with(id, trust, crls, mode, &finding);
	dlk_crls_free(crls);
	dlk_trust_free(trust);
	if ((reason == DLK_R_OK) != is_expected(id))
		fail_msg("%s: %s: %s", id, dlk_reason_str(reason), finding.detail);
	assert_int_not_equal(reason, DLK_R_UNDECIDED);
	assert_int_not_equal(reason, DLK_R_FAULT_INTERNAL);
	if (reason != DLK_R_OK)
		assert_true(finding.detail[0] != '\0');
}

static int
is_case(const struct dirent *entry)
{
	return strncmp(entry->d_name, "pkits-4.", 8) == 0;
}

int
main(void)
{
	struct dirent **entry = NULL;
	int n = scandir(FIXTURES, &entry, is_case, versionsort);

	if (n != CASES) {
		fprintf(
		    stderr, FIXTURES ": %d cases of %d (run from the top folder)\n", n, CASES);
		return 1;
	}
	struct CMUnitTest *test = calloc((size_t)n, sizeof(*test));
	if (!test)
		return 1;
	for (int i = 0; i < n; i++)
		test[i] = (struct CMUnitTest){ .name = entry[i]->d_name,
			.test_func = one_case,
			.initial_state = entry[i]->d_name };
	int failed = _cmocka_run_group_tests("pkits", test, (size_t)n, NULL, NULL);
	for (int i = 0; i < n; i++)
		free(entry[i]);
	free(entry);
	free(test);
	return failed;
}
