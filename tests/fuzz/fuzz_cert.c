/* SPDX-License-Identifier: MIT */
/*
 * Any octets as certificates, DER one after another or a PEM file: what is read is exactly
 * what was given, what is refused is explained, and the first one is judged under the last.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "core/path.h"
#include "core/points.h"

#define MOST 16
#define NOW  INT64_C(1577836800) /* when the certificates of PKITS hold */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool held)
{
	if (!held)
		abort();
}

static void
must_explain(enum dlk_reason reason, const struct dlk_finding *finding)
{
	must(reason != DLK_R_UNDECIDED && finding->reason == reason && finding->detail[0]);
	for (const char *c = finding->detail; *c; c++)
		must(*c >= 0x20 && *c < 0x7f);
}

static void
take_point(struct dlk_bytes uri, void *arg)
{
	size_t *octets = arg;

	for (size_t i = 0; i < uri.n; i++)
		*octets += uri.p[i] > 0;
}

/* OpenSSL writes again what was read: nothing was passed over. */
static void
must_be_whole(const struct dlk_cert *cert)
{
	struct dlk_bytes der = dlk_cert_der(cert);
	uint8_t *again = NULL;
	size_t octets = 0;
	int n = i2d_X509(dlk_cert_x509(cert), &again);

	must(n > 0 && dlk_bytes_equal(DLK_BYTES(again, (size_t)n), der));
	OPENSSL_free(again);
	must(dlk_cert_key(cert) && dlk_cert_label(cert)[0] && dlk_cert_serial(cert).n > 0);
	must(dlk_cert_serial(cert).n <= DLK_SERIAL_MAX);
	dlk_cert_points(cert, take_point, &octets);
}

/* The last one is the anchor, the first the leaf, all are at hand. */
static void
judge(const struct dlk_certs *certs, const struct dlk_path_rules *rules)
{
	struct dlk_trust *trust = NULL;
	struct dlk_finding finding = { 0 };
	DLK_AUTO_PATHS *paths = NULL;

	must(dlk_trust_new(&trust) == 0);
	must(dlk_trust_add_anchor(trust, 0, certs->cert[certs->n - 1]) == 0);
	enum dlk_reason reason =
	    dlk_paths_find(trust, rules, certs->cert[0], certs, NOW, &paths, &finding);
	if (reason != DLK_R_OK)
		must_explain(reason, &finding);
	for (size_t i = 0; i < dlk_paths_count(paths); i++) {
		const struct dlk_path *path = dlk_paths_at(paths, i);

		must(path->n >= 2 && path->sets == 1 && path->cert[0] == certs->cert[0]);
		must(path->good_until >= NOW);
	}
	dlk_trust_free(trust);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct dlk_path_rules strict, loose = {
		.min_rsa_bits = 1024, .any_purpose = true, .trust_anchors_blindly = true
	};
	struct dlk_finding finding = { 0 };
	DLK_AUTO_CERTS certs = { 0 };

	if (size > 0 && data[0] == 0x30) {
		enum dlk_reason reason =
		    dlk_certs_parse_chain(DLK_BYTES(data, size), MOST, &certs, &finding);
		if (reason != DLK_R_OK)
			must_explain(reason, &finding);
	} else if (dlk_certs_parse_file(DLK_BYTES(data, size), MOST, &certs, &finding) > 0) {
		must_explain(finding.reason, &finding);
	}
	for (size_t i = 0; i < certs.n; i++)
		must_be_whole(certs.cert[i]);
	if (certs.n > 0) {
		judge(&certs, &strict);
		judge(&certs, &loose);
	}
	return 0;
}
