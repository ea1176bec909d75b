/* SPDX-License-Identifier: MIT */
/*
 * known.c - two small tables under one lock. Only what was accepted comes in, so strangers
 * cannot fill it; what a key has to be made of is said in one place, here.
 */
#include "core/known.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/digest.h"

#define WAYS        8
#define JUDGED_SETS (DLK_KNOWN_JUDGED / WAYS)
#define CERT_SETS   (DLK_KNOWN_CERTS / WAYS)
#define PARTS_MAX   32

struct judged {
	uint8_t key[DLK_KNOWN_KEY];
	int64_t at, until;
	int64_t good_until, chain_until;
	bool mapped;
	char name[];
};

struct place {
	struct dlk_cert *cert;
	uint64_t kept; /* the how manieth */
};

struct dlk_known {
	unsigned refs;
	pthread_mutex_t lock;
	uint64_t kept;
	struct judged *judged[JUDGED_SETS][WAYS];
	struct place place[CERT_SETS][WAYS];
};

int
dlk_known_new(struct dlk_known **ret_known)
{
	struct dlk_known *known = calloc(1, sizeof(*known));

	_Static_assert(DLK_KNOWN_KEY == DLK_DIGEST_SIZE, "a key is a digest");
	_Static_assert(DLK_SHA256_SIZE == DLK_DIGEST_SIZE, "a fingerprint is one");
	if (!known)
		return -ENOMEM;
	known->refs = 1;
	pthread_mutex_init(&known->lock, NULL);
	*ret_known = known;
	return 0;
}

struct dlk_known *
dlk_known_ref(struct dlk_known *known)
{
	__atomic_add_fetch(&known->refs, 1, __ATOMIC_RELAXED);
	return known;
}

void
dlk_known_free(struct dlk_known *known)
{
	if (!known || __atomic_sub_fetch(&known->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (size_t i = 0; i < DLK_KNOWN_JUDGED; i++)
		free(known->judged[i / WAYS][i % WAYS]);
	for (size_t i = 0; i < DLK_KNOWN_CERTS; i++)
		dlk_cert_free(known->place[i / WAYS][i % WAYS].cert);
	pthread_mutex_destroy(&known->lock);
	free(known);
}

/* Where the certificate lies, or where it may: an empty place, or that of the oldest. */
static struct place *
place_of(struct dlk_known *known, const uint8_t *fingerprint)
{
	struct place *set = known->place[dlk_get_be32(fingerprint) % CERT_SETS];
	struct place *place = &set[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].cert && memcmp(dlk_cert_fingerprint(set[i].cert), fingerprint,
				       DLK_SHA256_SIZE) == 0)
			return &set[i];
		if (place->cert && (!set[i].cert || set[i].kept < place->kept))
			place = &set[i];
	}
	return place;
}

struct dlk_cert *
dlk_known_cert(struct dlk_known *known, struct dlk_bytes der)
{
	struct dlk_cert *cert = NULL;
	uint8_t fingerprint[DLK_SHA256_SIZE];

	if (dlk_digest_plain(der, fingerprint) < 0)
		return NULL;
	pthread_mutex_lock(&known->lock);
	const struct place *place = place_of(known, fingerprint);
	if (place->cert &&
	    memcmp(dlk_cert_fingerprint(place->cert), fingerprint, DLK_SHA256_SIZE) == 0)
		cert = dlk_cert_ref(place->cert);
	pthread_mutex_unlock(&known->lock);
	return cert;
}

int
dlk_known_key(const struct dlk_cert *leaf, const struct dlk_certs *presented,
    const struct dlk_service *service, uint8_t ret_key[DLK_KNOWN_KEY])
{
	struct dlk_bytes part[PARTS_MAX] = {
		dlk_bytes_str(service ? service->section : NULL),
		DLK_BYTES(dlk_cert_fingerprint(leaf), DLK_SHA256_SIZE),
	};
	size_t n = 2;

	for (size_t i = 0; i < presented->n; i++) {
		if (n == PARTS_MAX)
			return -EMSGSIZE;
		part[n++] =
		    DLK_BYTES(dlk_cert_fingerprint(presented->cert[i]), DLK_SHA256_SIZE);
	}
	return dlk_digest(part, n, ret_key);
}

/* Where the key lies, or where it may: an empty place, or that of the oldest. */
static struct judged **
judged_at(struct dlk_known *known, const uint8_t *key)
{
	struct judged **set = known->judged[dlk_get_be32(key) % JUDGED_SETS];
	struct judged **at = &set[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i] && memcmp(set[i]->key, key, DLK_KNOWN_KEY) == 0)
			return &set[i];
		if (*at && (!set[i] || set[i]->at < (*at)->at))
			at = &set[i];
	}
	return at;
}

static bool
recall(const struct judged *judged, const uint8_t *key, int64_t now,
    struct dlk_standing *ret_standing)
{
	if (!judged || memcmp(judged->key, key, DLK_KNOWN_KEY) != 0 || now < judged->at ||
	    now >= judged->until)
		return false;
	*ret_standing = (struct dlk_standing){ .named = { .mapped = judged->mapped },
		.good_until = judged->good_until,
		.chain_until = judged->chain_until };
	memcpy(ret_standing->named.name, judged->name, strlen(judged->name) + 1);
	return true;
}

bool
dlk_known_find(struct dlk_known *known, const uint8_t key[DLK_KNOWN_KEY], int64_t now,
    struct dlk_standing *ret_standing)
{
	pthread_mutex_lock(&known->lock);
	bool found = recall(*judged_at(known, key), key, now, ret_standing);
	pthread_mutex_unlock(&known->lock);
	return found;
}

static void
keep_cert(struct dlk_known *known, const struct dlk_cert *cert)
{
	struct place *place = place_of(known, dlk_cert_fingerprint(cert));
	struct dlk_cert *older = place->cert;

	*place = (struct place){ .cert = dlk_cert_ref(cert), .kept = ++known->kept };
	dlk_cert_free(older);
}

void
dlk_known_keep(struct dlk_known *known, const uint8_t key[DLK_KNOWN_KEY],
    const struct dlk_cert *leaf, const struct dlk_certs *presented, int64_t now, int64_t until,
    const struct dlk_standing *standing)
{
	size_t n = strlen(standing->named.name) + 1;
	struct judged *judged = malloc(sizeof(*judged) + n);

	if (!judged)
		return;
	memcpy(judged->key, key, DLK_KNOWN_KEY);
	judged->at = now;
	judged->until = until < standing->good_until ? until : standing->good_until;
	judged->good_until = standing->good_until;
	judged->chain_until = standing->chain_until;
	judged->mapped = standing->named.mapped;
	memcpy(judged->name, standing->named.name, n);
	pthread_mutex_lock(&known->lock);
	struct judged **at = judged_at(known, key), *older = *at;
	*at = judged;
	keep_cert(known, leaf);
	for (size_t i = 0; i < presented->n; i++)
		keep_cert(known, presented->cert[i]);
	pthread_mutex_unlock(&known->lock);
	free(older);
}
