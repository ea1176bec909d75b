/* SPDX-License-Identifier: MIT */
/* Every gateway's spelling, golden values of those that no Debian package brings, and
 * forgeries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/profile.h"

#define LEAF  "\x01\x02\x03\x04"
#define CHAIN "\x05\x06"
/* AQIDBA== is LEAF, BQY= is CHAIN */
#define ESCAPED "-----BEGIN%20CERTIFICATE-----%0AAQIDBA%3D%3D%0A-----END%20CERTIFICATE-----%0A"
#define ESCAPED_CHAIN                                                                         \
	ESCAPED "-----BEGIN%20CERTIFICATE-----%0ABQY%3D%0A-----END%20CERTIFICATE-----%0A"

static enum dlk_reason
read_with(const char *profile, const struct dlk_header *header, size_t n,
    struct dlk_request *request)
{
	const struct dlk_headers headers = { header, n };
	const struct dlk_profile *p = dlk_profile_find(dlk_bytes_str(profile));
	struct dlk_finding finding = { 0 };

	assert_non_null(p);
	enum dlk_reason reason = dlk_profile_read(p, &headers, request, &finding);
	assert_int_equal(finding.reason, reason == DLK_R_OK ? DLK_R_UNDECIDED : reason);
	return reason;
}

static void
each_gateway_has_its_spelling(void **state)
{
	static const struct {
		const char *profile, *name, *value;
		bool chain;
	} rows[] = {
		{ "nginx", "X-SSL-Client-Cert", ESCAPED, false },
		{ "nginx", "x-ssl-client-cert", ESCAPED, false },
		{ "nginx", "X-SSL-Client-Cert",
		    "-----BEGIN CERTIFICATE----- AQID BA== -----END CERTIFICATE-----", false },
		{ "apache", "X-SSL-Client-Cert",
		    "-----BEGIN%20CERTIFICATE-----%0aAQIDBA==%0a-----END%20CERTIFICATE-----%"
		    "0a",
		    false },
		{ "apache", "X-SSL-Client-Cert", "AQIDBA==", false },
		{ "haproxy", "X-Client-Cert-Der", "AQIDBA==", false },
		{ "caddy", "X-Client-Cert-Der", "AQIDBA==", false },
		/* Traefik from 2.9.4 and 2.10 on, and before */
		{ "traefik", "X-Forwarded-Tls-Client-Cert", "AQIDBA==", false },
		{ "traefik", "X-Forwarded-Tls-Client-Cert", "AQIDBA==,BQY=", true },
		{ "traefik", "X-Forwarded-Tls-Client-Cert", "AQIDBA%3D%3D", false },
		{ "traefik", "X-Forwarded-Tls-Client-Cert", "AQIDBA%3D%3D%2CBQY%3D", false },
		{ "traefik", "X-Forwarded-Tls-Client-Cert", "AQIDBA%3D%3D,BQY%3D", true },
		{ "traefik", "X-Forwarded-Tls-Client-Cert", "AQIDBA%3d%3d,BQY=,BQY%3d", true },
		{ "rfc9440", "Client-Cert", ":AQIDBA==:", false },
		{ "alb", "X-Amzn-Mtls-Clientcert-Leaf",
		    "-----BEGIN%20CERTIFICATE-----%0AAQIDBA==%0A-----END%20CERTIFICATE-----%"
		    "0A",
		    false },
		{ "envoy", "X-Forwarded-Client-Cert",
		    "By=spiffe://a/b;Hash=00ff;Cert=\"" ESCAPED
		    "\";Subject=\"CN=alice,O=\\\"x;y\\\"\";URI=spiffe://a/c;DNS=a;DNS=b",
		    false },
		/* all that set_current_client_cert_details has, in the order of Envoy */
		{ "envoy", "X-Forwarded-Client-Cert",
		    "By=spiffe://a/b;By=http://frontend;Hash=468ed33be74eee6556d90c0149c1309e"
		    "9ba61d6425303443c0748a02dd8de688;Cert=\"" ESCAPED
		    "\";Chain=\"" ESCAPED_CHAIN "\";Subject=\"/C=US/ST=CA/O=a, b; c=d \\\\"
		    "\";URI=http://x/y?z=1;URI=;DNS=a;DNS=b",
		    true },
		{ "envoy", "X-Forwarded-Client-Cert", "CERT=\"" ESCAPED "\"", false },
		{ "envoy", "X-Forwarded-Client-Cert", "Cert=" ESCAPED, false },
		{ "envoy", "X-Forwarded-Client-Cert",
		    "Subject=\"Cert=\\\"x\\\";Cert=y\";Cert=\"" ESCAPED "\"", false },
		{ "envoy", "X-Forwarded-Client-Cert", "Subject=\"\";Cert=\"" ESCAPED "\"",
		    false },
		{ "envoy", "x-forwarded-client-cert",
		    "Hash=00ff;cert=\"" ESCAPED "\";Chain=\"" ESCAPED_CHAIN "\"", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct dlk_header header = { rows[i].name, rows[i].value };
		DLK_AUTO_REQUEST r = { 0 };
		bool odd = strstr(rows[i].value, "%2C");
		if (read_with(rows[i].profile, &header, 1, &r) != DLK_R_OK)
			fail_msg("row %zu is refused", i);
		assert_int_equal(r.evidence_kind, DLK_EVIDENCE_CERTIFICATE);
		assert_int_equal(r.possession, DLK_POSSESSION_TLS_GATEWAY);
		if (!odd && !dlk_bytes_equal(dlk_bytes_of(&r.evidence), dlk_bytes_str(LEAF)))
			fail_msg("row %zu is another certificate", i);
		/* what cannot be decoded goes on as it came, and is malformed */
		if (odd)
			assert_true(dlk_bytes_equal(
			    dlk_bytes_of(&r.evidence), dlk_bytes_str(rows[i].value)));
		if (rows[i].chain != (r.chain.n > 0))
			fail_msg("row %zu: chain of %zu", i, r.chain.n);
	}
}

static void
a_chain_has_its_own_header(void **state)
{
	static const struct dlk_header haproxy[] = { { "X-Client-Cert-Der", "AQIDBA==" },
		{ "X-Client-Chain-Der", "BQY=" } };
	static const struct dlk_header rfc9440[] = { { "Client-Cert", ":AQIDBA==:" },
		{ "Client-Cert-Chain", ":BQ==:, :Bg==:" } };
	DLK_AUTO_REQUEST a = { 0 }, b = { 0 };

	(void)state;
	assert_int_equal(read_with("haproxy", haproxy, 2, &a), DLK_R_OK);
	assert_true(dlk_bytes_equal(dlk_bytes_of(&a.chain), dlk_bytes_str(CHAIN)));
	assert_int_equal(read_with("rfc9440", rfc9440, 2, &b), DLK_R_OK);
	assert_true(dlk_bytes_equal(dlk_bytes_of(&b.chain), dlk_bytes_str(CHAIN)));
}

static void
no_certificate_has_many_spellings(void **state)
{
	static const struct dlk_header rows[][2] = {
		{ { "nginx", NULL }, { "Host", "x" } },
		{ { "nginx", NULL }, { "X-SSL-Client-Cert", "" } },
		{ { "apache", NULL }, { "X-SSL-Client-Cert", "(null)" } },
		{ { "haproxy", NULL }, { "X-Client-Cert-Der", "" } },
		{ { "caddy", NULL },
		    { "X-Client-Cert-Der",
			"{http.request.tls.client.certificate_der_base64}" } },
		{ { "envoy", NULL }, { "X-Forwarded-Client-Cert", "By=spiffe://a;Hash=00" } },
		{ { "envoy", NULL },
		    { "X-Forwarded-Client-Cert", "By=spiffe://a;Hash=00;URI=spiffe://b" } },
		{ { "envoy", NULL }, { "Host", "x" } },
		{ { "traefik", NULL }, { "X-Forwarded-Tls-Client-Cert", "" } },
		{ { "rfc9440", NULL }, { "Client-Cert", "" } },
		{ { "alb", NULL }, { "X-Amzn-Mtls-Clientcert-Leaf", "" } },
		{ { "alb", NULL }, { "X-Amzn-Mtls-Clientcert-Serial-Number", "03" } },
		{ { "traefik", NULL }, { "X-Forwarded-Tls-Client-Cert-Info", "Subject" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		DLK_AUTO_REQUEST r = { 0 };
		assert_int_equal(read_with(rows[i][0].name, &rows[i][1], 1, &r), DLK_R_OK);
		if (r.evidence_kind != DLK_EVIDENCE_NONE ||
		    r.possession != DLK_POSSESSION_NONE)
			fail_msg("row %zu", i);
	}
}

/* "" or another certificate is never what comes out of these. */
static void
what_is_not_its_spelling_is_malformed(void **state)
{
	static const struct dlk_header rows[][2] = {
		{ { "nginx", NULL }, { "X-SSL-Client-Cert", "(null)" } },
		{ { "nginx", NULL }, { "X-SSL-Client-Cert", "%2" } },
		{ { "nginx", NULL }, { "X-SSL-Client-Cert", "AQIDBA%20" } },
		{ { "haproxy", NULL }, { "X-Client-Cert-Der", "AQID BA==" } },
		{ { "haproxy", NULL }, { "X-Client-Cert-Der", ESCAPED } },
		{ { "haproxy", NULL },
		    { "X-Client-Cert-Der",
			"{http.request.tls.client.certificate_der_base64}" } },
		{ { "rfc9440", NULL }, { "Client-Cert", "AQIDBA==" } },
		{ { "rfc9440", NULL }, { "Client-Cert", ":AQIDBA==:;a=1" } },
		{ { "rfc9440", NULL }, { "Client-Cert", ":AQID:, :BA==:" } },
		{ { "rfc9440", NULL }, { "Client-Cert", ":" } },
		{ { "traefik", NULL }, { "X-Forwarded-Tls-Client-Cert", "AQIDBA==," } },
		{ { "envoy", NULL }, { "X-Forwarded-Client-Cert",
					 "Cert=\"" ESCAPED "\",Cert=\"" ESCAPED "\"" } },
		{ { "envoy", NULL }, { "X-Forwarded-Client-Cert",
					 "Cert=\"" ESCAPED "\";Cert=\"" ESCAPED "\"" } },
		{ { "envoy", NULL }, { "X-Forwarded-Client-Cert", "Cert=\"" ESCAPED "\"," } },
		{ { "envoy", NULL }, { "X-Forwarded-Client-Cert", "Cert=\"" ESCAPED } },
		{ { "envoy", NULL }, { "X-Forwarded-Client-Cert", "Cert=\"" ESCAPED "\"x" } },
		{ { "envoy", NULL }, { "X-Forwarded-Client-Cert", "Cert=\"a\\" } },
		{ { "envoy", NULL }, { "X-Forwarded-Client-Cert", "[{\"Cert\":\"x\"}]" } },
		{ { "envoy", NULL }, { "X-Forwarded-Client-Cert", ";" } },
		{ { "envoy", NULL }, { "X-Forwarded-Client-Cert", "{\"Cert\":\"x\"}" } },
		/* APPEND_FORWARD: what a client wrote, and behind it what Envoy saw */
		{ { "envoy", NULL },
		    { "X-Forwarded-Client-Cert",
			"By=spiffe://a;Hash=00,By=spiffe://b;Hash=ff;Cert=\"" ESCAPED "\"" } },
		{ { "envoy", NULL },
		    { "X-Forwarded-Client-Cert", "Cert=\"" ESCAPED "\";cert=" ESCAPED } },
		{ { "envoy", NULL },
		    { "X-Forwarded-Client-Cert",
			"Chain=\"" ESCAPED "\";Chain=\"" ESCAPED "\";Cert=\"" ESCAPED "\"" } },
		{ { "envoy", NULL }, { "X-Forwarded-Client-Cert", "Cert" } },
		{ { "traefik", NULL }, { "X-Forwarded-Tls-Client-Cert", ",AQIDBA==" } },
		{ { "traefik", NULL }, { "X-Forwarded-Tls-Client-Cert", "AQIDBA==,,BQY=" } },
		{ { "traefik", NULL }, { "X-Forwarded-Tls-Client-Cert", "AQIDBA==, BQY=" } },
		{ { "traefik", NULL }, { "X-Forwarded-Tls-Client-Cert", ESCAPED } },
		{ { "rfc9440", NULL }, { "Client-Cert", "\"AQIDBA==\"" } },
		{ { "rfc9440", NULL }, { "Client-Cert", ":AQIDBA:" } },
		{ { "alb", NULL }, { "X-Amzn-Mtls-Clientcert-Leaf", "-----BEGIN%20CERT" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		DLK_AUTO_REQUEST r = { 0 };
		assert_int_equal(read_with(rows[i][0].name, &rows[i][1], 1, &r), DLK_R_OK);
		if (r.evidence_kind != DLK_EVIDENCE_CERTIFICATE || r.chain.n > 0 ||
		    !dlk_bytes_equal(
			dlk_bytes_of(&r.evidence), dlk_bytes_str(rows[i][1].value)))
			fail_msg("row %zu", i);
	}
}

static const char *const profiles[] = { "nginx", "haproxy", "caddy", "traefik", "envoy",
	"apache", "rfc9440", "alb" };
static const char *const known[] = { "X-SSL-Client-Cert", "X-Client-Cert-Der",
	"X-Client-Chain-Der", "X-Forwarded-Tls-Client-Cert", "X-Forwarded-Client-Cert",
	"Client-Cert", "Client-Cert-Chain", "X-Amzn-Mtls-Clientcert",
	"X-Amzn-Mtls-Clientcert-Leaf" };

/* For each profile: exactly the headers that are its own are read, and none of them twice. */
static void
another_gateways_header_is_a_forgery(void **state)
{
	(void)state;
	for (size_t p = 0; p < sizeof(profiles) / sizeof(profiles[0]); p++) {
		size_t own = 0;
		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
			const struct dlk_header twice[] = { { known[k], "" },
				{ known[k], "" } };
			DLK_AUTO_REQUEST a = { 0 }, b = { 0 };
			own += read_with(profiles[p], twice, 1, &a) == DLK_R_OK;
			assert_int_equal(
			    read_with(profiles[p], twice, 2, &b), DLK_R_POSSESSION_UNPROVEN);
		}
		bool chain =
		    strcmp(profiles[p], "haproxy") == 0 || strcmp(profiles[p], "rfc9440") == 0;
		assert_int_equal(own, chain ? 2 : 1);
	}
}

static void
an_underscore_is_a_forgery(void **state)
{
	static const struct dlk_header rows[] = { { "X_SSL_Client_Cert", "AQIDBA==" },
		{ "x-ssl_client-cert", "" }, { "Client_Cert", ":AQIDBA==:" } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		DLK_AUTO_REQUEST r = { 0 };
		assert_int_equal(
		    read_with("nginx", &rows[i], 1, &r), DLK_R_POSSESSION_UNPROVEN);
	}
}

static void
the_source_is_what_the_gateway_saw(void **state)
{
	static const struct {
		const char *profile, *name, *value, *source;
	} rows[] = {
		{ "nginx", "X-Real-IP", "192.0.2.1", "192.0.2.1" },
		{ "nginx", "X-Forwarded-For", "192.0.2.1", "" },
		{ "nginx", "X-Real-IP", "198.51.100.1, 192.0.2.1", "" },
		{ "nginx", "X-Real-IP", "localhost", "" },
		{ "caddy", "X-Forwarded-For", "192.0.2.1", "192.0.2.1" },
		{ "caddy", "X-Real-IP", "192.0.2.1", "" },
		{ "traefik", "X-Forwarded-For", "198.51.100.1, 2001:DB8::1", "2001:db8::1" },
		{ "traefik", "X-Forwarded-For", "192.0.2.1,", "" },
		{ "envoy", "X-Forwarded-For", "unknown,192.0.2.1", "192.0.2.1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct dlk_header header = { rows[i].name, rows[i].value };
		DLK_AUTO_REQUEST r = { 0 };
		assert_int_equal(read_with(rows[i].profile, &header, 1, &r), DLK_R_OK);
		assert_string_equal(r.source, rows[i].source);
	}
}

static void
a_code_comes_one_way_or_the_other(void **state)
{
	static const struct dlk_header basic[] = { { "Authorization",
						       "Basic YWxpY2U6MTIzNDU2" },
		{ "X-Doublelock-Code", "123456" } };
	static const struct dlk_header nameless = { "Authorization", "basic OjEyMzQ1Ng==" };
	static const struct dlk_header bearer = { "Authorization", "Bearer YWxpY2U6MTIzNDU2" };
	static const struct dlk_header bad = { "Authorization", "Basic %%%" };
	DLK_AUTO_REQUEST a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 }, e = { 0 }, f = { 0 };

	(void)state;
	assert_int_equal(read_with("nginx", &basic[0], 1, &a), DLK_R_OK);
	assert_string_equal(a.user, "alice");
	assert_true(a.has_code && a.code.n == 6 && memcmp(a.code.b, "123456", 6) == 0);
	assert_int_equal(read_with("nginx", &basic[1], 1, &b), DLK_R_OK);
	assert_string_equal(b.user, "");
	assert_true(b.has_code && b.code.n == 6);
	assert_int_equal(read_with("nginx", basic, 2, &c), DLK_R_POSSESSION_UNPROVEN);
	assert_int_equal(read_with("nginx", &nameless, 1, &d), DLK_R_OK);
	assert_true(d.has_code && d.user[0] == '\0');
	assert_int_equal(read_with("nginx", &bearer, 1, &e), DLK_R_OK);
	assert_false(e.has_code);
	assert_int_equal(read_with("nginx", &bad, 1, &f), DLK_R_OTP_WRONG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_gateway_has_its_spelling),
		cmocka_unit_test(a_chain_has_its_own_header),
		cmocka_unit_test(no_certificate_has_many_spellings),
		cmocka_unit_test(what_is_not_its_spelling_is_malformed),
		cmocka_unit_test(another_gateways_header_is_a_forgery),
		cmocka_unit_test(an_underscore_is_a_forgery),
		cmocka_unit_test(the_source_is_what_the_gateway_saw),
		cmocka_unit_test(a_code_comes_one_way_or_the_other),
	};
	return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
