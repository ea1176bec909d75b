/* SPDX-License-Identifier: MIT */
/*
 * sshkey.c - public keys in SSH's spelling.
 *
 * A blob is made from a certificate's key and compared octet for octet with what sshd names.
 * Nothing here takes a peer's blob apart, and nothing here knows whom a key belongs to.
 */
#include "core/sshkey.h"

#include <errno.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "base/sshwire.h"
#include "base/text.h"
#include "core/pem.h"

#define BLOB_MAX    (128 * 1024) /* sshd hands a key over as one argument */
#define MPINT_MAX   (16384 / 8)  /* OpenSSH takes no longer RSA modulus */
#define POINT_MAX   66           /* octets of a P-521 coordinate */
#define ED25519_LEN 32

static void
bn_cleanup(BIGNUM **bn)
{
	BN_free(*bn);
}
#define AUTO_BN __attribute__((cleanup(bn_cleanup))) BIGNUM

static const struct curve {
	const char *openssl, *ssh, *type;
	size_t octets; /* of one coordinate */
} curves[] = {
	{ "prime256v1", "nistp256", "ecdsa-sha2-nistp256", 32 },
	{ "secp384r1", "nistp384", "ecdsa-sha2-nistp384", 48 },
	{ "secp521r1", "nistp521", "ecdsa-sha2-nistp521", 66 },
};

void
dlk_sshkey_fini(struct dlk_sshkey *key)
{
	dlk_buf_free(&key->blob);
	key->type[0] = '\0';
}

static enum dlk_reason
malformed(struct dlk_finding *finding, const char *why)
{
	return dlk_find(
	    finding, DLK_STAGE_PARSE, DLK_R_CERTIFICATE_MALFORMED, "SSH public key: %s", why);
}

/* Everything from here on that makes a blob is 0 or -errno; -EINVAL: no key of that kind. */
static int
add_string(struct dlk_buf *blob, struct dlk_bytes what)
{
	return dlk_ssh_add_string(blob, BLOB_MAX, what);
}

/* RFC 4251 section 5: a leading zero octet keeps a number positive. */
static int
add_mpint(struct dlk_buf *blob, const BIGNUM *number)
{
	uint8_t octets[1 + MPINT_MAX] = { 0 };
	int n = BN_num_bytes(number);

	if (n < 1 || n > MPINT_MAX)
		return -EINVAL;
	BN_bn2bin(number, octets + 1);
	bool high = octets[1] & 0x80;
	return add_string(blob, DLK_BYTES(octets + !high, (size_t)n + high));
}

static int
add_number(struct dlk_buf *blob, const EVP_PKEY *key, const char *name)
{
	AUTO_BN *number = NULL;

	if (EVP_PKEY_get_bn_param(key, name, &number) != 1)
		return -EINVAL;
	return add_mpint(blob, number);
}

static int
add_rsa(struct dlk_sshkey *ssh, const EVP_PKEY *key)
{
	(void)dlk_text_copy(ssh->type, sizeof(ssh->type), "ssh-rsa");
	int r = add_string(&ssh->blob, dlk_bytes_str(ssh->type));
	if (r == 0)
		r = add_number(&ssh->blob, key, OSSL_PKEY_PARAM_RSA_E);
	return r < 0 ? r : add_number(&ssh->blob, key, OSSL_PKEY_PARAM_RSA_N);
}

static int
put_coordinate(uint8_t *out, size_t octets, const EVP_PKEY *key, const char *name)
{
	AUTO_BN *number = NULL;

	if (EVP_PKEY_get_bn_param(key, name, &number) != 1)
		return -EINVAL;
	return BN_bn2binpad(number, out, (int)octets) < 0 ? -EINVAL : 0;
}

/* From the coordinates, because the certificate may hold the point compressed. */
static int
add_point(struct dlk_buf *blob, const EVP_PKEY *key, size_t octets)
{
	uint8_t point[1 + 2 * POINT_MAX] = { 4 }; /* SEC 1: uncompressed */

	int r = put_coordinate(point + 1, octets, key, OSSL_PKEY_PARAM_EC_PUB_X);
	if (r == 0)
		r = put_coordinate(point + 1 + octets, octets, key, OSSL_PKEY_PARAM_EC_PUB_Y);
	return r < 0 ? r : add_string(blob, DLK_BYTES(point, 1 + 2 * octets));
}

