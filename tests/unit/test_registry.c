/* SPDX-License-Identifier: MIT */
/* What root registered is found again, and nothing that lies outside. */
#include <errno.h>
#include <fcntl.h>
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

#include "base/text.h"
#include "store/registry.h"

#define ALICE_PRINT "b5eb779b1436ab63eb3866f30569f60239bd90da35cc6d863d2e2ca2ba0017e1"
#define BOB_PRINT   "dfc21dfa85b3558f79bd83938ba786f94069b0431f61f228b17f3ce310e53975"

static const char alice[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBlDCCATugAwIBAgIUXrK+t4CXKx5gGzKiHB5KxRW71yowCgYIKoZIzj0EAwIw\n"
    "DDEKMAgGA1UEAwwBVDAgFw0yNjExMjQyMTE3MTRaGA8yMTI1MDYxODIxMTcxNFow\n"
    "EDEOMAwGA1UEAwwFYWxpY2UwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARzc7Eg\n"
    "n8xlUq7O/B9OlT5tKXMZ17teNEZEqVcZbtGvqcyBVj0xjilZlpqOWYf7HBhafqMT\n"
    "aJjoXGM8jGNr12Dbo3UwczAMBgNVHRMBAf8EAjAAMA4GA1UdDwEB/wQEAwIHgDAT\n"
    "BgNVHSUEDDAKBggrBgEFBQcDAjAdBgNVHQ4EFgQUlH+Dm++8yog5+QmTcGc52jC9\n"
    "KwowHwYDVR0jBBgwFoAUrYlDZ6le1Y9U7396RxefdZskJB0wCgYIKoZIzj0EAwID\n"
    "RwAwRAIgYsnfxMkbMWHrpSwP/tu4YAtMFdXw/JUDU1SYtgiwYUoCIGzFPgwxTzpW\n"
    "q2x8WNR8NKVvvxMPnyMAaZ+UL8oWwLRR\n"
    "-----END CERTIFICATE-----\n";
static const char bob[] = "-----BEGIN CERTIFICATE-----\n"
			  "MIIBlDCCATmgAwIBAgIUXrK+t4CXKx5gGzKiHB5KxRW71yswCgYIKoZIzj0EAwIw\n"
			  "DDEKMAgGA1UEAwwBVDAgFw0yNjExMjQyMTE3MTRaGA8yMTI1MDYxODIxMTcxNFow\n"
			  "DjEMMAoGA1UEAwwDYm9iMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEOh4z7N+l\n"
			  "/qyWd25VdNJkQjyLuHNWHjKUHuJT0ovn+S7Vqt9x9BqZgd90blF7eAwD/PyPAKN4\n"
			  "WIXjp0xDdl7vnaN1MHMwDAYDVR0TAQH/BAIwADAOBgNVHQ8BAf8EBAMCB4AwEwYD\n"
			  "VR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0OBBYEFJr1R9FyBL40HIxLcSHSJl9E2Eoa\n"
			  "MB8GA1UdIwQYMBaAFK2JQ2epXtWPVO9/ekcXn3WbJCQdMAoGCCqGSM49BAMCA0kA\n"
			  "MEYCIQDUD7co3GXgEjGutx/prDGg/7PA1gB3rON1yCYgWLjRpQIhANCU3zqoWTWT\n"
			  "Dh4YOY6kMlYhuhYqAN8rGQy4qqKheHFh\n"
			  "-----END CERTIFICATE-----\n";

static char dir[] = "/tmp/test_registry.XXXXXX";

static struct dlk_care
care(void)
{
	return (struct dlk_care){ .owned = true, .owner = geteuid() };
}

static int
setup(void **state)
{
	(void)state;
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
	umask(022);
	return mkdtemp(dir) ? 0 : -1;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "alice", "bob" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		static const char *const suffixes[] = { "m", "w", NULL };
		char path[64], **name = NULL;
		size_t n = 0;
		DLK_AUTO_FD fd = -1;
		dlk_text_print(path, sizeof(path), "%s/%s", dir, names[i]);
		if (dlk_dir_open(path, NULL, &fd) != 0)
			continue;
		if (dlk_dir_list(fd, suffixes, 1000, &name, &n) != 0)
			return -1;
		for (size_t j = 0; j < n; j++)
			unlinkat(fd, name[j], 0);
		dlk_names_free(name, n);
		rmdir(path);
	}
	return rmdir(dir);
}

