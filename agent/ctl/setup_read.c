/* SPDX-License-Identifier: MIT */
/*
 * setup_read.c - looks into the files that the first setup was given: which CAs they are,
 * whose lists, and what the sample says of its owner. All of it in a process without rights;
 * what comes back is counted octets, which root writes to files or shows, and takes for
 * nothing.
 */
#include "setup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "base/account.h"
#include "base/text.h"
#include "core/crl.h"
#include "core/field.h"
#include "core/pem.h"
#include "grounds.h"

#define CERTS_MAX 64

struct reading {
	const struct setup_site *site;
	struct dlk_certs cas, sample;
	size_t n_given; /* of cas; those behind came with the sample, and are trusted for
			   nothing */
	struct dlk_buf *result;
};

static int
put(struct reading *r, enum setup_piece piece, const char *name, struct dlk_bytes what)
{
	size_t n = strlen(name) + 1 + what.n;
	uint8_t head[5] = { (uint8_t)piece };
	int error;

	dlk_put_be32(head + 1, (uint32_t)n);
	error = dlk_buf_add(r->result, SETUP_RESULT_MAX, DLK_BYTES(head, sizeof(head)));
	if (error == 0)
		error = dlk_buf_add(
		    r->result, SETUP_RESULT_MAX, DLK_BYTES(name, strlen(name) + 1));
	if (error == 0)
		error = dlk_buf_add(r->result, SETUP_RESULT_MAX, what);
	return error ? ctl_fault("%s", dlk_file_error(error)) : CTL_YES;
}

static int
put_cert(struct reading *r, enum setup_piece piece, const struct dlk_cert *cert)
{
	DLK_AUTO_BUF pem = { 0 };
	char name[17];

	dlk_text_print(name, sizeof(name), "%.16s", dlk_cert_fingerprint_text(cert));
	if (dlk_pem_certificate(dlk_cert_der(cert), &pem) != 0)
		return ctl_fault("out of memory");
	return put(r, piece, name, dlk_bytes_of(&pem));
}

static bool
is_ca(const struct dlk_cert *cert)
{
	return X509_check_ca(dlk_cert_x509(cert)) == 1;
}

/* ---- certificates of CAs ---- */

static int
refuse_file(const char *label, const struct dlk_finding *finding)
{
	if (finding->reason == DLK_R_FAULT_CONFIG)
		return ctl_refuse("%s", finding->detail);
	return ctl_refuse(
	    "%s: %s: %s", label, dlk_reason_str(finding->reason), finding->detail);
}

static bool
is_known(const struct dlk_certs *certs, const struct dlk_cert *cert)
{
	for (size_t i = 0; i < certs->n; i++)
		if (dlk_bytes_equal(dlk_cert_der(certs->cert[i]), dlk_cert_der(cert)))
			return true;
	return false;
}

static int
read_cas(struct reading *r)
{
	for (size_t i = 0; i < r->site->ca_files.n; i++) {
		const struct ctl_file *file = &r->site->ca_files.file[i];
		struct dlk_finding finding = { 0 };
		size_t before = r->cas.n;

		if (ctl_certs_presented(file, CERTS_MAX, &r->cas, &finding) != DLK_R_OK)
			return refuse_file(file->label, &finding);
		for (size_t j = before; j < r->cas.n; j++)
			if (!is_ca(r->cas.cert[j]))
				return ctl_refuse(
				    "%s: %s is no CA's certificate (it has no CA:TRUE); --ca "
				    "takes those of the CA that issues your users' "
				    "certificates, and of the CAs above it",
				    file->label, dlk_cert_subject(r->cas.cert[j]));
	}
	return CTL_YES;
}

/* Trusted is what was given, and has nothing that was given above it. */
static bool
is_topmost(const struct reading *r, size_t at)
{
	struct dlk_bytes issuer = dlk_cert_issuer_der(r->cas.cert[at]);

	if (at >= r->n_given)
		return false;
	if (dlk_bytes_equal(issuer, dlk_cert_subject_der(r->cas.cert[at])))
		return true;
	for (size_t i = 0; i < r->n_given; i++)
		if (dlk_bytes_equal(issuer, dlk_cert_subject_der(r->cas.cert[i])))
			return false;
	return true;
}

