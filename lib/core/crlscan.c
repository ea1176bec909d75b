/* SPDX-License-Identifier: MIT */
/*
 * crlscan.c - reads a CRL front to back through a window of fixed size and digests what is
 * signed on the way. It knows no signer, no certificate and no file.
 */
#include "core/crlscan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/derstream.h"
#include "core/sigalg.h"

#define ENTRY_MOST ((size_t)16 * 1024)

struct scan {
	struct dlk_derstream in;
	const struct dlk_crl_sink *sink;
	struct dlk_crl_parts *parts;
	const char *rule;
	bool v2;
	uint8_t day[6];   /* digits of the last date that was read */
	int64_t midnight; /* when that day began */
};

void
dlk_crl_parts_fini(struct dlk_crl_parts *parts)
{
	dlk_buf_free(&parts->issuer);
	dlk_buf_free(&parts->algorithm);
	dlk_buf_free(&parts->extensions);
	dlk_buf_free(&parts->signature);
	dlk_buf_free(&parts->signed_part);
}

static int
refuse(struct scan *s, const char *rule)
{
	s->rule = rule;
	return -EBADMSG;
}

static uint64_t
place(const struct scan *s)
{
	return dlk_derstream_place(&s->in);
}

/* What does not come as it has to breaks the rule. */
static int
enter(struct scan *s, uint8_t tag, uint64_t *ret_end, const char *rule)
{
	s->rule = rule;
	return dlk_derstream_enter(&s->in, tag, ret_end);
}

static int
take(struct scan *s, uint8_t *ret_tag, struct dlk_bytes *ret_whole,
    struct dlk_bytes *ret_content, const char *rule)
{
	s->rule = rule;
	return dlk_derstream_take(&s->in, ret_tag, ret_whole, ret_content);
}

static int
keep(struct scan *s, uint8_t tag, bool whole, struct dlk_buf *buf, const char *rule)
{
	struct dlk_bytes with_head, content;
	uint8_t found;
	int r = take(s, &found, &with_head, &content, rule);

	if (r < 0)
		return r;
	if (found != tag || content.n == 0 || !dlk_der_strict(with_head))
		return refuse(s, rule);
	return dlk_buf_add(buf, DLK_DER_PART_MOST, whole ? with_head : content);
}

static int
read_version(struct scan *s)
{
	static const char rule[] = "the version is not v2 (RFC 5280 section 5.1.2.1)";
	struct dlk_bytes whole, content;
	uint8_t tag;

	if (!dlk_derstream_next_is(&s->in, DLK_DER_INTEGER))
		return 0;
	int r = take(s, &tag, &whole, &content, rule);
	if (r < 0)
		return r;
	if (content.n != 1 || content.p[0] != 1)
		return refuse(s, rule);
	s->v2 = true;
	return 0;
}

/* From here on it is known with which digest the signed part has to be digested. */
static int
read_algorithm(struct scan *s)
{
	struct dlk_sigalg algorithm;
	int r = keep(s, DLK_DER_SEQUENCE, true, &s->parts->algorithm,
	    "the signature algorithm is not an AlgorithmIdentifier (RFC 5280 section "
	    "5.1.1.2)");

	if (r < 0)
		return r;
	if (!dlk_sigalg_read(
		dlk_bytes_of(&s->parts->algorithm), DLK_SIGALG_SHA256, &algorithm))
		return refuse(s,
		    "it is signed with an algorithm that is not accepted: SHA-256 "
		    "or better is (RFC 5280 section 5.1.1.2)");
	return algorithm.digest ? dlk_derstream_digest_with(&s->in, algorithm.digest) : 0;
}

static int
read_time(struct scan *s, int64_t *ret_time, const char *rule)
{
	struct dlk_bytes whole, content;
	uint8_t tag;
	int r = take(s, &tag, &whole, &content, rule);

	if (r < 0)
		return r;
	return dlk_der_time(tag, content, ret_time) ? 0 : refuse(s, rule);
}

static int
read_dates(struct scan *s)
{
	int r = read_time(
	    s, &s->parts->this_update, "thisUpdate is not a time (RFC 5280 section 5.1.2.4)");

	if (r < 0)
		return r;
	r = read_time(s, &s->parts->next_update,
	    "nextUpdate is missing or not a time (RFC 5280 section 5.1.2.5)");
	if (r < 0)
		return r;
	if (s->parts->next_update < s->parts->this_update)
		return refuse(s, "nextUpdate is before thisUpdate (RFC 5280 section 5.1.2.5)");
	return 0;
}

