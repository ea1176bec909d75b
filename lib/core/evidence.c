/* SPDX-License-Identifier: MIT */
/*
 * evidence.c - from what an entrance has collected to certificates that may be judged: one
 * that came with the request, those that are registered for the key that sshd saw, or the
 * chain inside that key. Which of them is any good is not known here.
 */
#include "core/evidence.h"

#include <errno.h>

#include "core/carrier.h"
#include "core/der.h"
#include "core/digest.h"
#include "core/sshsig.h"
#include "core/sshx509.h"

#define PRESENTED_MAX 16 /* certificates beside the leaf */

struct evidence {
	const struct dlk_policy *policy;
	const struct dlk_ports *ports;
	const struct dlk_caller *caller;
	const struct dlk_request *request;
	int64_t now;
	struct dlk_kept *kept;
	struct dlk_finding *finding;
};

static enum dlk_reason
refuse(const struct evidence *e, enum dlk_reason reason, const char *words)
{
	return dlk_find(e->finding, DLK_STAGE_PARSE, reason, "%s", words);
}

/* The user's registered certificates whose key is the one that sshd saw. */
static enum dlk_reason
registered(const struct evidence *e, const struct dlk_sshkey *shown, struct dlk_certs *leaves)
{
	DLK_AUTO_CERTS all = { .known = e->ports->known };

	if (e->request->account_known &&
	    e->ports->registered(e->ports->ctx, e->request->user, &all) != 0)
		return refuse(e, DLK_R_FAULT_CONFIG, e->ports->trouble(e->ports->ctx));
	for (size_t i = 0; i < all.n; i++) {
		DLK_AUTO_SSHKEY own = { 0 };

		if (dlk_sshkey_of_cert(all.cert[i], &own, NULL) != DLK_R_OK ||
		    !dlk_sshkey_equal(&own, shown))
			continue;
		if (dlk_certs_add(leaves, dlk_cert_ref(all.cert[i])) != 0)
			return refuse(e, DLK_R_FAULT_INTERNAL, "out of memory");
	}
	if (leaves->n == 0)
		return refuse(e, DLK_R_NO_CERTIFICATE,
		    "no certificate with the key that was used is registered for the user");
	return DLK_R_OK;
}

/* The first certificate is to be judged, the others are for its path. */
static enum dlk_reason
divide(const struct evidence *e, struct dlk_bytes chain, struct dlk_certs *leaves,
    struct dlk_certs *presented)
{
	struct dlk_bytes first;
	uint8_t tag;

	if (chain.n == 0)
		return refuse(e, DLK_R_NO_CERTIFICATE, "the carried chain is empty");
	if (!dlk_der_take(&chain, &tag, &first, NULL))
		return refuse(e, DLK_R_CERTIFICATE_MALFORMED,
		    "what the chain begins with is no certificate");
	enum dlk_reason reason = dlk_certs_parse(first, leaves, e->finding);
	if (reason != DLK_R_OK)
		return reason;
	return dlk_certs_parse_chain(chain, PRESENTED_MAX, presented, e->finding);
}

/* The chain that came inside the key: its leaf has to be of that key. */
static enum dlk_reason
carried(const struct evidence *e, const struct dlk_sshkey *shown, struct dlk_certs *leaves,
    struct dlk_certs *presented)
{
	DLK_AUTO_CARRIED carrier = { .key = { .type = "" } };
	DLK_AUTO_SSHKEY own = { .type = "" };
	enum dlk_reason reason = dlk_carrier_parse(shown, &carrier, e->finding);

	if (reason == DLK_R_OK)
		reason = divide(e, dlk_bytes_of(&carrier.chain), leaves, presented);
	if (reason == DLK_R_OK)
		reason = dlk_sshkey_of_cert(leaves->cert[0], &own, e->finding);
	if (reason != DLK_R_OK)
		return reason;
	if (!dlk_sshkey_equal(&own, &carrier.key))
		return refuse(e, DLK_R_POSSESSION_UNPROVEN,
		    "the carried certificate is of another key than the one that was used");
	return DLK_R_OK;
}

/* The key that sshd has seen used is itself a chain (RFC 6187). */
static enum dlk_reason
named(const struct evidence *e, const struct dlk_sshkey *shown, struct dlk_certs *leaves,
    struct dlk_certs *presented)
{
	DLK_AUTO_BUF chain = { 0 };
	enum dlk_reason reason = dlk_sshx509_parse(shown, &chain, e->finding);

	if (reason == DLK_R_OK)
		reason = divide(e, dlk_bytes_of(&chain), leaves, presented);
	return reason == DLK_R_OK ? dlk_sshx509_check(shown, leaves->cert[0], e->finding)
				  : reason;
}

