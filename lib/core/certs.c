/* SPDX-License-Identifier: MIT */
/* certs.c - lists of certificates: as a request carries them, and as files hold them. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "core/cert.h"
#include "core/der.h"
#include "core/known.h"

void
dlk_certs_fini(struct dlk_certs *certs)
{
	for (size_t i = 0; i < certs->n; i++)
		dlk_cert_free(certs->cert[i]);
	free(certs->cert);
	*certs = (struct dlk_certs){ 0 };
}

int
dlk_certs_add(struct dlk_certs *certs, struct dlk_cert *cert)
{
	struct dlk_cert **more = reallocarray(certs->cert, certs->n + 1, sizeof(*more));

	if (!more) {
		dlk_cert_free(cert);
		return -ENOMEM;
	}
	certs->cert = more;
	more[certs->n++] = cert;
	return 0;
}

enum dlk_reason
dlk_certs_parse(struct dlk_bytes der, struct dlk_certs *certs, struct dlk_finding *finding)
{
	struct dlk_cert *cert = certs->known ? dlk_known_cert(certs->known, der) : NULL;
	enum dlk_reason reason = cert ? DLK_R_OK : dlk_cert_parse(der, &cert, finding);

	if (reason == DLK_R_OK && dlk_certs_add(certs, cert) != 0)
		reason =
		    dlk_find(finding, DLK_STAGE_PARSE, DLK_R_FAULT_INTERNAL, "out of memory");
	return reason;
}

enum dlk_reason
dlk_certs_parse_chain(
    struct dlk_bytes der, size_t most, struct dlk_certs *certs, struct dlk_finding *finding)
{
	enum dlk_reason reason = DLK_R_OK;

	for (size_t i = 0; der.n > 0 && reason == DLK_R_OK; i++) {
		struct dlk_bytes whole;
		uint8_t tag;

		if (i == most || !dlk_der_take(&der, &tag, &whole, NULL))
			return dlk_find(finding, DLK_STAGE_PARSE, DLK_R_CERTIFICATE_MALFORMED,
			    "the chain has more than %zu certificates, or octets that are "
			    "none",
			    most);
		reason = dlk_certs_parse(whole, certs, finding);
		/* sound but of no use: it leads nowhere and hides no other one */
		if (reason == DLK_R_WEAK_KEY || reason == DLK_R_UNKNOWN_CRITICAL_EXTENSION)
			reason = DLK_R_OK;
	}
	return reason;
}

/* What a file has brought so far. */
struct file {
	size_t found, most;
	int bad;
	struct dlk_certs *certs;
	struct dlk_finding *finding;
};

static int
take(struct file *file, struct dlk_bytes der)
{
	struct dlk_finding mine = { 0 };
	enum dlk_reason reason;

	if (file->found++ == file->most)
		reason = dlk_find(&mine, DLK_STAGE_PARSE, DLK_R_CERTIFICATE_MALFORMED,
		    "more than %zu certificates in one file", file->most);
	else
		reason = dlk_certs_parse(der, file->certs, &mine);
	if (reason == DLK_R_FAULT_INTERNAL)
		return -ENOMEM;
	if (reason != DLK_R_OK && file->bad++ == 0 && file->finding)
		*file->finding = mine;
	return 0;
}

/* PEM_read_bio stops at a block that is damaged as it stops at the end. */
static void
tell_damage(struct file *file)
{
	unsigned long error = ERR_peek_last_error();

	ERR_clear_error();
	if (ERR_GET_REASON(error) == PEM_R_NO_START_LINE || file->found > file->most)
		return;
	file->found++;
	if (file->bad++ == 0)
		dlk_find(file->finding, DLK_STAGE_PARSE, DLK_R_CERTIFICATE_MALFORMED,
		    "a block of PEM is damaged; what follows it was not read");
}

static int
take_pem(struct file *file, BIO *bio)
{
	char *name = NULL, *header = NULL;
	uint8_t *der = NULL;
	int error = 0;
	long n = 0;

	ERR_clear_error();
	while (error == 0 && file->found <= file->most &&
	       PEM_read_bio(bio, &name, &header, &der, &n) == 1) {
		if (strcmp(name, PEM_STRING_X509) == 0 ||
		    strcmp(name, PEM_STRING_X509_OLD) == 0)
			error = take(file, DLK_BYTES(der, (size_t)n));
		else if (strcmp(name, PEM_STRING_X509_TRUSTED) == 0)
			error = take(file, DLK_BYTES("", 0)); /* says more than it shows */
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	if (error == 0)
		tell_damage(file);
	return error;
}

int
dlk_certs_parse_file(struct dlk_bytes content, size_t most, struct dlk_certs *certs,
    struct dlk_finding *finding)
{
	struct file file = { .most = most, .certs = certs, .finding = finding };
	int error = 0;

	if (content.n > 0 && content.p[0] == DLK_DER_SEQUENCE) {
		error = take(&file, content);
	} else if (content.n > 0 && content.n <= INT_MAX) {
		BIO *bio = BIO_new_mem_buf(content.p, (int)content.n);

		error = bio ? take_pem(&file, bio) : -ENOMEM;
		BIO_free(bio);
	}
	if (error != 0)
		return error;
	if (file.found == 0)
		dlk_find(finding, DLK_STAGE_PARSE, DLK_R_CERTIFICATE_MALFORMED,
		    "no certificate in it, neither PEM (-----BEGIN CERTIFICATE-----) nor DER");
	return file.bad;
}
