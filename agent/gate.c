/* SPDX-License-Identifier: MIT */
/*
 * gate.c - limits handshakes, and has the certificates of gateways judged in a thread, by the
 * path and revocation of lib/core. What a gateway asks for it does not know.
 */
#include "agent/gate.h"

#include <errno.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/say.h"
#include "base/text.h"
#include "core/judge.h"
#include "wire/frame.h"

#define PROVEN       64  /* addresses that are remembered */
#define RATE_PROVEN  200 /* handshakes a second of one such address; twice as many at once */
#define RATE_ADDRESS 10  /* of another one */
#define RATE_OTHERS  50  /* of all others together */
#define RATE_WORDS   1   /* lines in the log for one address */
#define OTHERS_MOST  128 /* handshakes of others that are not over */
#define CHAIN_MOST   10

struct proven {
	uint8_t key[DLK_GATE_ADDRESS];
	int64_t at_ms; /* 0: unused */
};

struct dlk_gate {
	const struct dlk_house *house;
	pthread_mutex_t lock;
	struct dlk_tls *tls; /* under the lock */
	struct proven proven[PROVEN];
};

/* One judgement on its way to a thread and back. */
struct judgement {
	struct dlk_job job; /* first */
	struct dlk_gate *gate;
	struct dlk_gate_pass pass;
	struct dlk_gate_from from;
	void (*done)(const struct dlk_gate_pass *pass, void *arg);
	void *arg;
	struct dlk_buf leaf, chain;
	bool listed;
	int64_t good_until;
	enum dlk_reason reason;
	struct dlk_finding finding;
	uint8_t key[DLK_SHA256_SIZE];
};

int
dlk_gate_new(const struct dlk_house *house, struct dlk_tls *tls, struct dlk_gate **ret_gate)
{
	struct dlk_gate *gate = calloc(1, sizeof(*gate));

	if (!gate) {
		dlk_tls_free(tls);
		return -ENOMEM;
	}
	gate->house = house;
	gate->tls = tls;
	pthread_mutex_init(&gate->lock, NULL);
	*ret_gate = gate;
	return 0;
}

static struct dlk_tls *
current(struct dlk_gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	struct dlk_tls *tls = gate->tls ? dlk_tls_ref(gate->tls) : NULL;
	pthread_mutex_unlock(&gate->lock);
	return tls;
}

void
dlk_gate_swap(struct dlk_gate *gate, struct dlk_tls *tls)
{
	pthread_mutex_lock(&gate->lock);
	struct dlk_tls *older = gate->tls;
	gate->tls = tls;
	pthread_mutex_unlock(&gate->lock);
	dlk_tls_free(older);
}

void
dlk_gate_free(struct dlk_gate *gate)
{
	if (!gate)
		return;
	dlk_tls_free(gate->tls);
	pthread_mutex_destroy(&gate->lock);
	free(gate);
}

int
dlk_gate_from(int fd, struct dlk_gate_from *ret_from)
{
	struct sockaddr_storage address;
	socklen_t n = sizeof(address);
	const void *octets;

	if (getpeername(fd, (struct sockaddr *)&address, &n) < 0)
		return -errno;
	memset(ret_from, 0, sizeof(*ret_from));
	if (address.ss_family == AF_INET) {
		octets = &((const struct sockaddr_in *)(const void *)&address)->sin_addr;
		memcpy(ret_from->key, octets, 4);
	} else if (address.ss_family == AF_INET6) {
		octets = &((const struct sockaddr_in6 *)(const void *)&address)->sin6_addr;
		ret_from->key[0] = 6;
		memcpy(ret_from->key + 1, octets, 8);
	} else {
		return -EAFNOSUPPORT;
	}
	return inet_ntop(address.ss_family, octets, ret_from->text, sizeof(ret_from->text))
		   ? 0
		   : -errno;
}

/* The place of the address, or that of the one that was not there for longest. */
static struct proven *
place_of(struct dlk_gate *gate, const struct dlk_gate_from *from)
{
	struct proven *oldest = &gate->proven[0];

	for (size_t i = 0; i < PROVEN; i++) {
		struct proven *p = &gate->proven[i];
		if (p->at_ms != 0 && memcmp(p->key, from->key, sizeof(p->key)) == 0)
			return p;
		if (p->at_ms < oldest->at_ms)
			oldest = p;
	}
	return oldest;
}

static bool
is_proven(struct dlk_gate *gate, const struct dlk_gate_from *from)
{
	const struct proven *p = place_of(gate, from);

	return p->at_ms != 0 && memcmp(p->key, from->key, sizeof(p->key)) == 0;
}