static void
write_file(const char *user, const char *name, const char *content, mode_t mode)
{
	char path[128];

	dlk_text_print(path, sizeof(path), "%s/%s", dir, user);
	(void)mkdir(path, 0755);
	dlk_text_print(path, sizeof(path), "%s/%s/%s", dir, user, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static struct dlk_cert *
parse(const char *pem)
{
	DLK_AUTO_CERTS certs = { 0 };

	assert_int_equal(dlk_certs_parse_file(dlk_bytes_str(pem), 1, &certs, NULL), 0);
	assert_int_equal(certs.n, 1);
	return dlk_cert_ref(certs.cert[0]);
}

static void
what_was_added_is_found(void **state)
{
	struct dlk_care asked = care();
	struct dlk_finding finding = { 0 };
	DLK_AUTO_CERTS certs = { 0 };
	DLK_AUTO_CERT *cert = parse(alice);

	(void)state;
	assert_int_equal(dlk_registry_add(dir, "alice", cert), 0);
	assert_int_equal(dlk_registry_add(dir, "alice", cert), -EEXIST);
	assert_int_equal(dlk_registry_load(dir, "alice", &asked, &certs, &finding), 0);
	assert_int_equal(finding.reason, DLK_R_UNDECIDED);
	assert_int_equal(certs.n, 1);
	assert_string_equal(dlk_cert_fingerprint_text(certs.cert[0]), ALICE_PRINT);
	assert_int_equal(dlk_registry_load(dir, "bob", &asked, &certs, &finding), 0);
	assert_int_equal(certs.n, 1);
}

static void
names_do_not_lead_outside(void **state)
{
	static const char *const users[] = { "", ".", "..", "../alice", "a/b", "a b", ".x" };
	struct dlk_care asked = care();
	DLK_AUTO_CERT *cert = parse(alice);

	(void)state;
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		DLK_AUTO_CERTS certs = { 0 };
		assert_int_equal(dlk_registry_add(dir, users[i], cert), -EINVAL);
		assert_int_equal(dlk_registry_load(dir, users[i], &asked, &certs, NULL), 0);
		assert_int_equal(certs.n, 0);
	}
	assert_int_equal(dlk_registry_unlink(dir, "alice", "../x.pem"), -EINVAL);
}

static void
damaged_files_are_left_out_and_named(void **state)
{
	struct dlk_care asked = care();
	struct dlk_finding finding = { 0 };
	DLK_AUTO_CERTS certs = { 0 };

	(void)state;
	write_file("alice", "a.pem", "no certificate\n", 0644);
	write_file("alice", "b.pem", alice, 0644);
	write_file("alice", "c.new", bob, 0644);
	assert_int_equal(dlk_registry_load(dir, "alice", &asked, &certs, &finding), 0);
	assert_int_equal(certs.n, 1);
	assert_int_equal(finding.reason, DLK_R_CERTIFICATE_MALFORMED);
	assert_non_null(strstr(finding.detail, "alice/a.pem: "));
}

static void
large_files_are_left_out_and_named(void **state)
{
	static char content[300 * 1024];
	struct dlk_care asked = care();
	struct dlk_finding finding = { 0 };
	DLK_AUTO_CERTS certs = { 0 };

	(void)state;
	memset(content, 'x', sizeof(content) - 1);
	write_file("alice", "a.pem", content, 0644);
	assert_int_equal(dlk_registry_load(dir, "alice", &asked, &certs, &finding), 0);
	assert_int_equal(certs.n, 0);
	assert_int_equal(finding.reason, DLK_R_CERTIFICATE_MALFORMED);
	assert_non_null(strstr(finding.detail, "a.pem: too large"));
}

static void
files_of_others_are_a_fault(void **state)
{
	struct dlk_care asked = care();
	struct dlk_finding finding = { 0 };
	DLK_AUTO_CERTS certs = { 0 };

	(void)state;
	write_file("alice", "a.pem", alice, 0644);
	write_file("alice", "b.pem", bob, 0666);
	assert_int_equal(
	    dlk_registry_load(dir, "alice", &asked, &certs, &finding), -DLK_EOWNER);
	assert_int_equal(finding.reason, DLK_R_FAULT_CONFIG);
	assert_non_null(strstr(finding.detail, "alice/b.pem: "));
}

static void
one_user_has_a_limit(void **state)
{
	struct dlk_care asked = care();
	DLK_AUTO_CERTS certs = { 0 };

	(void)state;
	for (int i = 0; i < DLK_REGISTERED_MAX + 3; i++) {
		char name[32];
		dlk_text_print(name, sizeof(name), "%d.pem", i);
		write_file("alice", name, alice, 0644);
	}
	assert_int_equal(dlk_registry_load(dir, "alice", &asked, &certs, NULL), 0);
	assert_int_equal(certs.n, DLK_REGISTERED_MAX);
}

static void
certificates_are_removed_by_fingerprint(void **state)
{
	char print[DLK_FINGERPRINT_HEX + 1] = ALICE_PRINT;
	struct dlk_care asked = care();
	DLK_AUTO_CERTS certs = { 0 };

	(void)state;
	write_file("alice", "mine.pem", alice, 0644);
	write_file("alice", "other.pem", bob, 0644);
	write_file("alice", BOB_PRINT ".pem", "damaged", 0644);
	assert_int_equal(dlk_registry_remove(dir, "bob", print), -ENOENT);
	assert_int_equal(dlk_registry_remove(dir, "alice", BOB_PRINT), -ENOTUNIQ);
	assert_int_equal(dlk_registry_remove(dir, "alice", "0123"), -EINVAL);
	assert_int_equal(dlk_registry_remove(dir, "alice", "mine.pem"), -EINVAL);
	print[8] = '\0';
	assert_int_equal(dlk_registry_remove(dir, "alice", print), 0);
	assert_int_equal(dlk_registry_remove(dir, "alice", print), -ENOENT);
	assert_int_equal(dlk_registry_load(dir, "alice", &asked, &certs, NULL), 0);
	assert_int_equal(certs.n, 1);
	assert_string_equal(dlk_cert_fingerprint_text(certs.cert[0]), BOB_PRINT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_added_is_found),
		TEST(names_do_not_lead_outside),
		TEST(damaged_files_are_left_out_and_named),
		TEST(large_files_are_left_out_and_named),
		TEST(files_of_others_are_a_fault),
		TEST(one_user_has_a_limit),
		TEST(certificates_are_removed_by_fingerprint),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
