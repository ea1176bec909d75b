/* SPDX-License-Identifier: MIT */
/*
 * held.c - two tables of tags: of what was judged, with the octets, and of what lies in
 * certs.d, with the user whose file it is in. A tag leads to candidates; a candidate is the
 * certificate only where issuer and serial number are, octet for octet.
 */
#include "agent/held.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/request.h"
#include "store/registry.h"
#include "wire/frame.h"

#define USERS_MOST   100000
#define WALK_REST    20   /* times as long as the last walk over certs.d took, */
#define WALK_REST_MS 5000 /* or as long as this */
#define WAYS         8
#define SETS         (DLK_HELD_MAX / WAYS)

struct judged {
	uint64_t tag; /* 0: unused */
	uint8_t fingerprint[DLK_SHA256_SIZE];
	struct dlk_buf der, chain;
};

struct registered {
	uint64_t tag;
	char *user;
};

struct dlk_held {
	pthread_mutex_t lock; /* of what was judged; held for as long as a look takes */
	struct judged judged[SETS][WAYS];
	unsigned char next[SETS];
	size_t octets;
	pthread_mutex_t registry; /* of what lies in certs.d */
	struct registered *registered;
	size_t n_registered;
	int64_t walk_again_ms;
};

/* What a search has found. */
struct search {
	const struct dlk_naming *naming;
	uint64_t tag;
	struct dlk_cert *found;
	struct dlk_buf *chain;
	bool several;
	int error;
};

/* FNV-1a over the serial number without leading zeros. */
static uint64_t
tag_of(const char *serial)
{
	uint64_t tag = 0xcbf29ce484222325U;

	for (serial += strspn(serial, "0"); *serial; serial++)
		tag = (tag ^ (uint8_t)tolower((unsigned char)*serial)) * 0x100000001b3U;
	return tag ? tag : 1;
}

static bool
same_number(const char *a, const char *b)
{
	return strcasecmp(a + strspn(a, "0"), b + strspn(b, "0")) == 0;
}

bool
dlk_naming_is_sound(const struct dlk_naming *naming)
{
	size_t n = strlen(naming->serial);

	return naming->issuer[0] != '\0' && n > 0 && n <= 2 * (DLK_SERIAL_MAX + 1) &&
	       strspn(naming->serial, "0123456789abcdefABCDEF") == n;
}

/* Backslashes may have been doubled on the way, by who put the text into JSON. */
static bool
same_but_for_doubling(const char *text, const char *wanted)
{
	for (; *wanted; wanted++, text++) {
		if (*text != *wanted)
			return false;
		if (*text == '\\' && *++text != '\\')
			return false;
	}
	return *text == '\0';
}

bool
dlk_naming_fits(const struct dlk_naming *naming, const struct dlk_cert *cert)
{
	const char *issuer = dlk_cert_issuer(cert);
	bool fits = false;

	if (!same_number(naming->serial, dlk_cert_serial_text(cert)))
		return false;
	if (naming->issuer[0] != '/') /* a text that was cut names nobody */
		return strlen(issuer) < DLK_DN_MAX && strcmp(naming->issuer, issuer) == 0;
	char *line = X509_NAME_oneline(X509_get_issuer_name(dlk_cert_x509(cert)), NULL, 0);
	if (line)
		fits = strcmp(naming->issuer, line) == 0 ||
		       same_but_for_doubling(naming->issuer, line);
	OPENSSL_free(line);
	return fits;
}

struct dlk_held *
dlk_held_new(void)
{
	struct dlk_held *held = calloc(1, sizeof(*held));

	if (held) {
		pthread_mutex_init(&held->lock, NULL);
		pthread_mutex_init(&held->registry, NULL);
	}
	return held;
}

static void
drop(struct dlk_held *held, struct judged *judged)
{
	held->octets -= judged->der.n + judged->chain.n;
	dlk_buf_free(&judged->der);
	dlk_buf_free(&judged->chain);
	judged->tag = 0;
}

static void
forget_registered(struct dlk_held *held)
{
	for (size_t i = 0; i < held->n_registered; i++)
		free(held->registered[i].user);
	free(held->registered);
	held->registered = NULL;
	held->n_registered = 0;
}

