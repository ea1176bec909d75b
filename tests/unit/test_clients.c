/* SPDX-License-Identifier: MIT */
/* Which gateways may come, and where they are listened for. */
#include <errno.h>
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

#include "base/endpoint.h"
#include "core/pem.h"
#include "store/clients.h"
#include "tests/unit/pki.h"

static char dir[] = "/tmp/doublelock-test-XXXXXX";

static int
set_up(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	return 0;
}

static void
put(const char *name, struct dlk_bytes content)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(content.p, 1, content.n, file), content.n);
	assert_int_equal(fclose(file), 0);
}

static void
take_away(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(unlink(path), 0);
}

static int
tear_down(void **state)
{
	(void)state;
	take_away("edge1.pem");
	take_away("README");
	return rmdir(dir);
}

static struct dlk_cert *
pem_of(const char *subject, unsigned serial, struct dlk_buf *pem)
{
	struct pki_spec spec = pki_leaf(subject, NULL);

	spec.issuer = "CN=ca";
	spec.serial = serial;
	struct dlk_cert *cert = pki_cert(&spec);
	assert_int_equal(dlk_pem_certificate(dlk_cert_der(cert), pem), 0);
	return cert;
}

static int
load(struct dlk_clients **ret_clients, char *words, size_t size)
{
	const struct dlk_care care = { .owned = true, .owner = geteuid() };
	struct dlk_finding finding = { 0 };
	int r = dlk_clients_load(dir, &care, ret_clients, &finding);

	assert_int_equal(finding.reason, r == 0 ? DLK_R_UNDECIDED : DLK_R_FAULT_CONFIG);
	snprintf(words, size, "%s", finding.detail);
	return r;
}

static void
refused(const char *file, struct dlk_bytes content, const char *why)
{
	struct dlk_clients *clients = NULL;
	char words[DLK_DETAIL_MAX + 1];

	put(file, content);
	assert_int_equal(load(&clients, words, sizeof(words)), -EINVAL);
	assert_null(clients);
	if (!strstr(words, file) || !strstr(words, why))
		fail_msg("%s: %s", file, words);
	take_away(file);
}

static void
a_gateway_is_its_file(void **state)
{
	DLK_AUTO_BUF one = { 0 }, two = { 0 }, both = { 0 };
	DLK_AUTO_CERT *a = pem_of("CN=a", 1, &one);
	DLK_AUTO_CERT *b = pem_of("CN=b", 2, &two);
	struct dlk_clients *clients = NULL;
	char words[DLK_DETAIL_MAX + 1];

	(void)state;
	put("README", dlk_bytes_str("names that do not end in .pem are no gateways\n"));
	put("edge1.pem", dlk_bytes_of(&one));
	assert_int_equal(load(&clients, words, sizeof(words)), 0);
	assert_string_equal(dlk_clients_find(clients, dlk_cert_fingerprint(a)), "edge1");
	assert_null(dlk_clients_find(clients, dlk_cert_fingerprint(b)));
	assert_true(dlk_clients_know(clients, "edge1"));
	assert_false(dlk_clients_know(clients, "README"));
	assert_false(dlk_clients_know(clients, ""));
	dlk_clients_free(clients);

	/* while it gets another one */
	assert_int_equal(dlk_buf_add(&both, 65536, dlk_bytes_of(&one)), 0);
	assert_int_equal(dlk_buf_add(&both, 65536, dlk_bytes_of(&two)), 0);
	put("edge1.pem", dlk_bytes_of(&both));
	assert_int_equal(load(&clients, words, sizeof(words)), 0);
	assert_string_equal(dlk_clients_find(clients, dlk_cert_fingerprint(a)), "edge1");
	assert_string_equal(dlk_clients_find(clients, dlk_cert_fingerprint(b)), "edge1");
	dlk_clients_free(clients);

	refused("edge2.pem", dlk_bytes_of(&two), "have the same certificate");
	refused("edge2.pem", dlk_bytes_str(""), "");
	refused("edge2.pem", dlk_bytes_str("-----BEGIN CERTIFICATE-----\nAAAA\n"), "");
	refused("edge 2.pem", dlk_bytes_of(&two), "a name is printable");
	refused("a,b.pem", dlk_bytes_of(&two), "a name is printable");
}

static void
what_others_can_write_is_not_believed(void **state)
{
	struct dlk_clients *clients = NULL;
	char words[DLK_DETAIL_MAX + 1];

	(void)state;
	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(load(&clients, words, sizeof(words)), -DLK_EOWNER);
	assert_int_equal(chmod(dir, 0700), 0);
	assert_int_equal(load(&clients, words, sizeof(words)), 0);
	dlk_clients_free(clients);
}

static void
an_endpoint_is_an_address_and_a_port(void **state)
{
	static const char *const good[] = { "tls:192.0.2.1:8443", "tls:0.0.0.0:1",
		"tls:[::]:65535", "tls:[2001:db8::1]:443" };
	static const char *const bad[] = { "", "tls:", "tls::1", "tls:192.0.2.1",
		"tls:192.0.2.1:", "tls:192.0.2.1:0", "tls:192.0.2.1:65536", "tls:192.0.2.1:+1",
		"tls:192.0.2.1: 1", "tls:::1:443", "tls:[192.0.2.1]:443x", "tls:[::1:443",
		"tls:[]:443", "tls:localhost:443", "tcp:192.0.2.1:443", "tls:192.0.2.1:443 ",
		"tls:[2001:db8::1%lo]:443", "tls:192.0.2:443" };
	struct dlk_endpoint a, b;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (dlk_endpoint_parse(good[i], &a) != 0)
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (dlk_endpoint_parse(bad[i], &a) != -EINVAL)
			fail_msg("%s", bad[i]);
	assert_int_equal(dlk_endpoint_parse("tls:[::1]:443", &a), 0);
	assert_int_equal(dlk_endpoint_parse("tls:[0:0::1]:443", &b), 0);
	assert_true(dlk_endpoint_same(&a, &b));
	assert_int_equal(dlk_endpoint_parse("tls:[::1]:444", &b), 0);
	assert_false(dlk_endpoint_same(&a, &b));
	assert_int_equal(dlk_endpoint_parse("tls:127.0.0.1:443", &b), 0);
	assert_false(dlk_endpoint_same(&a, &b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gateway_is_its_file),
		cmocka_unit_test(what_others_can_write_is_not_believed),
		cmocka_unit_test(an_endpoint_is_an_address_and_a_port),
	};
	return cmocka_run_group_tests_name("clients", tests, set_up, tear_down);
}
