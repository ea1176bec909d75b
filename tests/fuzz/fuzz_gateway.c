/* SPDX-License-Identifier: MIT */
/*
 * Any headers to each of the profiles, and any body to /v1/check: a request that states the
 * key's use only beside a certificate, or a refusal. The first octet says which.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/check.h"
#include "agent/profile.h"

#define HEADERS_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const profiles[] = { "nginx", "haproxy", "caddy", "traefik", "envoy",
	"apache", "rfc9440", "alb" };

static void
hold(const struct dlk_request *r, bool good)
{
	bool certificate = r->evidence_kind == DLK_EVIDENCE_CERTIFICATE;

	if (good && (certificate != (r->evidence.n > 0) ||
			certificate != (r->possession == DLK_POSSESSION_TLS_GATEWAY)))
		abort();
	if (r->evidence.n > DLK_EVIDENCE_MAX || r->chain.n > DLK_CHAIN_MAX ||
	    (r->chain.n > 0 && good && !certificate && r->possession != 0))
		abort();
}

/* "Name: value" lines, taken apart in place. */
static size_t
take_headers(char *text, struct dlk_header *header)
{
	size_t n = 0;

	for (char *line = strtok(text, "\n"); line && n < HEADERS_MAX;
	     line = strtok(NULL, "\n")) {
		char *colon = strchr(line, ':');
		if (!colon)
			continue;
		*colon = '\0';
		header[n++] = (struct dlk_header){ line, colon + 1 + strspn(colon + 1, " ") };
	}
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dlk_header header[HEADERS_MAX];
	struct dlk_headers headers = { .header = header };
	struct dlk_finding finding = { 0 };
	DLK_AUTO_REQUEST request = { 0 };
	struct dlk_naming named = { .serial = "" };
	char words[128] = "";

	if (size == 0)
		return 0;
	size_t which = data[0] % 9U;
	if (which == 8) {
		hold(&request, dlk_check_parse(DLK_BYTES(data + 1, size - 1), &request, &named,
				   words, sizeof(words)) == 0);
		if (named.serial[0] && strlen(named.issuer) >= sizeof(named.issuer))
			abort();
		return 0;
	}
	char *text = strndup((const char *)data + 1, size - 1);
	if (!text)
		return 0;
	headers.n = take_headers(text, header);
	enum dlk_reason reason = dlk_profile_read(
	    dlk_profile_find(dlk_bytes_str(profiles[which])), &headers, &request, &finding);
	if (reason != (finding.reason == DLK_R_UNDECIDED ? DLK_R_OK : finding.reason))
		abort();
	hold(&request, reason == DLK_R_OK);
	free(text);
	return 0;
}
