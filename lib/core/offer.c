/* SPDX-License-Identifier: MIT */
/* offer.c - words for sshd. Whether there is anything to say the verdict knows. */
#include "core/offer.h"

#include <errno.h>
#include <string.h>

#include <arpa/inet.h>

#include "base/clock.h"
#include "base/text.h"
#include "core/carrier.h"
#include "core/digest.h"

int
dlk_offer_attempt(struct dlk_request *request)
{
	const struct dlk_bytes parts[] = { DLK_BYTES(
					       request->attempt, sizeof(request->attempt)),
		dlk_bytes_str(request->user), dlk_bytes_of(&request->evidence) };
	uint8_t digest[DLK_DIGEST_SIZE];
	int r = dlk_digest(parts, sizeof(parts) / sizeof(parts[0]), digest);

	if (r == 0)
		memcpy(request->attempt, digest, sizeof(request->attempt));
	return r;
}

static int
add(struct dlk_buf *buf, const char *text)
{
	return dlk_buf_add(buf, DLK_OFFER_MAX, dlk_bytes_str(text));
}

static int
add_network(struct dlk_buf *buf, const struct dlk_network *net)
{
	static const uint8_t v4[12] = { [10] = 0xff, [11] = 0xff };
	bool four = net->bits >= 96 && memcmp(net->address, v4, sizeof(v4)) == 0;
	char address[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 8];

	if (!inet_ntop(four ? AF_INET : AF_INET6, net->address + (four ? 12 : 0), address,
		sizeof(address)))
		return -errno;
	dlk_text_print(text, sizeof(text), "%s/%u", address, net->bits - (four ? 96 : 0));
	return add(buf, text);
}

/* The addresses of the section that held, as sshd's own option: it knows the peer's. */
static int
add_from(const struct dlk_service *service, struct dlk_buf *buf)
{
	int r = 0;

	if (service->n_from == 0)
		return 0;
	for (size_t i = 0; i < service->n_from && r == 0; i++) {
		r = add(buf, i == 0 ? "from=\"" : ",");
		if (r == 0)
			r = add_network(buf, &service->from[i]);
	}
	return r == 0 ? add(buf, "\",") : r;
}

/* What the section that held says of the session. */
static int
add_policy(const struct dlk_policy *policy, const char *section, struct dlk_buf *buf)
{
	const struct dlk_service *service = NULL;
	int r = 0;

	for (size_t i = 0; i < policy->n_services && !service; i++)
		if (strcmp(policy->service[i].section, section) == 0)
			service = &policy->service[i];
	if (!service)
		return -ENOENT; /* unknown, it could be one that restricts */
	if (service->restricted)
		r = add(buf, "restrict,pty,");
	return r == 0 ? add_from(service, buf) : r;
}

/* A carried certificate is believed as far as its own key and this user: sshd is told that
 * the key may certify, and whom. */
static int
add_carried(const struct dlk_sshkey *shown, const char *user, struct dlk_buf *buf)
{
	DLK_AUTO_CARRIED carried = { .key = { .type = "" } };
	int r;

	if (dlk_carrier_parse(shown, &carried, NULL) != DLK_R_OK)
		return -EBADMSG;
	r = add(buf, ",cert-authority,principals=\"");
	if (r == 0)
		r = add(buf, user);
	if (r == 0)
		r = add(buf, "\" ");
	return r == 0 ? dlk_sshkey_text(&carried.key, buf) : r;
}

int
dlk_offer_line(const struct dlk_policy *policy, const struct dlk_verdict *verdict,
    struct dlk_bytes text, struct dlk_buf *buf)
{
	DLK_AUTO_SSHKEY shown = { .type = "" };
	char until[DLK_TIME_TEXT];
	int r;

	if (dlk_sshkey_parse(text, &shown, NULL) != DLK_R_OK)
		return -EBADMSG;
	dlk_time_compact(verdict->chain_until, until);
	r = add_policy(policy, verdict->policy, buf);
	if (r == 0)
		r = add(buf, "expiry-time=\"");
	if (r == 0)
		r = add(buf, until);
	if (r == 0)
		r = add(buf, "\"");
	return r == 0 && dlk_carrier_is(&shown) ? add_carried(&shown, verdict->user, buf) : r;
}