static int
put_cas(struct reading *r)
{
	int end = CTL_YES;

	for (size_t i = 0; i < r->cas.n && end == CTL_YES; i++)
		end = put_cert(r,
		    is_topmost(r, i) ? SETUP_PIECE_ANCHOR : SETUP_PIECE_INTERMEDIATE,
		    r->cas.cert[i]);
	return end;
}

/* ---- lists of revocation ---- */

static const struct dlk_cert *
signer_of(const struct reading *r, const struct dlk_crls *crls, size_t list)
{
	for (size_t i = 0; i < r->cas.n; i++)
		if (dlk_crls_signed_by(crls, list, r->cas.cert[i]))
			return r->cas.cert[i];
	return NULL;
}

static int
refuse_list(const struct reading *r, const char *label, const struct dlk_crl_about *about)
{
	char known[512] = "";

	for (size_t i = 0; i < r->cas.n; i++) {
		size_t n = strlen(known);
		dlk_text_print(known + n, sizeof(known) - n, "%s%s", n ? ", " : "",
		    dlk_cert_subject(r->cas.cert[i]));
	}
	return ctl_refuse("%s: this list is of %s, and none of the CAs that --ca names signed "
			  "it; --crl takes the lists of: %s",
	    label, about->issuer, known);
}

/* The file goes where its first list's CA has one: so the next one takes its place. */
static int
read_list(struct reading *r, size_t at)
{
	const struct ctl_file *file = &r->site->crl_files.file[at];
	struct dlk_finding finding = { 0 };
	struct dlk_crls *crls = NULL;
	char name[64] = "";
	uint8_t number[4];
	int end = CTL_YES;

	if (file->error < 0)
		return ctl_refuse("%s: %s", file->label, dlk_file_error(file->error));
	if (dlk_crls_new(&crls) < 0)
		return ctl_fault("out of memory");
	if (dlk_crls_add_file(crls, dlk_bytes_of(&file->content), file->label, &finding) !=
		DLK_R_OK ||
	    dlk_crls_count(crls) == 0 || dlk_crls_refused(crls) > 0)
		end = ctl_refuse("%s: no list of revocation that can be used: %s", file->label,
		    finding.detail[0] ? finding.detail : "one of several is damaged");
	for (size_t i = 0; i < dlk_crls_count(crls) && end == CTL_YES; i++) {
		const struct dlk_cert *signer = signer_of(r, crls, i);
		struct dlk_crl_about about;

		dlk_crls_describe(crls, i, &about);
		if (!signer)
			end = refuse_list(r, file->label, &about);
		else if (!name[0])
			dlk_text_print(name, sizeof(name), "%.16s%s%s",
			    dlk_cert_fingerprint_text(signer), about.delta ? "-delta" : "",
			    about.partial ? "-part" : "");
	}
	dlk_crls_free(crls);
	dlk_put_be32(number, (uint32_t)at);
	return end == CTL_YES ? put(r, SETUP_PIECE_LIST, name, DLK_BYTES(number, 4)) : end;
}

/* ---- the sample ---- */

/* A chain that came with it: what it needs and nobody named is an intermediate. */
static int
read_sample(struct reading *r)
{
	const struct ctl_file *file = &r->site->sample_file.file[0];
	struct dlk_finding finding = { 0 };
	int end;

	if (ctl_certs_presented(file, CERTS_MAX, &r->sample, &finding) != DLK_R_OK)
		return refuse_file(file->label, &finding);
	if (is_ca(r->sample.cert[0]))
		return ctl_refuse("%s: %s is a CA's certificate; --sample takes the one of "
				  "the first administrator",
		    file->label, dlk_cert_subject(r->sample.cert[0]));
	end = put_cert(r, SETUP_PIECE_SAMPLE, r->sample.cert[0]);
	for (size_t i = 1; i < r->sample.n && end == CTL_YES; i++)
		if (is_ca(r->sample.cert[i]) && !is_known(&r->cas, r->sample.cert[i]) &&
		    dlk_certs_add(&r->cas, dlk_cert_ref(r->sample.cert[i])) < 0)
			end = ctl_fault("out of memory");
	return end;
}

