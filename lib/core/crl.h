/* SPDX-License-Identifier: MIT */
/*
 * crl.h - certificate revocation lists (RFC 5280 section 5), held in a set and searched by
 * revoked.c. Adding reads strictly; who signed a list is judged where it is used. A set
 * remembers which signatures held: it is used by one thread at a time.
 */
#ifndef DLK_CORE_CRL_H
#define DLK_CORE_CRL_H

#include "core/octets.h"
#include "model/verdict.h"

struct dlk_cert;
struct dlk_crls;
int dlk_crls_new(struct dlk_crls **ret_crls);
void dlk_crls_free(struct dlk_crls *crls);
/* A file: PEM with any number of X509 CRLs, or one DER. `label` (copied) is the name for
 * details. DLK_R_OK, or why nothing of the file can be used; a list of several that cannot be
 * used is refused as by dlk_crls_refuse(). */
enum dlk_reason dlk_crls_add_file(struct dlk_crls *crls, struct dlk_bytes content,
    const char *label, struct dlk_finding *finding);
/* The same, read as a stream: memory grows with the entries, not with the file. An error of
 * the source is fault-internal and its number in *ret_error. */
enum dlk_reason dlk_crls_add_stream(struct dlk_crls *crls,
    const struct dlk_octet_source *source, const char *label, int *ret_error,
    struct dlk_finding *finding);

/* A list that was compiled before (crlimage.h), lying in octets that somebody else keeps. */
struct dlk_crl_image {
	struct dlk_bytes octets;
	void (*release)(void *ctx); /* when the set is freed; may be NULL */
	/* Compiles the same list anew, because the octets turned out to be damaged where they
	 * were searched: 0 and memory for free(). May be NULL. */
	int (*again)(void *ctx, uint8_t **ret_octets, size_t *ret_n);
	void *ctx;
};
/* `image` is copied. Where this is not DLK_R_OK, nothing was taken and nothing is released. */
enum dlk_reason dlk_crls_add_image(struct dlk_crls *crls, const struct dlk_crl_image *image,
    const char *label, struct dlk_finding *finding);
/* A file that is there and cannot be used: a path that its issuer might have covered is
 * refused with these words where no other list covers it. `words` is copied. */
int dlk_crls_refuse(struct dlk_crls *crls, const char *label, const char *words);
/* Moves all lists and refusals of `from` behind those of `to`. 0 or -ENOMEM, nothing moved. */
int dlk_crls_move(struct dlk_crls *from, struct dlk_crls *to);
size_t dlk_crls_count(const struct dlk_crls *crls);

/* What is known of a list without asking who signed it. Borrowed from the set. */
struct dlk_crl_about {
	const char *label;
	const char *issuer; /* RFC 4514, escaped */
	const char *number; /* hexadecimal, "" without one */
	int64_t this_update, next_update;
	uint64_t entries;
	bool delta, indirect;
	bool partial;   /* an issuing distribution point narrows what it covers */
	bool authority; /* it has an authorityKeyIdentifier */
};
void dlk_crls_describe(const struct dlk_crls *crls, size_t i, struct dlk_crl_about *ret_about);
/* Whether this certificate's name and key made the list (and may: cRLSign). */
bool dlk_crls_signed_by(const struct dlk_crls *crls, size_t i, const struct dlk_cert *cert);
/* Whether the lists of a file that was fetched may take the place of those that are held: for
 * each of these there is one of the same issuer and scope that is not older. DLK_R_OK, or
 * revocation-unknown with words. */
enum dlk_reason dlk_crls_may_replace(
    const struct dlk_crls *fresh, const struct dlk_crls *held, struct dlk_finding *finding);
/* No list that is held, of whatever file, is newer than one of the same issuer and scope that
 * was fetched. DLK_R_OK, or revocation-unknown with words. */
enum dlk_reason dlk_crls_are_newest(
    const struct dlk_crls *fresh, const struct dlk_crls *held, struct dlk_finding *finding);
/* Files that cannot be used. */
size_t dlk_crls_refused(const struct dlk_crls *crls);
void dlk_crls_refusal(
    const struct dlk_crls *crls, size_t i, const char **ret_label, const char **ret_words);

#endif