static void
prove(struct dlk_gate *gate, const struct dlk_gate_from *from)
{
	struct proven *p = place_of(gate, from);

	memcpy(p->key, from->key, sizeof(p->key));
	p->at_ms = dlk_monotonic_ms();
}

static bool
passes(struct dlk_gate *gate, const char *kind, struct dlk_bytes key, unsigned rate)
{
	return dlk_throttle_take(gate->house->throttle, kind, key, rate, dlk_monotonic_ms()) ==
	       DLK_THROTTLE_PASS;
}

static bool
is_within(
    struct dlk_gate *gate, const struct dlk_gate_from *from, size_t here, size_t everywhere)
{
	const struct dlk_bytes key = DLK_BYTES(from->key, sizeof(from->key));
	bool proven = is_proven(gate, from);

	if (here > DLK_GATE_HANDSHAKES || (!proven && everywhere > OTHERS_MOST))
		return false;
	if (proven)
		return passes(gate, "handshake of a gateway", key, RATE_PROVEN);
	return passes(gate, "handshake", key, RATE_ADDRESS) &&
	       passes(gate, "handshakes", dlk_bytes_str(""), RATE_OTHERS);
}

bool
dlk_gate_lets(
    struct dlk_gate *gate, const struct dlk_gate_from *from, size_t here, size_t everywhere)
{
	bool within = is_within(gate, from, here, everywhere);

	dlk_metrics_count_tls(
	    gate->house->metrics, within ? DLK_METRICS_TLS_BEGUN : DLK_METRICS_TLS_LIMITED);
	return within;
}

/* In the handshake of somebody who is not known. */
static void
stranger(const SSL *ssl, const uint8_t fingerprint[DLK_SHA256_SIZE], void *arg)
{
	struct dlk_gate *gate = arg;
	struct dlk_gate_from from;
	char hex[2 * DLK_SHA256_SIZE + 1], words[DLK_DETAIL_MAX + 1];

	dlk_metrics_count_tls(gate->house->metrics, DLK_METRICS_TLS_UNKNOWN);
	if (dlk_gate_from(SSL_get_fd(ssl), &from) < 0 ||
	    !passes(gate, "stranger", DLK_BYTES(from.key, sizeof(from.key)), RATE_WORDS))
		return;
	dlk_hex(DLK_BYTES(fingerprint, DLK_SHA256_SIZE), hex);
	dlk_text_print(words, sizeof(words),
	    "tls: %s: %s: the certificate with SHA-256 %s is none of [agent] clients",
	    from.text, dlk_reason_str(DLK_R_POSSESSION_UNPROVEN), hex);
	dlk_say(DLK_WARNING, "%s", words);
	dlk_courier_record(gate->house->courier, DLK_EVENT_GATEWAY_REFUSED, words);
}

SSL *
dlk_gate_ssl(struct dlk_gate *gate)
{
	struct dlk_tls *tls = current(gate);
	SSL *ssl = tls ? dlk_tls_accept(tls, stranger, gate) : NULL;

	dlk_tls_free(tls);
	return ssl;
}

bool
dlk_gate_holds(const struct dlk_gate *gate, const struct dlk_gate_pass *pass)
{
	int64_t now = dlk_clock_now();

	/* a clock that was set back ends it as well */
	return pass->known && pass->generation == dlk_reload_generation(gate->house->reload) &&
	       now >= pass->at && now < pass->until;
}

/* In a thread, with its engine. */
static void
work(struct dlk_job *job, struct dlk_engine *engine)
{
	struct judgement *j = (struct judgement *)(void *)job;
	DLK_AUTO_CERT *leaf = NULL;
	DLK_AUTO_CERTS chain = { 0 };
	struct dlk_judgement judgement;

	j->reason = dlk_cert_parse(dlk_bytes_of(&j->leaf), &leaf, &j->finding);
	if (j->reason == DLK_R_OK)
		j->reason = dlk_certs_parse_chain(
		    dlk_bytes_of(&j->chain), CHAIN_MOST, &chain, &j->finding);
	if (j->reason == DLK_R_OK)
		j->reason =
		    dlk_judge(dlk_engine_policy(engine), NULL, dlk_engine_ports(engine), leaf,
			&chain, false, j->pass.at, &judgement, &j->finding);
	if (j->reason != DLK_R_OK)
		return;
	j->good_until = judgement.good_until;
	memcpy(j->key, dlk_cert_key_id(leaf), sizeof(j->key));
}

