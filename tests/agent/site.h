/* SPDX-License-Identifier: MIT */
/*
 * site.h - a whole agent in a private directory: a CA, a configuration, a record, the program
 * and, where wanted, a receiver for its webhook. Needs no root; with root the agent runs as
 * nobody. Everything asserts on failure.
 */
#ifndef DLK_TESTS_SITE_H
#define DLK_TESTS_SITE_H

#include <jansson.h>
#include <openssl/x509.h>
#include <sys/types.h>

#include "config/engine.h"
#include "store/events.h"

#define SITE_USER   "daemon" /* an account that every machine has */
#define SITE_OTHER  "bin"
#define SITE_DOMAIN "example.test"

struct site {
	char dir[64];
	char config[96], socket[96], out[96], secret[96], store[96], keys[96];
	uid_t uid; /* of the agent */
	gid_t gid;
	pid_t agent, receiver;
	int notify; /* the agent's service manager is us */
	int port;   /* the receiver's */
	long serial;
	EVP_PKEY *ca_key;
	X509 *ca;
	X509_CRL *crl;
	struct dlk_seal *seal;
	struct dlk_record *record; /* the same file that the agent has open */
};

struct site_answer {
	int status;
	char head[4096];
	char *text;   /* the body */
	json_t *body; /* NULL where it is no JSON */
};

void site_init(struct site *site);
void site_fini(struct site *site);
/* The usual services, and `more` behind them. */
void site_configure(struct site *site, const char *more);
void site_pki_init(struct site *site); /* of site_init: a CA that is trusted, and its CRL */
void site_make_directory(struct site *site, const char *name);
void site_write(struct site *site, const char *name, const char *content);
/* What only root and the agent may read. */
void site_write_secret(struct site *site, const char *path, const char *content);
void site_start(struct site *site); /* returns when it is ready */
void site_kill(struct site *site, int signal);
/* Starts, and returns the exit code and what it said: for configurations that do not start. */
int site_fails(struct site *site, char *words, size_t size);
/* `how`: further arguments, NULL-ended, or NULL. */
void site_receive(struct site *site, const char *const *how);
void site_stop_receiver(struct site *site);

/* PEM for free(): a client certificate for `name`, valid from now - 1 h for so many hours. */
char *site_certificate(struct site *site, const char *name, int hours);
char *site_certificate_for(struct site *site, EVP_PKEY *key, const char *name, int hours);
char *site_server_certificate(struct site *site, const char *key_file);
void site_revoke(struct site *site, long serial); /* and a new CRL */
/* A CRL whose nextUpdate is so many minutes from now; its thisUpdate is two hours ago. */
void site_age_crl(struct site *site, int minutes);
long site_serial(const struct site *site); /* of the certificate made last */

/* A connection; `peer` is who connects (with root; else it is ourselves). */
int site_connect(const char *path, uid_t peer);
/* One connection, one request. */
void site_send(
    struct site *site, uid_t peer, struct dlk_bytes request, struct site_answer *ret_answer);
void site_ask(
    struct site *site, uid_t peer, const char *line, json_t *body, struct site_answer *answer);
/* POST /v1/check of {"service", and what is given (NULL: left out)}; its status. */
int site_check(struct site *site, const char *service, const char *certificate,
    const char *user, const char *code, char *ret_reason);
void site_answer_fini(struct site_answer *answer);
const char *site_text(const struct site_answer *answer, const char *key);

/* Until `holds` says so, or 20 s have gone. */
void site_until(bool (*holds)(struct site *site, void *arg), struct site *site, void *arg);
/* The lines that the receiver has kept; for free(). *ret_n counts them. */
json_t *site_received(struct site *site);

#define SITE_REASON_MAX 64

#endif
