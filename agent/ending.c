/* SPDX-License-Identifier: MIT */
/* ending.c - finds what ends soon. That a day has one word about each is the record's to keep.
 */
#include "agent/ending.h"

#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "store/clients.h"

#define PEM_MOST   ((size_t)256 * 1024)
#define CHAIN_MOST 8
#define OVER_S     (7 * INT64_C(86400)) /* what is over for longer is left here on purpose */

static bool
tell(struct dlk_courier *courier, struct dlk_event *event, const char *what, int64_t until)
{
	char when[DLK_TIME_TEXT];

	dlk_time_text(until, when);
	event->type = DLK_EVENT_CERTIFICATE_EXPIRING;
	event->reason = DLK_R_UNDECIDED;
	event->stage = DLK_STAGE_NONE;
	dlk_text_print(event->detail, sizeof(event->detail), "%.300s %s %s; have it renewed",
	    what, until > event->at ? "ends" : "has ended", when);
	return dlk_courier_ending(courier, event);
}

void
dlk_ending_judged(struct dlk_courier *courier, const struct dlk_caller *caller,
    const struct dlk_request *request, const struct dlk_verdict *verdict, int64_t warn,
    int64_t now)
{
	struct dlk_event event;

	if (verdict->fingerprint[0] == '\0' || verdict->chain_until <= now ||
	    verdict->chain_until - now >= warn ||
	    (verdict->reason != DLK_R_OK && verdict->reason != DLK_R_OTP_REQUIRED))
		return;
	dlk_event_of(caller, request, verdict, now, &event);
	(void)tell(
	    courier, &event, "the certificate, or a CA's above it,", verdict->chain_until);
}

/* In the order of their ends; the last ones make room. */
static void
add(struct dlk_endings *endings, const struct dlk_cert *cert, const char *kind)
{
	int64_t until = dlk_cert_not_after(cert);
	size_t at = endings->n;

	while (at > 0 && endings->of[at - 1].until > until)
		at--;
	if (at == DLK_ENDING_MAX)
		return;
	if (endings->n < DLK_ENDING_MAX)
		endings->n++;
	memmove(&endings->of[at + 1], &endings->of[at],
	    (endings->n - 1 - at) * sizeof(endings->of[0]));
	endings->of[at].until = until;
	dlk_hex(DLK_BYTES(dlk_cert_fingerprint(cert), DLK_SHA256_SIZE),
	    endings->of[at].fingerprint);
	dlk_text_print(endings->of[at].what, sizeof(endings->of[at].what), "%s %s", kind,
	    dlk_cert_label(cert));
}

/* A file that cannot be read was refused where it is used. */
static void
add_own(struct dlk_endings *endings, const char *path, uid_t owner)
{
	const struct dlk_care care = { .owned = true, .owner = owner };
	struct dlk_finding ignored = { 0 };
	DLK_AUTO_CERTS certs = { 0 };
	DLK_AUTO_BUF content = { 0 };

	if (!path || dlk_file_read(path, PEM_MOST, &care, &content) < 0 ||
	    dlk_certs_parse_file(dlk_bytes_of(&content), CHAIN_MOST, &certs, &ignored) != 0)
		return;
	for (size_t i = 0; i < certs.n; i++)
		add(endings, certs.cert[i], "[agent] tls-certificate");
}

static int
add_client(const char *name, const struct dlk_cert *cert, void *arg)
{
	char kind[DLK_CLIENT_NAME_MAX + 32];

	dlk_text_print(kind, sizeof(kind), "[agent] clients %.200s", name);
	add(arg, cert, kind);
	return 0;
}

void
dlk_endings_read(struct dlk_endings *endings, const struct dlk_engine *engine, uid_t owner)
{
	const struct dlk_settings *settings = dlk_engine_settings(engine);
	const struct dlk_care care = { .owned = true, .owner = owner };
	const struct dlk_trust *trust = dlk_engine_trust(engine);
	struct dlk_finding ignored = { 0 };
	struct dlk_clients *clients = NULL;
	const struct dlk_cert *cert;

	memset(endings, 0, sizeof(*endings));
	endings->warn = settings->warn;
	for (size_t i = 0; trust && i < dlk_trust_anchors(trust); i++)
		add(endings, dlk_trust_anchor_at(trust, i), "anchor");
	for (size_t i = 0; trust && (cert = dlk_trust_intermediate_at(trust, i)); i++)
		add(endings, cert, "intermediate");
	add_own(endings, settings->tls.certificate, owner);
	if (settings->tls.clients && dlk_clients_load_each(settings->tls.clients, &care,
					 add_client, endings, &clients, &ignored) == 0)
		dlk_clients_free(clients);
}

bool
dlk_endings_tell(struct dlk_endings *endings, struct dlk_courier *courier, int64_t now)
{
	for (; endings->told < endings->n; endings->told++) {
		struct dlk_event event = { .at = now };
		const size_t i = endings->told;
		int64_t until = endings->of[i].until;

		if (endings->warn == 0 || until - now >= endings->warn ||
		    now - until >= OVER_S)
			continue;
		dlk_text_print(event.caller, sizeof(event.caller), "doublelockd");
		memcpy(
		    event.fingerprint, endings->of[i].fingerprint, sizeof(event.fingerprint));
		if (!tell(courier, &event, endings->of[i].what, until))
			return false;
	}
	endings->told = 0;
	return true;
}