/* The one directoryName of GeneralNames. */
static bool
name_of_issuer(struct dlk_bytes value, struct dlk_bytes *ret_name)
{
	struct dlk_bytes names, content;
	size_t found = 0;
	uint8_t tag;

	if (!dlk_der_strict(value) || !dlk_der_expect(&value, DLK_DER_SEQUENCE, &names) ||
	    value.n > 0)
		return false;
	while (names.n > 0) {
		if (!dlk_der_take(&names, &tag, NULL, &content))
			return false;
		if (tag != 0xa4)
			continue;
		*ret_name = content;
		found++;
	}
	return found == 1 && ret_name->n > 2;
}

static bool
reason_of(struct dlk_bytes value, uint8_t *ret_reason)
{
	struct dlk_bytes code;

	if (!dlk_der_expect(&value, DLK_DER_ENUMERATED, &code) || code.n != 1 || value.n > 0)
		return false;
	/* a reason from the future is a revocation without a reason */
	*ret_reason = code.p[0] <= 10 ? code.p[0] : DLK_CRL_REASON_NONE;
	return true;
}

static bool
is_invalidity_date(struct dlk_bytes value)
{
	struct dlk_bytes text;
	int64_t date;

	return dlk_der_expect(&value, DLK_DER_GENERALIZED_TIME, &text) && value.n == 0 &&
	       dlk_der_time(DLK_DER_GENERALIZED_TIME, text, &date);
}

#define OID_IS(o, last)                                                                       \
	((o).n == 3 && (o).p[0] == 0x55 && (o).p[1] == 0x1d && (o).p[2] == (last))

static int
read_entry_extension(
    struct scan *s, const struct dlk_der_extension *ext, struct dlk_crl_entry *entry)
{
	if (OID_IS(ext->oid, 21))
		return reason_of(ext->value, &entry->reason)
			   ? 0
			   : refuse(s, "a reasonCode is malformed (RFC 5280 section 5.3.1)");
	if (OID_IS(ext->oid, 29)) {
		s->parts->entry_issuers = true;
		return name_of_issuer(ext->value, &entry->issuer)
			   ? 0
			   : refuse(s,
				 "a certificateIssuer does not name one issuer (RFC 5280 "
				 "section 5.3.3)");
	}
	/* invalidityDate says nothing that a judgement uses, but its form is known */
	if (OID_IS(ext->oid, 24))
		return is_invalidity_date(ext->value)
			   ? 0
			   : refuse(
				 s, "an invalidityDate is malformed (RFC 5280 section 5.3.2)");
	return ext->critical ? refuse(s, "an entry has a critical extension that is not "
					 "understood (RFC 5280 section 5.3)")
			     : 0;
}

static int
read_entry_extensions(struct scan *s, struct dlk_bytes rest, struct dlk_crl_entry *entry)
{
	static const char rule[] =
	    "the extensions of an entry are malformed (RFC 5280 section 5.3)";
	struct dlk_der_extension ext;
	struct dlk_bytes list;
	int r = 0;

	if (!s->v2)
		return refuse(
		    s, "entries have extensions in a v1 list (RFC 5280 section 5.1.2.1)");
	if (!dlk_der_expect(&rest, DLK_DER_SEQUENCE, &list) || rest.n > 0 ||
	    !dlk_der_extensions_ok(list))
		return refuse(s, rule);
	while (r == 0 && dlk_der_extension(&list, &ext))
		r = read_entry_extension(s, &ext, entry);
	return r;
}

static int
read_entry(struct scan *s, struct dlk_bytes content, struct dlk_crl_entry *entry)
{
	struct dlk_bytes date;
	uint8_t tag;

	if (!dlk_der_expect(&content, DLK_DER_INTEGER, &entry->serial) ||
	    !dlk_der_integer_ok(entry->serial))
		return refuse(s,
		    "the serial number of an entry is malformed (RFC 5280 section 5.1.2.6)");
	if (!dlk_der_take(&content, &tag, NULL, &date) ||
	    !dlk_der_time(tag, date, &entry->date))
		return refuse(
		    s, "the date of an entry is not a time (RFC 5280 section 5.1.2.6)");
	return content.n == 0 ? 0 : read_entry_extensions(s, content, entry);
}

/* Two digits, or 100. */
static inline unsigned
two(const uint8_t *p)
{
	unsigned high = (unsigned)p[0] - '0', low = (unsigned)p[1] - '0';

	return high > 9 || low > 9 ? 100 : high * 10 + low;
}