/* What it is told is short: the rest is for who runs this machine. */
static void
refuse(struct judgement *j, const char *words)
{
	struct dlk_peer *peer = &j->pass.peer;
	char line[DLK_DETAIL_MAX + 1];

	dlk_text_print(peer->refused, sizeof(peer->refused), "%s", words);
	if (!passes(j->gate, "gateway refused", dlk_bytes_str(peer->name), RATE_WORDS))
		return;
	dlk_text_print(line, sizeof(line), "tls: %s: %s: %s%s%.300s", j->from.text, peer->name,
	    words, j->finding.detail[0] ? ": " : "", j->finding.detail);
	dlk_say(DLK_WARNING, "%s", line);
	dlk_courier_record(j->gate->house->courier, DLK_EVENT_GATEWAY_REFUSED, line);
}

static void
conclude(struct judgement *j, bool worked)
{
	struct dlk_gate_pass *pass = &j->pass;
	char words[128];

	pass->known = worked;
	pass->until = pass->at + DLK_GATE_LASTS;
	pass->peer.accepted = worked && j->listed && j->reason == DLK_R_OK;
	dlk_metrics_count_tls(j->gate->house->metrics,
	    pass->peer.accepted ? DLK_METRICS_TLS_ACCEPTED : DLK_METRICS_TLS_REFUSED);
	if (pass->peer.accepted) {
		if (j->good_until < pass->until)
			pass->until = j->good_until;
		memcpy(pass->peer.key, j->key, sizeof(pass->peer.key));
		prove(j->gate, &j->from);
		return;
	}
	pass->peer.reader = false;
	if (!worked) {
		refuse(j, "its certificate could not be judged now");
	} else if (!j->listed) {
		refuse(j, "its certificate is none of [agent] clients any more");
	} else {
		dlk_text_print(words, sizeof(words), "its own certificate: %s",
		    dlk_reason_str(j->reason));
		refuse(j, words);
	}
}

static void
done(struct dlk_job *job, bool worked)
{
	struct judgement *j = (struct judgement *)(void *)job;

	conclude(j, worked);
	j->done(&j->pass, j->arg);
	dlk_buf_free(&j->leaf);
	dlk_buf_free(&j->chain);
	free(j);
}

static int
add_der(struct dlk_buf *buf, size_t most, const X509 *cert)
{
	unsigned char *der = NULL;
	int n = i2d_X509(cert, &der);
	int r = n > 0 ? dlk_buf_add(buf, most, DLK_BYTES(der, (size_t)n)) : -ENOMEM;

	OPENSSL_free(der);
	return r;
}

/* On the server's side the chain is without the leaf. */
static int
take_certificates(SSL *ssl, struct judgement *j)
{
	const STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
	const X509 *leaf = SSL_get0_peer_certificate(ssl);
	int r = leaf ? add_der(&j->leaf, DLK_CERT_MAX, leaf) : -ENOENT;

	for (int i = 0; i < sk_X509_num(chain) && r == 0; i++)
		r = add_der(&j->chain, DLK_CHAIN_MAX, sk_X509_value(chain, i));
	return r;
}

/* By the clients that are in force now, whatever they were in the handshake. */
static void
find_name(struct judgement *j)
{
	struct dlk_tls *tls = current(j->gate);
	struct dlk_peer *peer = &j->pass.peer;
	uint8_t fingerprint[EVP_MAX_MD_SIZE];
	const char *name = NULL;

	if (tls &&
	    EVP_Digest(j->leaf.p, j->leaf.n, fingerprint, NULL, EVP_sha256(), NULL) == 1)
		name = dlk_clients_find(dlk_tls_clients(tls), fingerprint);
	j->listed = name != NULL;
	if (name) {
		(void)dlk_text_copy(peer->name, sizeof(peer->name), name);
		peer->reader = dlk_tls_reads(tls, name);
	} else if (tls) {
		dlk_hex(DLK_BYTES(fingerprint, DLK_SHA256_SIZE), peer->name);
	}
	dlk_tls_free(tls);
}

void
dlk_gate_judge(struct dlk_gate *gate, SSL *ssl, const struct dlk_gate_from *from,
    void (*tell)(const struct dlk_gate_pass *pass, void *arg), void *arg)
{
	static const struct dlk_gate_pass nobody = { .peer = { .uid = DLK_PEER_NOBODY,
							 .refused = "no memory" } };
	struct judgement *j = calloc(1, sizeof(*j));

	if (!j) {
		tell(&nobody, arg);
		return;
	}
	j->job.work = work;
	j->job.done = done;
	j->gate = gate;
	j->from = *from;
	j->done = tell;
	j->arg = arg;
	j->pass.peer.uid = DLK_PEER_NOBODY;
	j->pass.at = dlk_clock_now();
	/* as it is now: what is newer by the time of the answer is judged again */
	j->pass.generation = dlk_reload_generation(gate->house->reload);
	if (take_certificates(ssl, j) < 0) {
		done(&j->job, false);
		return;
	}
	find_name(j);
	dlk_serve_ask(gate->house->serve, &j->job);
}