static int
add_ecdsa(struct dlk_sshkey *ssh, const EVP_PKEY *key)
{
	const struct curve *curve = NULL;
	char group[64];

	if (EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (strcmp(group, curves[i].openssl) == 0)
			curve = &curves[i];
	if (!curve)
		return -EINVAL;
	(void)dlk_text_copy(ssh->type, sizeof(ssh->type), curve->type);
	int r = add_string(&ssh->blob, dlk_bytes_str(curve->type));
	if (r == 0)
		r = add_string(&ssh->blob, dlk_bytes_str(curve->ssh));
	return r < 0 ? r : add_point(&ssh->blob, key, curve->octets);
}

static int
add_ed25519(struct dlk_sshkey *ssh, const EVP_PKEY *key)
{
	uint8_t octets[ED25519_LEN];
	size_t n = sizeof(octets);

	if (EVP_PKEY_get_raw_public_key(key, octets, &n) != 1 || n != sizeof(octets))
		return -EINVAL;
	(void)dlk_text_copy(ssh->type, sizeof(ssh->type), "ssh-ed25519");
	int r = add_string(&ssh->blob, dlk_bytes_str(ssh->type));
	return r < 0 ? r : add_string(&ssh->blob, DLK_BYTES(octets, n));
}

enum dlk_reason
dlk_sshkey_of_key(const EVP_PKEY *key, struct dlk_sshkey *ret_key, struct dlk_finding *finding)
{
	DLK_AUTO_SSHKEY made = { .type = "" };
	int r = -EINVAL;

	if (EVP_PKEY_is_a(key, "RSA"))
		r = add_rsa(&made, key);
	else if (EVP_PKEY_is_a(key, "EC"))
		r = add_ecdsa(&made, key);
	else if (EVP_PKEY_is_a(key, "ED25519"))
		r = add_ed25519(&made, key);
	if (r == -EINVAL)
		return dlk_find(finding, DLK_STAGE_PARSE, DLK_R_WEAK_KEY,
		    "the certificate's key has no SSH form: RSA, ECDSA on P-256, P-384 or "
		    "P-521, and Ed25519 have");
	if (r < 0)
		return dlk_find(finding, DLK_STAGE_PARSE, DLK_R_FAULT_INTERNAL,
		    "out of memory while making an SSH key");
	*ret_key = made;
	made = (struct dlk_sshkey){ .type = "" };
	return DLK_R_OK;
}

enum dlk_reason
dlk_sshkey_of_cert(
    const struct dlk_cert *cert, struct dlk_sshkey *ret_key, struct dlk_finding *finding)
{
	return dlk_sshkey_of_key(dlk_cert_key(cert), ret_key, finding);
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Takes the next word off the front of `rest`; empty where there is none. */
static struct dlk_bytes
take_word(struct dlk_bytes *rest)
{
	size_t begin = 0;

	while (begin < rest->n && is_space(rest->p[begin]))
		begin++;
	size_t end = begin;
	while (end < rest->n && !is_space(rest->p[end]))
		end++;
	struct dlk_bytes word = DLK_BYTES(rest->p + begin, end - begin);
	*rest = DLK_BYTES(rest->p + end, rest->n - end);
	return word;
}

/* "TYPE BASE64" off the front of `rest`. */
static enum dlk_reason
take_key(struct dlk_bytes *rest, struct dlk_sshkey *ret_key, struct dlk_finding *finding)
{
	DLK_AUTO_SSHKEY made = { .type = "" };
	struct dlk_bytes type = take_word(rest), text = take_word(rest);

	if (type.n == 0 || type.n > DLK_SSHKEY_TYPE_MAX || text.n == 0)
		return malformed(finding, "not of the form TYPE BASE64");
	for (size_t i = 0; i < type.n; i++)
		if (type.p[i] <= 0x20 || type.p[i] >= 0x7f)
			return malformed(finding, "its type is not printable ASCII");
	memcpy(made.type, type.p, type.n);
	if (text.n > BLOB_MAX)
		return malformed(finding, "too long");
	int r = dlk_base64_decode(text, &made.blob);
	if (r == -ENOMEM)
		return dlk_find(
		    finding, DLK_STAGE_PARSE, DLK_R_FAULT_INTERNAL, "out of memory");
	if (r < 0)
		return malformed(finding, "its base64 is damaged");
	*ret_key = made;
	made = (struct dlk_sshkey){ .type = "" };
	return DLK_R_OK;
}

enum dlk_reason
dlk_sshkey_parse(
    struct dlk_bytes text, struct dlk_sshkey *ret_key, struct dlk_finding *finding)
{
	DLK_AUTO_SSHKEY made = { .type = "" };

	if (text.n > DLK_EVIDENCE_MAX)
		return malformed(finding, "too long");
	enum dlk_reason reason = take_key(&text, &made, finding);
	if (reason != DLK_R_OK)
		return reason;
	if (take_word(&text).n > 0)
		return malformed(finding, "more than TYPE BASE64");
	*ret_key = made;
	made = (struct dlk_sshkey){ .type = "" };
	return DLK_R_OK;
}

static struct dlk_bytes
take_line(struct dlk_bytes *rest)
{
	const uint8_t *end = rest->n > 0 ? memchr(rest->p, '\n', rest->n) : NULL;
	size_t n = end ? (size_t)(end - rest->p) : rest->n;
	struct dlk_bytes line = DLK_BYTES(rest->p, n);

	n += end != NULL;
	*rest = DLK_BYTES(rest->p + n, rest->n - n);
	return line;
}

/*
 * sshd writes what a peer said of itself behind other methods (hostbased: the client's user
 * name, unescaped), so a line that follows such text could be the peer's own. It is believed
 * only where nothing but names of methods stands above it.
 */
enum dlk_reason
dlk_sshkey_parse_auth_info(
    struct dlk_bytes text, struct dlk_sshkey *ret_key, struct dlk_finding *finding)
{
	DLK_AUTO_SSHKEY made = { .type = "" };
	bool found = false, foreign = false;

	if (text.n > DLK_EVIDENCE_MAX || (text.n > 0 && memchr(text.p, '\0', text.n)))
		return malformed(finding, "SSH_AUTH_INFO_0 is too long or not text");
	while (text.n > 0) {
		struct dlk_bytes line = take_line(&text);
		bool spaced = line.n > 0 && is_space(line.p[0]);
		struct dlk_bytes method = take_word(&line);
		if (spaced || !dlk_bytes_equal(method, dlk_bytes_str("publickey"))) {
			foreign = foreign || spaced || line.n > 0;
			continue;
		}
		if (found)
			return malformed(finding, "sshd names more than one");
		if (foreign)
			return malformed(finding,
			    "sshd names it behind a method that carries a peer's own text");
		enum dlk_reason reason = take_key(&line, &made, finding);
		if (reason != DLK_R_OK)
			return reason;
		found = true;
	}
	if (!found)
		return dlk_find(finding, DLK_STAGE_PARSE, DLK_R_NO_CERTIFICATE,
		    "sshd has seen no public key used in this login");
	*ret_key = made;
	made = (struct dlk_sshkey){ .type = "" };
	return DLK_R_OK;
}

bool
dlk_sshkey_equal(const struct dlk_sshkey *a, const struct dlk_sshkey *b)
{
	return strcmp(a->type, b->type) == 0 && a->blob.n > 0 &&
	       dlk_bytes_equal(dlk_bytes_of(&a->blob), dlk_bytes_of(&b->blob));
}

int
dlk_sshkey_text(const struct dlk_sshkey *key, struct dlk_buf *buf)
{
	int r = dlk_buf_add(buf, SIZE_MAX / 2, dlk_bytes_str(key->type));

	if (r == 0)
		r = dlk_buf_add(buf, SIZE_MAX / 2, dlk_bytes_str(" "));
	return r < 0 ? r : dlk_base64_encode(dlk_bytes_of(&key->blob), buf);
}