static int
put_line(struct reading *r, const char *what, const char *value)
{
	char line[512];

	dlk_text_print(line, sizeof(line), "    %-12s %s\n", what, value);
	return put(r, SETUP_PIECE_ABOUT, "", dlk_bytes_str(line));
}

static bool
is_plain(struct dlk_bytes value)
{
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] <= ' ' || value.p[i] > '~' || strchr("%;#\"\\", value.p[i]))
			return false;
	return value.n > 0 && value.n < 150;
}

/* The name stands before an @, behind the last /, or is the whole. */
static int
propose(struct reading *r, enum dlk_field field, struct dlk_bytes value)
{
	char text[160], rule[200], own[64], user[64];
	const char *begin = text, *end;
	uid_t uid;

	if (!is_plain(value))
		return CTL_YES;
	dlk_text_print(text, sizeof(text), "%.*s", (int)value.n, (const char *)value.p);
	end = text + value.n;
	if (field == DLK_FIELD_SAN_URI && strrchr(text, '/'))
		begin = strrchr(text, '/') + 1;
	else if (strchr(text, '@'))
		end = strchr(text, '@');
	dlk_text_print(user, sizeof(user), "%.*s", (int)(end - begin), begin);
	if (!dlk_text_is_account(dlk_bytes_str(user)) || strlen(user) != (size_t)(end - begin))
		return CTL_YES;
	dlk_text_print(rule, sizeof(rule), "%s:%.*s%%u%s", dlk_field_str(field),
	    (int)(begin - text), text, end);
	bool known = dlk_account_find(user, own, sizeof(own), &uid) == 0;
	dlk_text_print(text, sizeof(text), "%c%s", known ? '+' : '-', user);
	return put(r, SETUP_PIECE_RULE, rule, dlk_bytes_str(text));
}

struct field_walk {
	struct reading *reading;
	enum dlk_field field;
};

static int
tell_value(struct dlk_bytes value, void *arg)
{
	const struct field_walk *walk = arg;
	char shown[300];
	int end;

	dlk_text_escape(shown, sizeof(shown), value);
	end = put_line(walk->reading, dlk_field_str(walk->field), shown);
	return end == CTL_YES ? propose(walk->reading, walk->field, value) : end;
}

static int
tell_sample(struct reading *r)
{
	static const enum dlk_field fields[] = { DLK_FIELD_SAN_EMAIL, DLK_FIELD_SAN_UPN,
		DLK_FIELD_SAN_URI, DLK_FIELD_SUBJECT_UID, DLK_FIELD_SUBJECT_CN };
	const struct dlk_cert *cert = r->sample.cert[0];
	int end = put_line(r, "subject", dlk_cert_subject(cert));

	if (end == CTL_YES)
		end = put_line(r, "issuer", dlk_cert_issuer(cert));
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && end == CTL_YES; i++) {
		struct field_walk walk = { r, fields[i] };
		end = dlk_field_each(cert, fields[i], tell_value, &walk);
	}
	return end == CTL_YES ? put_line(r, "fingerprint", dlk_cert_fingerprint_text(cert))
			      : end;
}

static int
read_apart(void *arg, struct dlk_buf *result)
{
	struct reading r = { .site = arg, .result = result };

	int end = read_cas(&r);
	r.n_given = r.cas.n;
	if (end == CTL_YES)
		end = read_sample(&r);
	if (end == CTL_YES)
		end = put_cas(&r);
	for (size_t i = 0; i < r.site->crl_files.n && end == CTL_YES; i++)
		end = read_list(&r, i);
	if (end == CTL_YES)
		end = tell_sample(&r);
	dlk_certs_fini(&r.cas);
	dlk_certs_fini(&r.sample);
	return end;
}

int
setup_read(const struct setup_site *site, struct setup_found *found)
{
	struct setup_site given = *site;
	DLK_AUTO_BUF result = { 0 };

	int end = ctl_apart(read_apart, &given, SETUP_RESULT_MAX, &result);
	return end == CTL_YES ? setup_take(site, found, dlk_bytes_of(&result)) : end;
}