void
dlk_held_free(struct dlk_held *held)
{
	if (!held)
		return;
	for (size_t i = 0; i < DLK_HELD_MAX; i++)
		drop(held, &held->judged[i / WAYS][i % WAYS]);
	forget_registered(held);
	pthread_mutex_destroy(&held->lock);
	pthread_mutex_destroy(&held->registry);
	free(held);
}

static bool
is_kept(const struct judged *set, uint64_t tag, const uint8_t *fingerprint)
{
	for (size_t i = 0; i < WAYS; i++)
		if (set[i].tag == tag &&
		    memcmp(set[i].fingerprint, fingerprint, DLK_SHA256_SIZE) == 0)
			return true;
	return false;
}

/* In the place of the oldest of its set; where there are too many octets the others of the set
 * go as well, and where that is not enough it is not kept. */
static struct judged *
make_room(struct dlk_held *held, uint64_t tag, size_t n)
{
	size_t set = tag % SETS;
	struct judged *at = &held->judged[set][held->next[set]];

	drop(held, at);
	for (size_t i = 0; i < WAYS && held->octets + n > DLK_HELD_OCTETS; i++)
		drop(held, &held->judged[set][i]);
	held->next[set] = (unsigned char)((held->next[set] + 1U) % WAYS);
	return held->octets + n > DLK_HELD_OCTETS ? NULL : at;
}

static void
put(struct dlk_held *held, uint64_t tag, const uint8_t *fingerprint, struct dlk_bytes der,
    struct dlk_bytes chain)
{
	struct judged *at = make_room(held, tag, der.n + chain.n);

	if (!at || dlk_buf_add(&at->der, DLK_CERT_MAX, der) < 0)
		return;
	if (chain.n > 0 && dlk_buf_add(&at->chain, DLK_CHAIN_MAX, chain) < 0) {
		dlk_buf_free(&at->der);
		return;
	}
	held->octets += at->der.n + at->chain.n;
	memcpy(at->fingerprint, fingerprint, sizeof(at->fingerprint));
	at->tag = tag;
}

void
dlk_held_keep(struct dlk_held *held, const struct dlk_verdict *verdict, struct dlk_bytes der,
    struct dlk_bytes chain)
{
	uint8_t fingerprint[DLK_SHA256_SIZE];
	uint64_t tag = tag_of(verdict->serial);

	if (dlk_unhex(verdict->fingerprint, fingerprint, sizeof(fingerprint)) < 0)
		return;
	pthread_mutex_lock(&held->lock);
	if (!is_kept(held->judged[tag % SETS], tag, fingerprint))
		put(held, tag, fingerprint, der, chain);
	pthread_mutex_unlock(&held->lock);
}

/* --- certs.d ---------------------------------------------------------------------------- */

struct walk {
	struct dlk_held *held;
	const char *user;
};

static int
note(const char *name, const struct dlk_certs *certs, const struct dlk_finding *finding,
    void *arg)
{
	const struct walk *walk = arg;
	struct dlk_held *held = walk->held;

	(void)name;
	(void)finding;
	for (size_t i = 0; i < certs->n; i++) {
		struct registered *more =
		    reallocarray(held->registered, held->n_registered + 1, sizeof(*more));
		if (!more)
			return -ENOMEM;
		held->registered = more;
		more += held->n_registered;
		more->tag = tag_of(dlk_cert_serial_text(certs->cert[i]));
		more->user = strdup(walk->user);
		if (!more->user)
			return -ENOMEM;
		held->n_registered++;
	}
	return 0;
}

/* A user whose directory cannot be read has no certificate here, and does not take away those
 * of others. */
