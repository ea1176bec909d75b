/* SPDX-License-Identifier: MIT */
/*
 * seal.c - the keys of seal.key, and what is made with them: sealed octets and MACs. It does
 * not know what a sealed octet string is for; whoever asks binds it to a place.
 *
 * Sealed octets: version (1), length of the key's id, id, nonce (12), ciphertext, tag (16).
 */
#include "store/seal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#define VERSION   1
#define KEY       32
#define NONCE     12
#define TAG       16
#define KEYS_MAX  16
#define FILE_MAX  4096
#define BASE64    44 /* characters of 32 octets */
#define HEAD_MAX  (2 + DLK_SEAL_ID_MAX)
#define LIMIT     (HEAD_MAX + NONCE + DLK_SECRET_MAX + TAG)
#define BOUND_MAX 4096

struct key {
	char id[DLK_SEAL_ID_MAX + 1];
	uint8_t octets[KEY];
};
struct dlk_seal {
	size_t n;
	struct key key[KEYS_MAX];
};

static bool
is_id(const char *id, size_t n)
{
	if (n == 0 || n > DLK_SEAL_ID_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = id[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'))
			return false;
	}
	return true;
}

static const struct key *
find(const struct dlk_seal *seal, const char *id, size_t n)
{
	for (size_t i = 0; i < seal->n; i++)
		if (strlen(seal->key[i].id) == n && memcmp(seal->key[i].id, id, n) == 0)
			return &seal->key[i];
	return NULL;
}

/* OpenSSL's decoder takes blanks and ends early: encoding again shows that nothing of that
 * was there. */
static bool
decode_key(const char *text, uint8_t *octets)
{
	uint8_t out[KEY + 1];
	unsigned char again[BASE64 + 1];

	bool good = EVP_DecodeBlock(out, (const unsigned char *)text, BASE64) == KEY + 1;
	good = good && EVP_EncodeBlock(again, out, KEY) == BASE64 &&
	       dlk_octets_equal(again, text, BASE64);
	if (good)
		memcpy(octets, out, KEY);
	explicit_bzero(out, sizeof(out));
	explicit_bzero(again, sizeof(again));
	return good;
}

static int
parse_line(struct dlk_seal *seal, const char *line, size_t n)
{
	const char *colon = memchr(line, ':', n);
	size_t length = colon ? (size_t)(colon - line) : 0;

	if (!colon || !is_id(line, length) || n - length - 1 != BASE64)
		return -EBADMSG;
	if (seal->n == KEYS_MAX || find(seal, line, length))
		return -EBADMSG;
	struct key *key = &seal->key[seal->n];
	if (!decode_key(colon + 1, key->octets))
		return -EBADMSG;
	memcpy(key->id, line, length);
	seal->n++;
	return 0;
}

static int
parse(struct dlk_seal *seal, struct dlk_bytes content)
{
	const char *p = (const char *)content.p, *end = p + content.n;

	while (p < end) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t n = newline ? (size_t)(newline - p) : (size_t)(end - p);
		int r = parse_line(seal, p, n);
		if (r < 0)
			return r;
		p += n + (newline ? 1 : 0);
	}
	return seal->n > 0 ? 0 : -EBADMSG;
}

int
dlk_seal_parse(struct dlk_bytes content, struct dlk_seal **ret_seal)
{
	struct dlk_seal *seal = calloc(1, sizeof(*seal));

	if (!seal)
		return -ENOMEM;
	int r = parse(seal, content);
	if (r < 0) {
		dlk_seal_free(seal);
		return r;
	}
	*ret_seal = seal;
	return 0;
}

int
dlk_seal_load(const char *path, const struct dlk_care *care, struct dlk_seal **ret_seal)
{
	DLK_AUTO_BUF content = { 0 };

	/* Room for all of it at once: growing would be wiped as well, but why copy. */
	int r = dlk_buf_reserve(&content, FILE_MAX);
	if (r == 0)
		r = dlk_file_read(path, FILE_MAX, care, &content);
	if (r < 0)
		return r;
	return dlk_seal_parse(dlk_bytes_of(&content), ret_seal);
}

void
dlk_seal_free(struct dlk_seal *seal)
{
	if (seal)
		explicit_bzero(seal, sizeof(*seal));
	free(seal);
}

const char *
dlk_seal_current(const struct dlk_seal *seal)
{
	return seal->key[0].id;
}

bool
dlk_seal_has(const struct dlk_seal *seal, const char *id)
{
	return find(seal, id, strlen(id)) != NULL;
}

static void
cipher_cleanup(EVP_CIPHER_CTX **ctx)
{
	EVP_CIPHER_CTX_free(*ctx);
}
#define AUTO_CIPHER __attribute__((cleanup(cipher_cleanup))) EVP_CIPHER_CTX

/* A context that has taken key, nonce, head and what the octets are bound to. */
static EVP_CIPHER_CTX *
start(const struct key *key, const uint8_t *nonce, struct dlk_bytes head,
    struct dlk_bytes bound, int sealing)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	if (ctx && bound.n <= BOUND_MAX &&
	    EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->octets, nonce, sealing) ==
		1 &&
	    EVP_CipherUpdate(ctx, NULL, &n, head.p, (int)head.n) == 1 &&
	    EVP_CipherUpdate(ctx, NULL, &n, bound.p, (int)bound.n) == 1)
		return ctx;
	EVP_CIPHER_CTX_free(ctx);
	return NULL;
}

