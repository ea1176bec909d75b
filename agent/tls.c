/* SPDX-License-Identifier: MIT */
/*
 * tls.c - OpenSSL's server side, with everything off that would let a peer in again without
 * showing its certificate: no tickets, no sessions, no renegotiation.
 */
#include "agent/tls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/clock.h"
#include "base/say.h"
#include "base/text.h"
#include "config/remote.h"

#define FILE_MOST  ((size_t)256 * 1024)
#define CHAIN_MOST (64 * 1024) /* octets of what a peer shows */
#define WARN_DAYS  14
#define CIPHERS_1_2                                                                           \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                          \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                          \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

struct dlk_tls {
	_Atomic unsigned refs;
	SSL_CTX *context;
	struct dlk_clients *clients;
	struct dlk_peers readers;
};

/* Hangs on each connection. */
struct line {
	struct dlk_tls *tls;
	dlk_tls_stranger *stranger;
	void *arg;
};

static int line_index = -1;

static void
free_line(void *parent, void *data, CRYPTO_EX_DATA *all, int index, long number, void *arg)
{
	struct line *line = data;

	(void)parent;
	(void)all;
	(void)index;
	(void)number;
	(void)arg;
	if (line)
		dlk_tls_free(line->tls);
	free(line);
}

static int
wrong(struct dlk_finding *finding, const char *path, const char *why)
{
	(void)dlk_find(finding, DLK_STAGE_NONE, DLK_R_FAULT_CONFIG, "%.300s: %s", path, why);
	return -EINVAL;
}

/* Of what OpenSSL has to say the last word is the nearest one. */
static int
broken(struct dlk_finding *finding, const char *path, const char *what)
{
	char words[256];
	const char *why = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	dlk_text_print(words, sizeof(words), "%s%s%s", what, why ? ": " : "", why ? why : "");
	return wrong(finding, path, words);
}

/* In place of OpenSSL's own judgement. Only who is known by his very certificate goes on, so
 * that nobody else has a word with the parser behind; what he may do is found out then. */
static int
is_known(X509_STORE_CTX *presented, void *arg)
{
	const SSL *ssl =
	    X509_STORE_CTX_get_ex_data(presented, SSL_get_ex_data_X509_STORE_CTX_idx());
	const X509 *leaf = X509_STORE_CTX_get0_cert(presented);
	const struct line *line = ssl ? SSL_get_ex_data(ssl, line_index) : NULL;
	uint8_t fingerprint[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	(void)arg;
	X509_STORE_CTX_set_error(presented, X509_V_ERR_CERT_REJECTED);
	if (!line || !leaf || X509_digest(leaf, EVP_sha256(), fingerprint, &n) != 1 ||
	    n != DLK_SHA256_SIZE)
		return 0;
	if (!dlk_clients_find(line->tls->clients, fingerprint)) {
		line->stranger(ssl, fingerprint, line->arg);
		return 0;
	}
	X509_STORE_CTX_set_error(presented, X509_V_OK);
	return 1;
}

static int
choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *n_out,
    const unsigned char *in, unsigned n_in, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen = NULL;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, n_out, ours, sizeof(ours) - 1, in, n_in) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* A daemon has nobody to ask. */
static int
no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return 0;
}

static int
use_chain(SSL_CTX *context, BIO *in)
{
	X509 *cert = PEM_read_bio_X509(in, NULL, no_passphrase, NULL);
	int r = cert ? SSL_CTX_use_certificate(context, cert) : 0;

	X509_free(cert);
	while (r == 1) {
		cert = PEM_read_bio_X509(in, NULL, no_passphrase, NULL);
		if (!cert)
			break;
		r = SSL_CTX_add0_chain_cert(context, cert) == 1;
		if (r != 1)
			X509_free(cert);
	}
	if (r == 1)
		ERR_clear_error(); /* that there are no more is none */
	return r == 1 ? 0 : -EINVAL;
}

/* Whether it holds is for the gateways to say; here somebody may still do something. */
static void
warn_of_end(const X509 *cert, const char *path)
{
	time_t soon = (time_t)(dlk_clock_now() + WARN_DAYS * 86400);

	if (cert && X509_cmp_time(X509_get0_notAfter(cert), &soon) < 0)
		dlk_say(DLK_WARNING, "%s: ends within %d days, or is over", path, WARN_DAYS);
}

static int
load_certificate(SSL_CTX *context, const char *path, const struct dlk_care *care,
    struct dlk_finding *finding)
{
	DLK_AUTO_BUF content = { 0 };
	int r = dlk_file_read(path, FILE_MOST, care, &content);