static void
walk(struct dlk_held *held, const struct dlk_engine *engine)
{
	static const char *const any[] = { "", NULL };
	const char *dir = dlk_engine_settings(engine)->certificates;
	const struct dlk_care care = dlk_engine_care(engine);
	int64_t now = dlk_monotonic_ms();
	struct dlk_finding finding = { 0 };
	DLK_AUTO_FD fd = -1;
	char **names = NULL;
	size_t n = 0;

	if (now < held->walk_again_ms)
		return;
	held->walk_again_ms = now + WALK_REST_MS;
	forget_registered(held);
	if (dlk_dir_open(dir, &care, &fd) < 0 ||
	    dlk_dir_list(fd, any, USERS_MOST, &names, &n) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		struct walk of = { held, names[i] };
		(void)dlk_registry_each(dir, names[i], &care, note, &of, &finding);
	}
	dlk_names_free(names, n);
	int64_t rest = WALK_REST * (dlk_monotonic_ms() - now);
	if (rest > WALK_REST_MS)
		held->walk_again_ms = dlk_monotonic_ms() + rest;
}

/* --- searching -------------------------------------------------------------------------- */

static bool
offer(struct search *search, const struct dlk_cert *cert)
{
	if (!dlk_naming_fits(search->naming, cert))
		return false;
	if (!search->found) {
		search->found = dlk_cert_ref(cert);
		return true;
	}
	search->several =
	    search->several || memcmp(dlk_cert_fingerprint(search->found),
				   dlk_cert_fingerprint(cert), DLK_SHA256_SIZE) != 0;
	return false;
}

static void
search_judged(const struct dlk_held *held, struct search *search)
{
	for (size_t i = 0; i < WAYS; i++) {
		const struct judged *judged = &held->judged[search->tag % SETS][i];
		DLK_AUTO_CERT *cert = NULL;
		struct dlk_finding finding = { 0 };

		if (judged->tag != search->tag ||
		    dlk_cert_parse(dlk_bytes_of(&judged->der), &cert, &finding) != DLK_R_OK)
			continue;
		if (offer(search, cert) && judged->chain.n > 0)
			search->error = dlk_buf_add(
			    search->chain, DLK_CHAIN_MAX, dlk_bytes_of(&judged->chain));
	}
}

static void
search_registered(
    const struct dlk_held *held, const struct dlk_engine *engine, struct search *search)
{
	const struct dlk_care care = dlk_engine_care(engine);

	for (size_t i = 0; i < held->n_registered; i++) {
		DLK_AUTO_CERTS certs = { 0 };
		struct dlk_finding finding = { 0 };

		if (held->registered[i].tag != search->tag)
			continue;
		(void)dlk_registry_load(dlk_engine_settings(engine)->certificates,
		    held->registered[i].user, &care, &certs, &finding);
		for (size_t c = 0; c < certs.n; c++)
			(void)offer(search, certs.cert[c]);
	}
}

static enum dlk_reason
conclude(const struct search *search, struct dlk_buf *ret_der, struct dlk_finding *finding)
{
	const char *serial = search->naming->serial;

	if (search->several)
		return dlk_find(finding, DLK_STAGE_PARSE, DLK_R_IDENTITY_AMBIGUOUS,
		    "several certificates have this issuer and the serial number %s", serial);
	if (!search->found)
		return dlk_find(finding, DLK_STAGE_PARSE, DLK_R_NO_CERTIFICATE,
		    "no certificate of this issuer with the serial number %s lies in "
		    "[certificates] "
		    "directory or was judged since the agent started",
		    serial);
	if (search->error < 0 ||
	    dlk_buf_add(ret_der, DLK_EVIDENCE_MAX, dlk_cert_der(search->found)) < 0)
		return dlk_find(
		    finding, DLK_STAGE_PARSE, DLK_R_FAULT_INTERNAL, "memory ran out");
	return DLK_R_OK;
}

enum dlk_reason
dlk_held_find(struct dlk_held *held, const struct dlk_engine *engine,
    const struct dlk_naming *naming, struct dlk_buf *ret_der, struct dlk_buf *ret_chain,
    struct dlk_finding *finding)
{
	struct search search = {
		.naming = naming, .tag = tag_of(naming->serial), .chain = ret_chain
	};

	pthread_mutex_lock(&held->lock);
	search_judged(held, &search);
	pthread_mutex_unlock(&held->lock);
	pthread_mutex_lock(&held->registry);
	walk(held, engine);
	search_registered(held, engine, &search);
	pthread_mutex_unlock(&held->registry);
	enum dlk_reason reason = conclude(&search, ret_der, finding);
	dlk_cert_free(search.found);
	return reason;
}