/* UTCTime; most entries are of the same day as the one before. */
static bool
plain_date(struct scan *s, const uint8_t *p, int64_t *ret_date)
{
	if (memcmp(p, s->day, sizeof(s->day)) == 0) {
		unsigned hour = two(p + 6), minute = two(p + 8), second = two(p + 10);
		*ret_date = s->midnight + hour * 3600 + minute * 60 + second;
		return hour < 24 && minute < 60 && second < 60 && p[12] == 'Z';
	}
	if (!dlk_der_time(DLK_DER_UTC_TIME, DLK_BYTES(p, 13), ret_date))
		return false;
	memcpy(s->day, p, sizeof(s->day));
	s->midnight = *ret_date - (int64_t)(two(p + 6) * 3600 + two(p + 8) * 60 + two(p + 10));
	return true;
}

/* The form that nearly all entries have, read without a detour: short lengths, UTCTime, no
 * extension or a reasonCode alone. False for any other, which read_entry() judges. */
static bool
plain_entry(struct scan *s, struct dlk_bytes ahead, struct dlk_crl_entry *entry, size_t *ret_n)
{
	static const uint8_t reason[] = { 0x30, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x15,
		0x04, 0x03, 0x0a, 0x01 };
	const uint8_t *p = ahead.p;

	if (ahead.n < 130 || p[0] != DLK_DER_SEQUENCE || p[1] >= 0x80 ||
	    p[2] != DLK_DER_INTEGER || p[3] >= 0x80 || p[3] == 0)
		return false;
	size_t n = (size_t)2 + p[1], dated = (size_t)4 + p[3];
	entry->serial = DLK_BYTES(p + 4, p[3]);
	if (dated + 15 > n || p[dated] != DLK_DER_UTC_TIME || p[dated + 1] != 13 ||
	    (p[3] > 1 && (p[4] == 0x00 || p[4] == 0xff) &&
		!dlk_der_integer_ok(entry->serial)) ||
	    !plain_date(s, p + dated + 2, &entry->date))
		return false;
	*ret_n = n;
	p += dated + 15;
	n -= dated + 15;
	if (n == 0)
		return true;
	entry->reason = p[sizeof(reason)];
	return n == sizeof(reason) + 1 && s->v2 && memcmp(p, reason, sizeof(reason)) == 0 &&
	       entry->reason <= 10;
}

/* Takes one entry off the front of what is in the window. */
static int
next_entry(struct scan *s, struct dlk_bytes *ahead, struct dlk_crl_entry *entry)
{
	struct dlk_bytes rest = *ahead, content;
	size_t n;

	if (plain_entry(s, *ahead, entry, &n)) {
		*ahead = DLK_BYTES(ahead->p + n, ahead->n - n);
		return 0;
	}
	*entry = (struct dlk_crl_entry){ 0 };
	if (!dlk_der_expect(&rest, DLK_DER_SEQUENCE, &content) ||
	    ahead->n - rest.n > ENTRY_MOST)
		return refuse(s, "an entry is malformed (RFC 5280 section 5.1.2.6)");
	*ahead = rest;
	return read_entry(s, content, entry);
}

/* Entries that are in the window together are handed on together. */
static int
read_some(struct scan *s, uint64_t end)
{
	struct dlk_crl_entry entry[DLK_CRL_ENTRIES];
	struct dlk_bytes ahead;
	size_t n = 0, before;
	int r = dlk_derstream_look(&s->in, ENTRY_MOST, &ahead);

	while (r == 0 && n < DLK_CRL_ENTRIES && place(s) < end &&
	       (n == 0 || ahead.n >= ENTRY_MOST)) {
		before = ahead.n;
		entry[n] = (struct dlk_crl_entry){ 0 };
		r = next_entry(s, &ahead, &entry[n++]);
		s->in.at += before - ahead.n;
	}
	s->parts->entries += n;
	return r < 0 ? r : s->sink->entries(s->sink->ctx, entry, n);
}

static int
read_entries(struct scan *s, uint64_t end)
{
	int r = 0;

	while (r == 0 && place(s) < end)
		r = read_some(s, end);
	if (r == 0 && place(s) != end)
		r = refuse(s, "revokedCertificates is malformed (RFC 5280 section 5.1.2.6)");
	return r;
}

static int
read_list(struct scan *s, uint64_t signed_end)
{
	static const char rule[] =
	    "revokedCertificates is empty or malformed (RFC 5280 section 5.1.2.6)";
	uint64_t end;

	if (place(s) == signed_end || !dlk_derstream_next_is(&s->in, DLK_DER_SEQUENCE))
		return s->sink->begin(s->sink->ctx, 0);
	int r = enter(s, DLK_DER_SEQUENCE, &end, rule);
	if (r < 0)
		return r;
	if (end == place(s) || end > signed_end)
		return refuse(s, rule);
	r = s->sink->begin(s->sink->ctx, (size_t)(end - place(s)));
	return r < 0 ? r : read_entries(s, end);
}

