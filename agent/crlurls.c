/* SPDX-License-Identifier: MIT */
/* crlurls.c - a list of URLs, out of a configuration and out of certificates that lead to an
 * anchor. It asks none of them. */
#include "agent/crlurls.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>

#include "base/text.h"
#include "core/points.h"
#include "store/registry.h"
#include "store/wanted.h"

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

/* http or https, without a user's name; whoever asks looks more closely. */
static bool
is_web(const char *url)
{
	size_t n = strncasecmp(url, "http://", 7) == 0 ? 7 : 8;

	if (n == 8 && strncasecmp(url, "https://", 8) != 0)
		return false;
	size_t host = strcspn(url + n, "/?#");
	return host > 0 && !memchr(url + n, '@', host);
}

void
dlk_crl_urls_add(
    struct dlk_crl_urls *urls, struct dlk_bytes url, const char *issuer, bool configured)
{
	struct dlk_crl_url *last = &urls->url[urls->n];

	if (urls->n == DLK_CRL_URLS_MAX || url.n > DLK_CRL_URL_MAX || !is_printable(url) ||
	    holds(urls, url))
		return;
	*last = (struct dlk_crl_url){ .configured = configured };
	memcpy(last->url, url.p, url.n);
	dlk_text_print(last->issuer, sizeof(last->issuer), "%s", issuer);
	last->refused = !is_web(last->url);
	if (name_file(last))
		urls->n++;
}

struct named {
	struct dlk_crl_urls *urls;
	const char *issuer;
};

static void
add_point(struct dlk_bytes url, void *arg)
{
	const struct named *named = arg;

	dlk_crl_urls_add(named->urls, url, named->issuer, false);
}

void
dlk_crl_urls_add_cert(struct dlk_crl_urls *urls, const struct dlk_cert *cert)
{
	struct named named = { urls, dlk_cert_issuer(cert) };

	dlk_cert_points(cert, add_point, &named);
}

static bool
knows(const struct dlk_certs *certs, const struct dlk_cert *cert)
{
	for (size_t i = 0; i < certs->n; i++)
		if (dlk_bytes_equal(dlk_cert_der(certs->cert[i]), dlk_cert_der(cert)))
			return true;
	return false;
}

static void
add_signer(struct dlk_crl_urls *urls, const struct dlk_cert *cert)
{
	if (!knows(&urls->signers, cert))
		(void)dlk_certs_add(&urls->signers, dlk_cert_ref(cert));
}

struct registered {
	struct dlk_crl_urls *urls;
	const struct dlk_engine *engine;
	int64_t now;
};

/* CAs that come with a certificate are nobody's but its own. */
static void
add_path(struct dlk_crl_urls *urls, const struct dlk_path *path)
{
	for (size_t i = 1; i + 1 < path->n; i++) {
		dlk_crl_urls_add_cert(urls, path->cert[i]);
		add_signer(urls, path->cert[i]);
	}
}

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
	if (r->urls->n == before)
		return 0;
	if (dlk_paths_find(dlk_engine_trust(r->engine), &dlk_engine_policy(r->engine)->path,
		certs->cert[0], &chain, r->now, &paths, &why) != DLK_R_OK) {
		r->urls->n = before;
		return 0;
	}
	for (size_t i = 0; i < dlk_paths_count(paths); i++)
		add_path(r->urls, dlk_paths_at(paths, i));
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

static int
add_wanted(const struct dlk_wanted *wanted, void *arg)
{
	struct dlk_crl_urls *urls = arg;

	dlk_crl_urls_add(urls, dlk_bytes_str(wanted->url), wanted->name, false);
	if (wanted->row > urls->latest)
		urls->latest = wanted->row;
	if (wanted->issuer)
		add_signer(urls, wanted->issuer);
	return 0;
}

/* A record that cannot be read is told of by whoever needs it for an answer. */
static void
add_all_wanted(struct dlk_crl_urls *urls, const struct dlk_settings *settings)
{
	struct dlk_finding ignored = { 0 };
	DLK_AUTO_RECORD *record = NULL;

	if (dlk_record_open(settings->store, NULL, &record, &ignored) == 0)
		(void)dlk_wanted_each(record, add_wanted, urls);
}

bool
dlk_crl_urls_signed(const struct dlk_crl_urls *urls, const struct dlk_trust *trust,
    const struct dlk_crls *crls, size_t i)
{
	const struct dlk_cert *ca;

	for (size_t n = 0; (ca = dlk_trust_ca_at(trust, n)); n++)
		if (dlk_crls_signed_by(crls, i, ca))
			return true;
	for (size_t n = 0; n < urls->signers.n; n++)
		if (dlk_crls_signed_by(crls, i, urls->signers.cert[n]))
			return true;
	return false;
}

static void
add_freshest(struct dlk_crl_urls *urls, const struct dlk_engine *engine)
{
	const struct dlk_crls *crls = dlk_engine_crls(engine);
	struct dlk_crl_about about;

	for (size_t i = 0; i < dlk_crls_count(crls); i++) {
		dlk_crls_describe(crls, i, &about);
		struct named named = { urls, about.issuer };
		if (!about.delta &&
		    dlk_crl_urls_signed(urls, dlk_engine_trust(engine), crls, i))
			dlk_crls_points(crls, i, add_point, &named);
	}
}

void
dlk_crl_urls_fini(struct dlk_crl_urls *urls)
{
	dlk_certs_fini(&urls->signers);
	urls->n = 0;
	urls->latest = 0;
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

	dlk_crl_urls_fini(urls);
	if (s->policy.revocation.mode == DLK_REVOCATION_OFF)
		return 0;
	for (size_t i = 0; i < s->crl_urls.n; i++)
		dlk_crl_urls_add(urls, dlk_bytes_str(s->crl_urls.text[i]), "", true);
	if (!s->crl_fetch)
		return 0;
	for (size_t i = 0; (ca = dlk_trust_ca_at(trust, i)); i++)
		dlk_crl_urls_add_cert(urls, ca);
	int error = add_all_registered(&registered, &care);
	add_all_wanted(urls, s);
	add_freshest(urls, engine);
	return error;
}
