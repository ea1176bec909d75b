/* SPDX-License-Identifier: MIT */
/* path.c - paths by OpenSSL's verification with an explicit time. */
#include "core/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

struct dlk_trust {
	struct dlk_certs anchors, intermediates;
	unsigned *set;
};

int
dlk_trust_new(struct dlk_trust **ret_trust)
{
	*ret_trust = calloc(1, sizeof(**ret_trust));
	return *ret_trust ? 0 : -ENOMEM;
}

void
dlk_trust_free(struct dlk_trust *trust)
{
	if (!trust)
		return;
	dlk_certs_fini(&trust->anchors);
	dlk_certs_fini(&trust->intermediates);
	free(trust->set);
	free(trust);
}

int
dlk_trust_add_anchor(struct dlk_trust *trust, unsigned set, struct dlk_cert *cert)
{
	unsigned *more;

	if (set >= DLK_TRUST_SETS_MAX)
		return -EINVAL;
	more = reallocarray(trust->set, trust->anchors.n + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	trust->set = more;
	more[trust->anchors.n] = set;
	return dlk_certs_add(&trust->anchors, dlk_cert_ref(cert));
}

int
dlk_trust_add_intermediate(struct dlk_trust *trust, struct dlk_cert *cert)
{
	return dlk_certs_add(&trust->intermediates, dlk_cert_ref(cert));
}

size_t
dlk_trust_anchors(const struct dlk_trust *trust)
{
	return trust->anchors.n;
}

const struct dlk_cert *
dlk_trust_anchor_at(const struct dlk_trust *trust, size_t i)
{
	return i < trust->anchors.n ? trust->anchors.cert[i] : NULL;
}

const struct dlk_cert *
dlk_trust_intermediate_at(const struct dlk_trust *trust, size_t i)
{
	return i < trust->intermediates.n ? trust->intermediates.cert[i] : NULL;
}

struct dlk_paths {
	struct dlk_path path;
	struct dlk_certs held;
};

static enum dlk_reason
reason_of(int error)
{
	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return DLK_R_CERTIFICATE_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return DLK_R_CERTIFICATE_NOT_YET_VALID;
	case X509_V_ERR_INVALID_PURPOSE:
	case X509_V_ERR_INVALID_CA:
		return DLK_R_WRONG_PURPOSE;
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		return DLK_R_BAD_SIGNATURE;
	case X509_V_ERR_PATH_LENGTH_EXCEEDED:
	case X509_V_ERR_CERT_CHAIN_TOO_LONG:
		return DLK_R_PATH_TOO_LONG;
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
		return DLK_R_WEAK_KEY;
	case X509_V_ERR_PERMITTED_VIOLATION:
	case X509_V_ERR_EXCLUDED_VIOLATION:
		return DLK_R_NAME_CONSTRAINT;
	case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
		return DLK_R_UNKNOWN_CRITICAL_EXTENSION;
	default:
		return DLK_R_UNTRUSTED_ISSUER;
	}
}

static struct dlk_cert *
find_cert(const struct dlk_trust *trust, const struct dlk_cert *leaf,
    const struct dlk_certs *presented, X509 *x)
{
	const struct dlk_certs *lists[] = { &trust->anchors, &trust->intermediates,
		presented };

	if (X509_cmp(dlk_cert_x509(leaf), x) == 0)
		return dlk_cert_ref(leaf);
	for (size_t l = 0; l < 3; l++)
		for (size_t i = 0; i < lists[l]->n; i++)
			if (X509_cmp(dlk_cert_x509(lists[l]->cert[i]), x) == 0)
				return dlk_cert_ref(lists[l]->cert[i]);
	return NULL;
}

static enum dlk_reason
keep(const struct dlk_trust *trust, const struct dlk_cert *leaf,
    const struct dlk_certs *presented, X509_STORE_CTX *ctx, struct dlk_paths **ret_paths)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
	struct dlk_paths *paths = calloc(1, sizeof(*paths));

	if (!paths || sk_X509_num(chain) > DLK_PATH_MAX) {
		free(paths);
		return DLK_R_FAULT_INTERNAL;
	}
	paths->path.good_until = INT64_MAX;
	for (int i = 0; i < sk_X509_num(chain); i++) {
		struct dlk_cert *c =
		    find_cert(trust, leaf, presented, sk_X509_value(chain, i));

		if (!c || dlk_certs_add(&paths->held, c) != 0) {
			dlk_paths_free(paths);
			return DLK_R_FAULT_INTERNAL;
		}
		paths->path.cert[paths->path.n++] = c;
		if (dlk_cert_not_after(c) < paths->path.good_until)
			paths->path.good_until = dlk_cert_not_after(c);
		for (size_t a = 0; a < trust->anchors.n; a++)
			if (memcmp(dlk_cert_key_id(trust->anchors.cert[a]), dlk_cert_key_id(c),
				DLK_SHA256_SIZE) == 0)
				paths->path.sets |= UINT64_C(1) << trust->set[a];
	}
	*ret_paths = paths;
	return DLK_R_OK;
}

enum dlk_reason
dlk_paths_find(const struct dlk_trust *trust, const struct dlk_path_rules *rules,
    const struct dlk_cert *leaf, const struct dlk_certs *presented, int64_t now,
    struct dlk_paths **ret_paths, struct dlk_finding *finding)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *more = sk_X509_new_null();
	X509_VERIFY_PARAM *param;
	enum dlk_reason reason = DLK_R_FAULT_INTERNAL;

	for (size_t i = 0; i < trust->anchors.n; i++)
		X509_STORE_add_cert(store, dlk_cert_x509(trust->anchors.cert[i]));
	for (size_t i = 0; i < trust->intermediates.n; i++)
		sk_X509_push(more, dlk_cert_x509(trust->intermediates.cert[i]));
	for (size_t i = 0; i < presented->n; i++)
		sk_X509_push(more, dlk_cert_x509(presented->cert[i]));
	if (X509_STORE_CTX_init(ctx, store, dlk_cert_x509(leaf), more) == 1) {
		param = X509_STORE_CTX_get0_param(ctx);
		X509_VERIFY_PARAM_set_time(param, (time_t)now);
		X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
		X509_VERIFY_PARAM_set_auth_level(param, 2);
		X509_VERIFY_PARAM_set_depth(
		    param, (int)(rules->max_depth ? rules->max_depth : 8));
		if (!rules->crl_signer)
			X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_CLIENT);
		if (X509_verify_cert(ctx) == 1)
			reason = keep(trust, leaf, presented, ctx, ret_paths);
		else
			reason = reason_of(X509_STORE_CTX_get_error(ctx));
		if (reason != DLK_R_OK)
			dlk_find(finding, DLK_STAGE_PATH, reason, "%s: %s",
			    dlk_cert_label(leaf),
			    X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	}
	sk_X509_free(more);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return reason;
}

size_t
dlk_paths_count(const struct dlk_paths *paths)
{
	return paths ? 1 : 0;
}

const struct dlk_path *
dlk_paths_at(const struct dlk_paths *paths, size_t i)
{
	return i == 0 ? &paths->path : NULL;
}

void
dlk_paths_free(struct dlk_paths *paths)
{
	if (!paths)
		return;
	dlk_certs_fini(&paths->held);
	free(paths);
}

void
dlk_paths_cleanup(struct dlk_paths **paths)
{
	dlk_paths_free(*paths);
}
