/* SPDX-License-Identifier: MIT */
/* field.c - reads the values of a certificate's names. Which of them means a user is map.c's
 * affair. */
#include "core/field.h"

#include <string.h>

#include <openssl/asn1.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

/* szOID_NT_PRINCIPAL_NAME, 1.3.6.1.4.1.311.20.2.3 */
static const uint8_t oid_upn[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x14, 0x02,
	0x03 };

/* Types whose octets are their text; in BMPString or T61String one name has several spellings.
 */
static bool
is_plain(int type)
{
	return type == V_ASN1_UTF8STRING || type == V_ASN1_PRINTABLESTRING ||
	       type == V_ASN1_IA5STRING;
}

static int
show(const ASN1_STRING *string, int (*each)(struct dlk_bytes, void *), void *arg)
{
	struct dlk_bytes value;
	int n = string ? ASN1_STRING_length(string) : 0;

	if (n <= 0 || !is_plain(ASN1_STRING_type(string)))
		return 0;
	value = DLK_BYTES(ASN1_STRING_get0_data(string), (size_t)n);
	if (memchr(value.p, 0, value.n))
		return 0;
	return each(value, arg);
}

static int
each_subject(X509 *x509, int nid, int (*each)(struct dlk_bytes, void *), void *arg)
{
	const X509_NAME *name = X509_get_subject_name(x509);

	for (int i = -1; (i = X509_NAME_get_index_by_NID(name, nid, i)) >= 0;) {
		int answer =
		    show(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i)), each, arg);

		if (answer != 0)
			return answer;
	}
	return 0;
}

static const ASN1_STRING *
upn_of(const OTHERNAME *other)
{
	if (OBJ_length(other->type_id) != sizeof(oid_upn) ||
	    memcmp(OBJ_get0_data(other->type_id), oid_upn, sizeof(oid_upn)) != 0 ||
	    other->value->type != V_ASN1_UTF8STRING)
		return NULL;
	return other->value->value.utf8string;
}

static const ASN1_STRING *
san_value(const GENERAL_NAME *name, enum dlk_field field)
{
	if (field == DLK_FIELD_SAN_EMAIL && name->type == GEN_EMAIL)
		return name->d.rfc822Name;
	if (field == DLK_FIELD_SAN_URI && name->type == GEN_URI)
		return name->d.uniformResourceIdentifier;
	if (field == DLK_FIELD_SAN_UPN && name->type == GEN_OTHERNAME)
		return upn_of(name->d.otherName);
	return NULL;
}

static int
each_san(X509 *x509, enum dlk_field field, int (*each)(struct dlk_bytes, void *), void *arg)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
	int answer = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && answer == 0; i++)
		answer = show(san_value(sk_GENERAL_NAME_value(names, i), field), each, arg);
	GENERAL_NAMES_free(names);
	return answer;
}

int
dlk_field_each(const struct dlk_cert *cert, enum dlk_field field,
    int (*each)(struct dlk_bytes value, void *arg), void *arg)
{
	X509 *x509 = dlk_cert_x509(cert);

	switch (field) {
	case DLK_FIELD_NONE:
		break;
	case DLK_FIELD_SUBJECT_CN:
		return each_subject(x509, NID_commonName, each, arg);
	case DLK_FIELD_SUBJECT_UID:
		return each_subject(x509, NID_userId, each, arg);
	case DLK_FIELD_SAN_EMAIL:
	case DLK_FIELD_SAN_UPN:
	case DLK_FIELD_SAN_URI:
		return each_san(x509, field, each, arg);
	}
	return 0;
}