/* A key that brings its certificate along. */
static enum dlk_reason
brought(const struct evidence *e, const struct dlk_sshkey *shown, struct dlk_certs *leaves,
    struct dlk_certs *presented)
{
	if (e->policy->carried_refused)
		return refuse(e, DLK_R_NO_CERTIFICATE,
		    "a certificate that is carried in the key is not taken: [certificates] "
		    "carried=no");
	return dlk_sshx509_is(shown) ? named(e, shown, leaves, presented)
				     : carried(e, shown, leaves, presented);
}

/* A security key is here the plain key that a certificate can have. */
static enum dlk_reason
read_ssh_key(const struct evidence *e, struct dlk_sshkey *ret_shown)
{
	struct dlk_bytes evidence = dlk_bytes_of(&e->request->evidence);
	DLK_AUTO_BUF application = { 0 };

	if (e->request->evidence_kind == DLK_EVIDENCE_SSH_KEY)
		return dlk_sshkey_parse(evidence, ret_shown, e->finding);
	if (e->request->evidence_kind == DLK_EVIDENCE_SSH_AUTH_INFO)
		return dlk_sshkey_parse_auth_info(evidence, ret_shown, e->finding);
	return dlk_sshsig_shown(evidence, ret_shown, &application, e->finding);
}

static enum dlk_reason
by_ssh_key(const struct evidence *e, struct dlk_certs *leaves, struct dlk_certs *presented)
{
	DLK_AUTO_SSHKEY shown = { 0 };
	enum dlk_reason reason = read_ssh_key(e, &shown);

	if (reason != DLK_R_OK)
		return reason;
	return dlk_sshx509_is(&shown) || dlk_carrier_is(&shown)
		   ? brought(e, &shown, leaves, presented)
		   : registered(e, &shown, leaves);
}

static enum dlk_reason
sent(const struct evidence *e, const struct dlk_buf *certificate, const struct dlk_buf *chain,
    struct dlk_certs *leaves, struct dlk_certs *presented)
{
	enum dlk_reason reason =
	    dlk_certs_parse(dlk_bytes_of(certificate), leaves, e->finding);

	if (reason != DLK_R_OK)
		return reason;
	return dlk_certs_parse_chain(
	    dlk_bytes_of(chain), PRESENTED_MAX, presented, e->finding);
}

/* The first call of this gateway brought the certificate, the second one only names it. */
static enum dlk_reason
kept(const struct evidence *e, struct dlk_certs *leaves, struct dlk_certs *presented)
{
	uint8_t digest[DLK_DIGEST_SIZE];
	int error = e->ports->kept(e->ports->ctx, e->caller, e->request, e->now, e->kept);

	if (error == -ENOENT)
		return refuse(e, DLK_R_NO_CERTIFICATE,
		    "no certificate was kept for this call: none came within the last minute "
		    "from this address, or it was used");
	if (error != 0)
		return refuse(e, DLK_R_FAULT_STORE, e->ports->trouble(e->ports->ctx));
	if (dlk_digest_plain(dlk_bytes_of(&e->kept->certificate), digest) != 0)
		return refuse(e, DLK_R_FAULT_INTERNAL, "out of memory");
	if (!dlk_bytes_equal(
		DLK_BYTES(digest, sizeof(digest)), dlk_bytes_of(&e->request->evidence)))
		return refuse(e, DLK_R_FAULT_STORE, "another certificate was kept");
	return sent(e, &e->kept->certificate, &e->kept->chain, leaves, presented);
}

static enum dlk_reason
collect(const struct evidence *e, struct dlk_certs *leaves, struct dlk_certs *presented)
{
	switch (e->request->evidence_kind) {
	case DLK_EVIDENCE_NONE:
		return refuse(e, DLK_R_NO_CERTIFICATE, "no certificate was presented");
	case DLK_EVIDENCE_TEXT: /* the agent's door reads it; nobody else is asked with it */
		return refuse(e, DLK_R_CERTIFICATE_MALFORMED, "the certificate is text");
	case DLK_EVIDENCE_SSH_AUTH_INFO:
	case DLK_EVIDENCE_SSH_KEY:
	case DLK_EVIDENCE_SSH_BLOB:
		return by_ssh_key(e, leaves, presented);
	case DLK_EVIDENCE_CERTIFICATE:
		return sent(e, &e->request->evidence, &e->request->chain, leaves, presented);
	case DLK_EVIDENCE_KEPT:
		return kept(e, leaves, presented);
	}
	return DLK_R_UNDECIDED;
}

enum dlk_reason
dlk_evidence_read(const struct dlk_policy *policy, const struct dlk_ports *ports,
    const struct dlk_caller *caller, const struct dlk_request *request, int64_t now,
    struct dlk_certs *leaves, struct dlk_certs *presented, struct dlk_kept *ret_kept,
    struct dlk_finding *finding)
{
	const struct evidence e = { policy, ports, caller, request, now, ret_kept, finding };

	return collect(&e, leaves, presented);
}
