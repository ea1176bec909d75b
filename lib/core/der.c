/* SPDX-License-Identifier: MIT */
/* der.c - the frame of DER. It knows no ASN.1 type beyond the few whose form DER narrows. */
#include "core/der.h"

#include <string.h>

#include "base/clock.h"

#define DEPTH_MOST 32

bool
dlk_der_head(struct dlk_bytes in, uint8_t *ret_tag, size_t *ret_head, size_t *ret_n)
{
	size_t n, octets;

	if (in.n < 2 || (in.p[0] & 0x1f) == 0x1f)
		return false;
	*ret_tag = in.p[0];
	if (in.p[1] < 0x80) {
		*ret_head = 2;
		*ret_n = in.p[1];
		return true;
	}
	octets = in.p[1] & 0x7f;
	if (octets < 1 || octets > 4 || in.n < 2 + octets || in.p[2] == 0)
		return false;
	n = 0;
	for (size_t i = 0; i < octets; i++)
		n = n << 8 | in.p[2 + i];
	if (n < 0x80)
		return false;
	*ret_head = 2 + octets;
	*ret_n = n;
	return true;
}

bool
dlk_der_take(struct dlk_bytes *in, uint8_t *ret_tag, struct dlk_bytes *ret_whole,
    struct dlk_bytes *ret_content)
{
	size_t head, n;

	if (!dlk_der_head(*in, ret_tag, &head, &n) || n > in->n - head)
		return false;
	if (ret_whole)
		*ret_whole = DLK_BYTES(in->p, head + n);
	if (ret_content)
		*ret_content = DLK_BYTES(in->p + head, n);
	in->p += head + n;
	in->n -= head + n;
	return true;
}

bool
dlk_der_expect(struct dlk_bytes *in, uint8_t tag, struct dlk_bytes *ret_content)
{
	uint8_t found;

	return in->n > 0 && in->p[0] == tag && dlk_der_take(in, &found, NULL, ret_content);
}

bool
dlk_der_integer_ok(struct dlk_bytes content)
{
	if (content.n == 0)
		return false;
	if (content.n == 1)
		return true;
	/* nine equal bits in front are one octet too many */
	return !(content.p[0] == 0x00 && content.p[1] < 0x80) &&
	       !(content.p[0] == 0xff && content.p[1] >= 0x80);
}

/* Subidentifiers end, and none begins with padding. */
static bool
oid_ok(struct dlk_bytes content)
{
	bool begins = true;

	for (size_t i = 0; i < content.n; i++) {
		if (begins && content.p[i] == 0x80)
			return false;
		begins = content.p[i] < 0x80;
	}
	return content.n > 0 && begins;
}

static bool
bits_ok(struct dlk_bytes content)
{
	if (content.n == 0 || content.p[0] > 7 || (content.n == 1 && content.p[0] != 0))
		return false;
	/* unused bits are zero */
	return content.p[0] == 0 ||
	       (content.p[content.n - 1] & ((1u << content.p[0]) - 1)) == 0;
}

static bool
primitive_ok(uint8_t tag, struct dlk_bytes content)
{
	switch (tag) {
	case DLK_DER_BOOLEAN:
		return content.n == 1 && (content.p[0] == 0x00 || content.p[0] == 0xff);
	case DLK_DER_INTEGER:
	case DLK_DER_ENUMERATED:
		return dlk_der_integer_ok(content);
	case DLK_DER_BIT_STRING:
		return bits_ok(content);
	case DLK_DER_OID:
		return oid_ok(content);
	case DLK_DER_NULL:
		return content.n == 0;
	case 0x10: /* SEQUENCE and SET are constructed */
	case 0x11:
		return false;
	default:
		return true;
	}
}

/* X.690 section 11.6: the shorter one goes on with zeros. */
static bool
in_order(struct dlk_bytes a, struct dlk_bytes b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = memcmp(a.p, b.p, n);

	for (size_t i = n; order == 0 && i < a.n; i++)
		order = a.p[i];
	return order <= 0;
}

