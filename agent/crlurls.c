/* SPDX-License-Identifier: MIT */
/* crlurls.c - a list of URLs, out of a configuration and out of certificates that lead to an
 * anchor. It asks none of them. */
#include "agent/crlurls.h"

#include <errno.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "agent/download.h"
#include "base/text.h"
#include "store/registry.h"

#define USERS_MAX 65536

static bool
is_printable(struct dlk_bytes text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] <= ' ' || text.p[i] >= 0x7f)
			return false;
	return text.n > 0;
}

static bool
name_file(struct dlk_crl_url *url)
{
	uint8_t digest[EVP_MAX_MD_SIZE];

	if (EVP_Digest(url->url, strlen(url->url), digest, NULL, EVP_sha256(), NULL) != 1)
		return false;
	dlk_hex(DLK_BYTES(digest, 16), url->name);
	memcpy(url->name + 32, ".crl", 5);
	return true;
}

static bool
holds(const struct dlk_crl_urls *urls, struct dlk_bytes url)
{
	for (size_t i = 0; i < urls->n; i++)
		if (dlk_bytes_equal(dlk_bytes_str(urls->url[i].url), url))
			return true;
	return false;
}

void
dlk_crl_urls_add(struct dlk_crl_urls *urls, struct dlk_bytes url, bool configured)
{
	struct dlk_crl_url *last = &urls->url[urls->n];

	if (urls->n == DLK_CRL_URLS_MAX || url.n > DLK_CRL_URL_MAX || !is_printable(url) ||
	    holds(urls, url))
		return;
	*last = (struct dlk_crl_url){ .configured = configured };
	memcpy(last->url, url.p, url.n);
	last->refused = !dlk_download_is_web(last->url);
	if (name_file(last))
		urls->n++;
}

static void
add_names(struct dlk_crl_urls *urls, const GENERAL_NAMES *names)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type != GEN_URI)
			continue;
		const ASN1_IA5STRING *uri = name->d.uniformResourceIdentifier;
		dlk_crl_urls_add(urls,
		    DLK_BYTES(ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri)),
		    false);
	}
}

void
dlk_crl_urls_add_cert(struct dlk_crl_urls *urls, const struct dlk_cert *cert)
{
	CRL_DIST_POINTS *points =
	    X509_get_ext_d2i(dlk_cert_x509(cert), NID_crl_distribution_points, NULL, NULL);

	for (int i = 0; points && i < sk_DIST_POINT_num(points); i++) {
		const DIST_POINT *point = sk_DIST_POINT_value(points, i);
		if (point->distpoint && point->distpoint->type == 0)
			add_names(urls, point->distpoint->name.fullname);
	}
	CRL_DIST_POINTS_free(points);
}

struct registered {
	struct dlk_crl_urls *urls;
	const struct dlk_engine *engine;
	int64_t now;
};

/* Whether it leads to an anchor is asked only where it would add something. */
static int
add_registered(const char *name, const struct dlk_certs *certs,
    const struct dlk_finding *finding, void *arg)
{
	const struct registered *r = arg;
	const struct dlk_certs chain = { .cert = certs->cert + 1,
		.n = certs->n > 0 ? certs->n - 1 : 0 };
	DLK_AUTO_PATHS *paths = NULL;
	struct dlk_finding why = { 0 };
	size_t before = r->urls->n;

	(void)name;
	(void)finding;
	if (certs->n == 0)
		return 0;
	dlk_crl_urls_add_cert(r->urls, certs->cert[0]);
	if (r->urls->n > before &&
	    dlk_paths_find(dlk_engine_trust(r->engine), &dlk_engine_policy(r->engine)->path,
		certs->cert[0], &chain, r->now, &paths, &why) != DLK_R_OK)
		r->urls->n = before;
	return 0;
}

static int
add_all_registered(struct registered *r, const struct dlk_care *care)
{
	static const char *const any[] = { "", NULL };
	const char *certificates = dlk_engine_settings(r->engine)->certificates;
	struct dlk_finding finding;
	DLK_AUTO_FD dir = -1;
	char **names;
	size_t n;
	int error = dlk_dir_open(certificates, care, &dir);

	if (error == 0)
		error = dlk_dir_list(dir, any, USERS_MAX, &names, &n);
	if (error < 0)
		return error == -ENOENT ? 0 : error;
	for (size_t i = 0; i < n && r->urls->n < DLK_CRL_URLS_MAX; i++) {
		int one = dlk_registry_each(
		    certificates, names[i], care, add_registered, r, &finding);
		error = error ? error : one;
	}
	dlk_names_free(names, n);
	return error;
}

int
dlk_crl_urls_collect(
    struct dlk_crl_urls *urls, const struct dlk_engine *engine, uid_t owner, int64_t now)
{
	const struct dlk_settings *s = dlk_engine_settings(engine);
	const struct dlk_trust *trust = dlk_engine_trust(engine);
	const struct dlk_care care = { .owned = true, .owner = owner };
	struct registered registered = { urls, engine, now };
	const struct dlk_cert *ca;

	urls->n = 0;
	if (s->policy.revocation.mode == DLK_REVOCATION_OFF)
		return 0;
	for (size_t i = 0; i < s->crl_urls.n; i++)
		dlk_crl_urls_add(urls, dlk_bytes_str(s->crl_urls.text[i]), true);
	if (!s->crl_fetch)
		return 0;
	for (size_t i = 0; (ca = dlk_trust_ca_at(trust, i)); i++)
		dlk_crl_urls_add_cert(urls, ca);
	return add_all_registered(&registered, &care);
}