static int
read_extensions(struct scan *s, uint64_t signed_end)
{
	static const char rule[] = "its extensions are malformed (RFC 5280 section 5.2)";
	struct dlk_bytes all, list;
	struct dlk_buf *kept = &s->parts->extensions;

	if (place(s) == signed_end)
		return 0;
	if (!s->v2)
		return refuse(s, "it has extensions and is v1 (RFC 5280 section 5.1.2.1)");
	int r = keep(s, DLK_DER_CONTEXT_0, false, kept, rule);
	if (r < 0)
		return r;
	all = dlk_bytes_of(kept);
	if (!dlk_der_expect(&all, DLK_DER_SEQUENCE, &list) || all.n > 0 ||
	    !dlk_der_extensions_ok(list))
		return refuse(s, rule);
	memmove(kept->p, list.p, list.n);
	kept->n = list.n;
	return 0;
}

/* The signed part is over: its digest, or all of it where the message itself is signed. */
static int
keep_signed(struct scan *s)
{
	int r = dlk_derstream_recorded(&s->in, s->parts->digest, &s->parts->digest_n);

	if (r == 0 && s->parts->digest_n == 0) {
		s->parts->signed_part = s->in.message;
		s->in.message = (struct dlk_buf){ 0 };
	}
	return r;
}

static int
read_signed(struct scan *s)
{
	uint64_t end;
	int r;

	dlk_derstream_record(&s->in);
	r = enter(
	    s, DLK_DER_SEQUENCE, &end, "tbsCertList is malformed (RFC 5280 section 5.1.2)");
	if (r == 0)
		r = read_version(s);
	if (r == 0)
		r = read_algorithm(s);
	if (r == 0)
		r = keep(s, DLK_DER_SEQUENCE, true, &s->parts->issuer,
		    "the issuer is empty or not a Name (RFC 5280 section 5.1.2.3)");
	if (r == 0)
		r = read_dates(s);
	if (r == 0)
		r = read_list(s, end);
	if (r == 0)
		r = read_extensions(s, end);
	if (r == 0 && place(s) != end)
		r = refuse(
		    s, "tbsCertList has more in it than it may (RFC 5280 section 5.1.2)");
	return r < 0 ? r : keep_signed(s);
}

static int
read_signature(struct scan *s)
{
	static const char rule[] = "the signature is malformed (RFC 5280 section 5.1.1.3)";
	struct dlk_bytes whole, content;
	uint8_t tag;
	int r = take(s, &tag, &whole, &content, rule);

	if (r < 0)
		return r;
	if (!dlk_bytes_equal(whole, dlk_bytes_of(&s->parts->algorithm)))
		return refuse(s,
		    "it names two different signature algorithms (RFC 5280 section "
		    "5.1.1.2)");
	r = take(s, &tag, &whole, &content, rule);
	if (r < 0)
		return r;
	if (tag != DLK_DER_BIT_STRING || content.n < 2 || content.p[0] != 0)
		return refuse(s, rule);
	return dlk_buf_add(
	    &s->parts->signature, DLK_DER_PART_MOST, DLK_BYTES(content.p + 1, content.n - 1));
}

static int
read_whole(struct scan *s)
{
	struct dlk_bytes ahead;
	uint64_t end;
	int r = enter(s, DLK_DER_SEQUENCE, &end,
	    "it is not a DER CertificateList (RFC 5280 section "
	    "5.1)");

	if (r == 0)
		r = read_signed(s);
	if (r == 0)
		r = read_signature(s);
	if (r == 0 && place(s) != end)
		r = refuse(
		    s, "CertificateList has more in it than it may (RFC 5280 section 5.1)");
	if (r == 0)
		r = dlk_derstream_look(&s->in, 1, &ahead);
	if (r == 0 && ahead.n > 0)
		r = refuse(s, "octets stand behind the list");
	return r;
}

int
dlk_crl_scan(const struct dlk_octet_source *source, const struct dlk_crl_sink *sink,
    struct dlk_crl_parts *ret_parts, const char **ret_rule)
{
	DLK_AUTO_CRL_PARTS parts = { 0 };
	struct scan s = { .sink = sink, .parts = &parts };
	int r = dlk_derstream_init(&s.in, source);

	if (r == 0)
		r = read_whole(&s);
	if (s.in.failed)
		s.rule = "the PEM around it is damaged";
	dlk_derstream_fini(&s.in);
	if (r < 0) {
		*ret_rule = s.rule;
		return r;
	}
	*ret_parts = parts;
	parts = (struct dlk_crl_parts){ 0 };
	return 0;
}
