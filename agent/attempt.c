/* SPDX-License-Identifier: MIT */
/* attempt.c - one digest. Which peers need it is their door's to know. */
#include "agent/attempt.h"

#include <string.h>

#include "core/digest.h"

int
dlk_attempt_of_peer(const char *peer, uint8_t attempt[DLK_ATTEMPT_SIZE])
{
	static const uint8_t none[DLK_ATTEMPT_SIZE];
	const struct dlk_bytes parts[] = { dlk_bytes_str("attempt"), dlk_bytes_str(peer),
		DLK_BYTES(attempt, DLK_ATTEMPT_SIZE) };
	uint8_t digest[DLK_DIGEST_SIZE];

	if (memcmp(attempt, none, sizeof(none)) == 0)
		return 0;
	int r = dlk_digest(parts, sizeof(parts) / sizeof(parts[0]), digest);
	if (r == 0)
		memcpy(attempt, digest, DLK_ATTEMPT_SIZE);
	return r;
}