int
dlk_seal_close(const struct dlk_seal *seal, const struct dlk_secret *secret,
    struct dlk_bytes bound, struct dlk_buf *buf)
{
	const struct key *key = &seal->key[0];
	size_t id = strlen(key->id), head = 2 + id;
	uint8_t out[LIMIT] = { VERSION, (uint8_t)id };
	int n = 0, last = 0;

	memcpy(out + 2, key->id, id);
	uint8_t *nonce = out + head, *text = nonce + NONCE;
	if (RAND_bytes(nonce, NONCE) != 1)
		return -EIO;
	AUTO_CIPHER *ctx = start(key, nonce, DLK_BYTES(out, head), bound, 1);
	if (!ctx || EVP_CipherUpdate(ctx, text, &n, secret->b, (int)secret->n) != 1 ||
	    EVP_CipherFinal_ex(ctx, text + n, &last) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG, text + n) != 1)
		return -EIO;
	size_t whole = head + NONCE + secret->n + TAG;
	return dlk_buf_add(buf, buf->n + whole, DLK_BYTES(out, whole));
}

/* GCM's tag is proven before a single octet is handed out. */
static int
open_text(const struct key *key, struct dlk_bytes head, struct dlk_bytes rest,
    struct dlk_bytes bound, struct dlk_secret *ret_secret)
{
	DLK_AUTO_SECRET secret = { .n = rest.n - NONCE - TAG };
	uint8_t tag[TAG];
	int n = 0, last = 0;

	memcpy(tag, rest.p + rest.n - TAG, TAG);
	AUTO_CIPHER *ctx = start(key, rest.p, head, bound, 0);
	if (!ctx)
		return -EIO;
	if (EVP_CipherUpdate(ctx, secret.b, &n, rest.p + NONCE, (int)secret.n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG, tag) != 1 ||
	    EVP_CipherFinal_ex(ctx, secret.b + n, &last) != 1)
		return -EKEYREJECTED;
	return dlk_secret_set(ret_secret, DLK_BYTES(secret.b, secret.n));
}

int
dlk_seal_open(const struct dlk_seal *seal, struct dlk_bytes sealed, struct dlk_bytes bound,
    struct dlk_secret *ret_secret)
{
	if (sealed.n < 2 || sealed.p[0] != VERSION)
		return -EKEYREJECTED;
	size_t head = 2 + (size_t)sealed.p[1];
	if (head > HEAD_MAX || sealed.n < head + NONCE + TAG || sealed.n > LIMIT ||
	    sealed.n - head - NONCE - TAG > DLK_SECRET_MAX)
		return -EKEYREJECTED;
	const struct key *key = find(seal, (const char *)sealed.p + 2, head - 2);
	if (!key)
		return -ENOKEY;
	return open_text(key, DLK_BYTES(sealed.p, head),
	    DLK_BYTES(sealed.p + head, sealed.n - head), bound, ret_secret);
}

/* One key, one use: what seals does not authenticate, so the MAC has a key of its own. */
int
dlk_seal_mac(const struct dlk_seal *seal, const char *id, const char *purpose,
    struct dlk_bytes what, uint8_t *ret_mac)
{
	const struct key *key = id ? find(seal, id, strlen(id)) : &seal->key[0];
	uint8_t derived[EVP_MAX_MD_SIZE];
	char label[64] = "doublelock mac ";
	unsigned n = 0;

	if (!key)
		return -ENOKEY;
	if (strlen(label) + strlen(purpose) >= sizeof(label))
		return -EINVAL;
	strcat(label, purpose);
	bool good = HMAC(EVP_sha256(), key->octets, KEY, (const unsigned char *)label,
			strlen(label), derived, &n) &&
		    HMAC(EVP_sha256(), derived, (int)n, what.p, what.n, ret_mac, &n);
	explicit_bzero(derived, sizeof(derived));
	return good ? 0 : -EIO;
}

int
dlk_seal_digest(struct dlk_bytes before, struct dlk_bytes what, uint8_t *ret_digest)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
		    EVP_DigestUpdate(ctx, before.p, before.n) == 1 &&
		    EVP_DigestUpdate(ctx, what.p, what.n) == 1 &&
		    EVP_DigestFinal_ex(ctx, ret_digest, NULL) == 1;

	EVP_MD_CTX_free(ctx);
	return good ? 0 : -EIO;
}

int
dlk_seal_generate(const char *id, struct dlk_buf *buf)
{
	uint8_t octets[KEY];
	char line[DLK_SEAL_ID_MAX + BASE64 + 3];
	size_t n = strlen(id);

	if (!is_id(id, n))
		return -EINVAL;
	if (RAND_bytes(octets, KEY) != 1)
		return -EIO;
	memcpy(line, id, n);
	line[n] = ':';
	EVP_EncodeBlock((unsigned char *)line + n + 1, octets, KEY);
	line[n + 1 + BASE64] = '\n';
	int r = dlk_buf_add(buf, FILE_MAX, DLK_BYTES(line, n + 2 + BASE64));
	explicit_bzero(octets, sizeof(octets));
	explicit_bzero(line, sizeof(line));
	return r;
}
