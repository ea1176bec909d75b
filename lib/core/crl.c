/* SPDX-License-Identifier: MIT */
/*
 * crl.c - keeps revocation lists, compiled, and searches one. Whether to believe a list and
 * whether it covers a certificate is for revoked.c.
 */
#include "core/crl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/crlfile.h"
#include "core/crlset.h"
#include "core/der.h"

int
dlk_crls_new(struct dlk_crls **ret_crls)
{
	struct dlk_crls *crls = calloc(1, sizeof(*crls));

	if (!crls)
		return -ENOMEM;
	*ret_crls = crls;
	return 0;
}

void
dlk_crl_free(struct dlk_crl *crl)
{
	if (!crl)
		return;
	if (crl->kept.release)
		crl->kept.release(crl->kept.ctx);
	ISSUING_DIST_POINT_free(crl->idp);
	X509_NAME_free(crl->issuer);
	dlk_buf_free(&crl->signed_part);
	free(crl->number_text);
	free(crl->issuer_text);
	free(crl->label);
	free(crl->own);
	free(crl);
}

void
dlk_crls_free(struct dlk_crls *crls)
{
	if (!crls)
		return;
	for (size_t i = 0; i < crls->n; i++)
		dlk_crl_free(crls->crl[i]);
	for (size_t i = 0; i < crls->n_refusals; i++) {
		free(crls->refusal[i].label);
		free(crls->refusal[i].words);
	}
	free(crls->crl);
	free(crls->refusal);
	free(crls);
}

size_t
dlk_crls_count(const struct dlk_crls *crls)
{
	return crls->n;
}