	if (r < 0)
		return wrong(finding, path, dlk_file_error(r));
	BIO *in = BIO_new_mem_buf(content.p, (int)content.n);
	r = in ? use_chain(context, in) : -ENOMEM;
	BIO_free(in);
	if (r < 0)
		return broken(finding, path, "no certificate in PEM that could be used");
	warn_of_end(SSL_CTX_get0_certificate(context), path);
	return 0;
}

static int
load_key(SSL_CTX *context, const char *path, const struct dlk_care *care,
    struct dlk_finding *finding)
{
	DLK_AUTO_BUF content = { 0 };
	int r = dlk_file_read(path, FILE_MOST, care, &content);

	if (r < 0)
		return wrong(finding, path, dlk_file_error(r));
	BIO *in = BIO_new_mem_buf(content.p, (int)content.n);
	EVP_PKEY *key = in ? PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL) : NULL;
	BIO_free(in);
	explicit_bzero(content.p, content.n);
	r = key ? SSL_CTX_use_PrivateKey(context, key) : 0;
	EVP_PKEY_free(key);
	if (r != 1 || SSL_CTX_check_private_key(context) != 1)
		return broken(finding, path,
		    "no private key in PEM, without a passphrase, of tls-certificate");
	return 0;
}

static int
set_up(SSL_CTX *context, bool with_1_2)
{
	static const unsigned char id[] = "doublelock";

	SSL_CTX_set_security_level(context, 2);
	SSL_CTX_set_options(
	    context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
	(void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_max_cert_list(context, CHAIN_MOST);
	SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(context, is_known, NULL);
	return SSL_CTX_set_num_tickets(context, 0) == 1 &&
		       SSL_CTX_set_session_id_context(context, id, sizeof(id) - 1) == 1 &&
		       SSL_CTX_set_min_proto_version(
			   context, with_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION) == 1 &&
		       SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
		       SSL_CTX_set_cipher_list(context, CIPHERS_1_2) == 1
		   ? 0
		   : -EINVAL;
}

static int
load_all(struct dlk_tls *tls, const struct dlk_settings *s, uid_t owner,
    struct dlk_finding *finding)
{
	const struct dlk_care care = { .owned = true, .owner = owner };
	const struct dlk_care secret = { .owned = true, .secret = true, .owner = owner };
	int r = set_up(tls->context, s->tls.with_1_2);

	if (r < 0)
		return broken(finding, s->file, "setting up TLS");
	r = load_certificate(tls->context, s->tls.certificate, &care, finding);
	if (r == 0)
		r = load_key(tls->context, s->tls.key, &secret, finding);
	if (r == 0)
		r = dlk_remote_load(s, &care, &tls->clients, finding);
	for (size_t i = 0; i < s->tls.readers.n && r == 0; i++)
		r = dlk_peers_add_name(&tls->readers, s->tls.readers.text[i]);
	return r;
}

int
dlk_tls_open(const struct dlk_settings *settings, uid_t owner, struct dlk_tls **ret_tls,
    struct dlk_finding *finding)
{
	struct dlk_tls *tls;

	*ret_tls = NULL;
	if (!settings->tls.certificate)
		return 0;
	if (line_index < 0)
		line_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_line);
	tls = calloc(1, sizeof(*tls));
	if (!tls || line_index < 0) {
		free(tls);
		return -ENOMEM;
	}
	tls->refs = 1;
	tls->context = SSL_CTX_new(TLS_server_method());
	int r = tls->context ? load_all(tls, settings, owner, finding) : -ENOMEM;
	if (r < 0) {
		dlk_tls_free(tls);
		return r;
	}
	*ret_tls = tls;
	return 0;
}

struct dlk_tls *
dlk_tls_ref(struct dlk_tls *tls)
{
	tls->refs++;
	return tls;
}

void
dlk_tls_free(struct dlk_tls *tls)
{
	if (!tls || --tls->refs > 0)
		return;
	SSL_CTX_free(tls->context);
	dlk_clients_free(tls->clients);
	dlk_peers_fini(&tls->readers);
	free(tls);
}

SSL *
dlk_tls_accept(struct dlk_tls *tls, dlk_tls_stranger *stranger, void *arg)
{
	SSL *ssl = SSL_new(tls->context);
	struct line *line = ssl ? calloc(1, sizeof(*line)) : NULL;

	if (!line || SSL_set_ex_data(ssl, line_index, line) != 1) {
		free(line);
		SSL_free(ssl);
		return NULL;
	}
	*line = (struct line){ dlk_tls_ref(tls), stranger, arg };
	return ssl;
}

const struct dlk_clients *
dlk_tls_clients(const struct dlk_tls *tls)
{
	return tls->clients;
}

bool
dlk_tls_reads(const struct dlk_tls *tls, const char *name)
{
	struct dlk_caller caller = { .uid = (uid_t)-1 };

	return dlk_text_copy(caller.peer, sizeof(caller.peer), name) &&
	       dlk_peers_hold(&tls->readers, &caller);
}