/* A SET OF has its elements in order. None is a part of a name without any. */
static bool
set_ok(struct dlk_bytes content)
{
	struct dlk_bytes before = { 0 }, whole;
	uint8_t tag;

	for (bool first = true; content.n > 0; first = false, before = whole)
		if (!dlk_der_take(&content, &tag, &whole, NULL) ||
		    (!first && !in_order(before, whole)))
			return false;
	return before.n > 0;
}

static bool
strict(struct dlk_bytes in, unsigned depth)
{
	struct dlk_bytes content;
	uint8_t tag;

	while (in.n > 0) {
		if (!dlk_der_take(&in, &tag, NULL, &content))
			return false;
		if (!(tag & 0x20)) {
			if (!primitive_ok(tag, content))
				return false;
			continue;
		}
		/* of the universal types only these two are constructed in DER */
		if ((tag & 0xc0) == 0 && tag != DLK_DER_SEQUENCE && tag != DLK_DER_SET)
			return false;
		if (depth == 0 || !strict(content, depth - 1))
			return false;
		if (tag == DLK_DER_SET && !set_ok(content))
			return false;
	}
	return true;
}

bool
dlk_der_strict(struct dlk_bytes in)
{
	return strict(in, DEPTH_MOST);
}

bool
dlk_der_extension(struct dlk_bytes *in, struct dlk_der_extension *ret_extension)
{
	struct dlk_der_extension found = { 0 };
	struct dlk_bytes rest = *in, content, truth;

	if (!dlk_der_expect(&rest, DLK_DER_SEQUENCE, &content) ||
	    !dlk_der_expect(&content, DLK_DER_OID, &found.oid) || !oid_ok(found.oid))
		return false;
	if (dlk_der_expect(&content, DLK_DER_BOOLEAN, &truth)) {
		/* FALSE is the default, which DER leaves out */
		if (truth.n != 1 || truth.p[0] != 0xff)
			return false;
		found.critical = true;
	}
	if (!dlk_der_expect(&content, DLK_DER_OCTET_STRING, &found.value) || content.n > 0)
		return false;
	*in = rest;
	*ret_extension = found;
	return true;
}

bool
dlk_der_extensions_ok(struct dlk_bytes in)
{
	struct dlk_der_extension found;
	struct dlk_bytes seen[DLK_DER_EXTENSIONS_MOST];
	size_t n = 0;

	while (in.n > 0) {
		if (n == DLK_DER_EXTENSIONS_MOST || !dlk_der_extension(&in, &found))
			return false;
		for (size_t i = 0; i < n; i++)
			if (dlk_bytes_equal(seen[i], found.oid))
				return false;
		seen[n++] = found.oid;
	}
	return n > 0;
}

/* Two digits, or a number above 99. */
static unsigned
two_digits(const uint8_t *p)
{
	unsigned high = (unsigned)p[0] - '0', low = (unsigned)p[1] - '0';

	return high > 9 || low > 9 ? 1000 : high * 10 + low;
}

bool
dlk_der_time(uint8_t tag, struct dlk_bytes content, int64_t *ret_time)
{
	const uint8_t *p = content.p;
	int64_t year;
	unsigned part[6];

	if (tag == DLK_DER_GENERALIZED_TIME && content.n == 15) {
		part[0] = two_digits(p + 2);
		year = (int64_t)two_digits(p) * 100 + part[0];
		p += 4;
	} else if (tag == DLK_DER_UTC_TIME && content.n == 13) {
		part[0] = two_digits(p);
		year = part[0] < 50 ? 2000 + part[0] : 1900 + part[0];
		p += 2;
	} else {
		return false;
	}
	for (size_t i = 1; i < 6; i++, p += 2)
		part[i] = two_digits(p);
	return part[0] <= 99 && *p == 'Z' &&
	       dlk_time_from_civil(year, (int)part[1], (int)part[2], (int)part[3],
		   (int)part[4], (int)part[5], ret_time) == 0;
}