int
dlk_crls_refuse(struct dlk_crls *crls, const char *label, const char *words)
{
	struct dlk_crl_refusal *grown =
	    realloc(crls->refusal, (crls->n_refusals + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	crls->refusal = grown;
	grown += crls->n_refusals;
	*grown = (struct dlk_crl_refusal){ .label = strdup(label), .words = strdup(words) };
	if (!grown->label || !grown->words) {
		free(grown->label);
		free(grown->words);
		return -ENOMEM;
	}
	crls->n_refusals++;
	return 0;
}

int
dlk_crls_move(struct dlk_crls *from, struct dlk_crls *to)
{
	size_t n = to->n + from->n, n_refusals = to->n_refusals + from->n_refusals;
	struct dlk_crl **crl = realloc(to->crl, (n + 1) * sizeof(struct dlk_crl *));

	if (!crl)
		return -ENOMEM;
	to->crl = crl;
	struct dlk_crl_refusal *refusal =
	    realloc(to->refusal, (n_refusals + 1) * sizeof(*refusal));
	if (!refusal)
		return -ENOMEM;
	to->refusal = refusal;
	for (size_t i = 0; i < from->n; i++)
		crl[to->n + i] = from->crl[i];
	for (size_t i = 0; i < from->n_refusals; i++)
		refusal[to->n_refusals + i] = from->refusal[i];
	to->n = n;
	to->n_refusals = n_refusals;
	from->n = from->n_refusals = 0;
	return 0;
}

static enum dlk_reason
no_memory(struct dlk_finding *finding)
{
	return dlk_find(finding, DLK_STAGE_REVOKED, DLK_R_FAULT_INTERNAL, "out of memory");
}

static enum dlk_reason
broken(struct dlk_finding *finding, const char *label, const char *rule)
{
	return dlk_find(
	    finding, DLK_STAGE_REVOKED, DLK_R_REVOCATION_UNKNOWN, "%s: %s", label, rule);
}

/* crl->image is open; takes the list where this is DLK_R_OK. */
static enum dlk_reason
take(
    struct dlk_crls *crls, struct dlk_crl *crl, const char *label, struct dlk_finding *finding)
{
	struct dlk_crl **grown = realloc(crls->crl, (crls->n + 1) * sizeof(struct dlk_crl *));
	const char *rule;

	if (!grown)
		return no_memory(finding);
	crls->crl = grown;
	crl->label = strdup(label);
	if (!crl->label)
		return no_memory(finding);
	rule = dlk_crl_read(crl);
	if (rule)
		return broken(finding, label, rule);
	crls->crl[crls->n++] = crl;
	return DLK_R_OK;
}

enum dlk_reason
dlk_crls_add_image(struct dlk_crls *crls, const struct dlk_crl_image *image, const char *label,
    struct dlk_finding *finding)
{
	struct dlk_crl *crl = calloc(1, sizeof(*crl));
	enum dlk_reason reason;

	if (!crl)
		return no_memory(finding);
	if (dlk_crlimage_open(image->octets, &crl->image) < 0 || crl->image.digest.n == 0)
		reason = broken(finding, label, "the compiled list is damaged");
	else
		reason = take(crls, crl, label, finding);
	if (reason == DLK_R_OK)
		crl->kept = *image;
	else
		dlk_crl_free(crl);
	return reason;
}

static enum dlk_reason
compile(struct dlk_crls *crls, struct dlk_crl *crl, const struct dlk_octet_source *source,
    const char *label, int *error, struct dlk_finding *finding)
{
	struct dlk_octets_grown memory = { 0 };
	const struct dlk_octet_target target = dlk_octets_target(&memory);
	const char *rule = NULL;
	uint64_t size;
	int r = dlk_crlimage_compile(source, &target, &crl->signed_part, &size, &rule);

	crl->own = memory.p;
	if (r == -EBADMSG)
		return broken(finding, label, rule);
	if (r == 0)
		r = dlk_crlimage_open(DLK_BYTES(memory.p, memory.n), &crl->image);
	if (r < 0) {
		*error = r;
		return dlk_find(finding, DLK_STAGE_REVOKED, DLK_R_FAULT_INTERNAL,
		    "%s: it could not be read to its end", label);
	}
	return take(crls, crl, label, finding);
}

static enum dlk_reason
add_one(struct dlk_crls *crls, const struct dlk_octet_source *source, const char *label,
    int *error, struct dlk_finding *finding)
{
	struct dlk_crl *crl = calloc(1, sizeof(*crl));
	enum dlk_reason reason;

	if (!crl)
		return no_memory(finding);
	reason = compile(crls, crl, source, label, error, finding);
	if (reason != DLK_R_OK)
		dlk_crl_free(crl);
	return reason;
}

/* Lists that cannot be used are refused one by one, unless there is none beside them. */
static enum dlk_reason
add_each(struct dlk_crls *crls, struct dlk_crlfile *file, const char *label, int *error,
    struct dlk_finding *finding)
{
	struct dlk_finding wrong = { 0 };
	struct dlk_octet_source one;
	size_t before = crls->n;

	while ((*error = dlk_crlfile_next(file, &one)) == 1) {
		struct dlk_finding this = { 0 };
		enum dlk_reason reason = add_one(crls, &one, label, error, &this);
		if (reason == DLK_R_OK)
			continue;
		if (reason == DLK_R_REVOCATION_UNKNOWN && wrong.reason == DLK_R_UNDECIDED) {
			wrong = this;
			continue;
		}
		if (reason == DLK_R_REVOCATION_UNKNOWN)
			continue;
		return dlk_find(finding, DLK_STAGE_REVOKED, reason, "%s", this.detail);
	}
	if (*error < 0)
		return dlk_find(finding, DLK_STAGE_REVOKED, DLK_R_FAULT_INTERNAL,
		    "%s: it could not be read to its end", label);
	if (crls->n == before)
		return wrong.reason != DLK_R_UNDECIDED
			   ? dlk_find(
				 finding, DLK_STAGE_REVOKED, wrong.reason, "%s", wrong.detail)
			   : broken(finding, label, "there is no X.509 CRL in it");
	if (wrong.reason != DLK_R_UNDECIDED && dlk_crls_refuse(crls, label, wrong.detail) < 0)
		return no_memory(finding);
	return DLK_R_OK;
}

enum dlk_reason
dlk_crls_add_stream(struct dlk_crls *crls, const struct dlk_octet_source *source,
    const char *label, int *ret_error, struct dlk_finding *finding)
{
	DLK_AUTO_CRLFILE *file = NULL;

	*ret_error = dlk_crlfile_new(source, &file);
	if (*ret_error < 0)
		return no_memory(finding);
	return add_each(crls, file, label, ret_error, finding);
}

enum dlk_reason
dlk_crls_add_file(struct dlk_crls *crls, struct dlk_bytes content, const char *label,
    struct dlk_finding *finding)
{
	struct dlk_octets_left left = { .left = content };
	const struct dlk_octet_source source = dlk_octets_source(&left);
	int error;

	return dlk_crls_add_stream(crls, &source, label, &error, finding);
}

static bool
verify(const struct dlk_crl *crl, const struct dlk_cert *signer)
{
	struct dlk_bytes what =
	    crl->algorithm.digest ? crl->image.digest : dlk_bytes_of(&crl->signed_part);

	return what.n > 0 && dlk_sigalg_holds(&crl->algorithm, dlk_cert_key(signer), what,
				 crl->image.signature);
}

bool
dlk_crl_holds(struct dlk_crl *crl, const struct dlk_cert *signer)
{
	const uint8_t *key_id = dlk_cert_key_id(signer);

	for (size_t i = 0; i < crl->n_known; i++)
		if (memcmp(crl->known[i].key_id, key_id, DLK_SHA256_SIZE) == 0)
			return crl->known[i].held;
	bool held = verify(crl, signer);
	/* the newest answer takes the last place where all are taken */
	size_t at = crl->n_known < DLK_CRL_KEYS_KNOWN ? crl->n_known++ : crl->n_known - 1;
	memcpy(crl->known[at].key_id, key_id, DLK_SHA256_SIZE);
	crl->known[at].held = held;
	return held;
}

/* The image was damaged where it was searched: the same list, compiled anew. */
static bool
renew(struct dlk_crl *crl)
{
	struct dlk_crlimage fresh;
	uint8_t *octets;
	size_t n;

	if (crl->renewed || !crl->kept.again ||
	    crl->kept.again(crl->kept.ctx, &octets, &n) < 0)
		return false;
	crl->renewed = true;
	if (dlk_crlimage_open(DLK_BYTES(octets, n), &fresh) < 0 ||
	    !dlk_bytes_equal(fresh.digest, crl->image.digest) ||
	    !dlk_bytes_equal(fresh.signature, crl->image.signature)) {
		free(octets);
		return false;
	}
	/* number and scope still lie in the old octets, which are kept until the end */
	crl->own = octets;
	crl->image = fresh;
	return true;
}

static int
find(
    struct dlk_crl *crl, unsigned issuer, struct dlk_bytes serial, struct dlk_crl_hit *ret_hit)
{
	int r = dlk_crlimage_find(&crl->image, issuer, serial, ret_hit);

	if (r < 0 && renew(crl))
		r = dlk_crlimage_find(&crl->image, issuer, serial, ret_hit);
	return r;
}

static bool
same_name(struct dlk_bytes der, X509_NAME *name)
{
	const uint8_t *at = der.p;
	X509_NAME *other = d2i_X509_NAME(NULL, &at, (long)der.n);
	bool same = other && X509_NAME_cmp(other, name) == 0;

	X509_NAME_free(other);
	return same;
}

int
dlk_crl_find(struct dlk_crl *crl, X509_NAME *issuer, struct dlk_bytes serial,
    struct dlk_crl_hit *ret_hit)
{
	struct dlk_bytes names = crl->image.names, name;
	uint8_t tag;
	int r = X509_NAME_cmp(crl->issuer, issuer) == 0 ? find(crl, 0, serial, ret_hit) : 0;

	/* one name may stand there in several spellings */
	for (unsigned i = 1; r == 0 && dlk_der_take(&names, &tag, &name, NULL); i++)
		if (same_name(name, issuer))
			r = find(crl, i, serial, ret_hit);
	return r;
}

void
dlk_crls_describe(const struct dlk_crls *crls, size_t i, struct dlk_crl_about *ret_about)
{
	const struct dlk_crl *crl = crls->crl[i];

	*ret_about = (struct dlk_crl_about){ .label = crl->label,
		.issuer = crl->issuer_text,
		.number = crl->number_text,
		.this_update = crl->image.this_update,
		.next_update = crl->image.next_update,
		.entries = crl->image.entries,
		.delta = dlk_crl_is_delta(crl),
		.indirect = dlk_crl_is_indirect(crl),
		.partial = crl->idp != NULL,
		.authority = crl->authority };
}

static bool
is_followed(const struct dlk_crl *held, const struct dlk_crls *fresh)
{
	for (size_t i = 0; i < fresh->n; i++) {
		const struct dlk_crl *crl = fresh->crl[i];
		if (dlk_crl_is_delta(crl) == dlk_crl_is_delta(held) &&
		    dlk_crl_is_kin(crl, held) && !dlk_crl_is_newer(held, crl))
			return true;
	}
	return false;
}

enum dlk_reason
dlk_crls_may_replace(
    const struct dlk_crls *fresh, const struct dlk_crls *held, struct dlk_finding *finding)
{
	for (size_t i = 0; i < held->n; i++) {
		const struct dlk_crl *crl = held->crl[i];
		if (!is_followed(crl, fresh))
			return dlk_find(finding, DLK_STAGE_REVOKED, DLK_R_REVOCATION_UNKNOWN,
			    "the CRL of %s that is held%s%s is newer than what was fetched, "
			    "or is "
			    "not in it; the held one stays",
			    crl->issuer_text, crl->number.given ? ", number " : "",
			    crl->number_text);
	}
	return DLK_R_OK;
}

static const struct dlk_crl *
find_newer(const struct dlk_crl *crl, const struct dlk_crls *held)
{
	for (size_t i = 0; i < held->n; i++)
		if (dlk_crl_is_delta(held->crl[i]) == dlk_crl_is_delta(crl) &&
		    dlk_crl_is_kin(held->crl[i], crl) && dlk_crl_is_newer(held->crl[i], crl))
			return held->crl[i];
	return NULL;
}

enum dlk_reason
dlk_crls_are_newest(
    const struct dlk_crls *fresh, const struct dlk_crls *held, struct dlk_finding *finding)
{
	for (size_t i = 0; i < fresh->n; i++) {
		const struct dlk_crl *newer = find_newer(fresh->crl[i], held);
		if (newer)
			return dlk_find(finding, DLK_STAGE_REVOKED, DLK_R_REVOCATION_UNKNOWN,
			    "the CRL of %s is older than the one in %s; the held one stays",
			    newer->issuer_text, newer->label);
	}
	return DLK_R_OK;
}

size_t
dlk_crls_refused(const struct dlk_crls *crls)
{
	return crls->n_refusals;
}

void
dlk_crls_refusal(
    const struct dlk_crls *crls, size_t i, const char **ret_label, const char **ret_words)
{
	*ret_label = crls->refusal[i].label;
	*ret_words = crls->refusal[i].words;
}
