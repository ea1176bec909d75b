/* SPDX-License-Identifier: MIT */
/*
 * prover.c - plays doublelock-prove. What follows "prover-" in its own name is its part:
 *
 *     answers  with what is no proof, but an answer
 *     asks     sends a challenge of its own
 *     junk     sends no frame
 *     silent   never answers
 *     dies     without a word
 *
 * and with "-token" behind it doublelock-prove-token. All of these ask for a PIN and answer
 * with it; where they have asked in an impossible way nothing comes:
 *
 *     pin, last, reader   for a PIN, the last one, one on the reader
 *     twice               for two PINs
 *     name, unnamed, kind of a token whose name is none, that has none, in no way there is
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire/challenge.h"
#include "wire/frame.h"

static void
send_it(enum dlk_prove what, struct dlk_bytes content)
{
	DLK_AUTO_BUF frame = { 0 };

	if (dlk_prove_pack(what, content, &frame) != 0 ||
	    dlk_frame_send(0, dlk_bytes_of(&frame), dlk_monotonic_ms() + 5000) != 0)
		exit(9);
}

static void
hear(enum dlk_prove expected, struct dlk_buf *ret)
{
	DLK_AUTO_BUF frame = { 0 };
	struct dlk_bytes content;
	enum dlk_prove what;

	if (dlk_frame_receive(0, dlk_monotonic_ms() + 60000, &frame) != 0 ||
	    dlk_prove_unpack(dlk_bytes_of(&frame), &what, &content) != 0 || what != expected ||
	    dlk_buf_add(ret, 4096, content) != 0)
		exit(9);
}

static int
play_token(const char *part)
{
	static const struct {
		const char *part;
		struct dlk_bytes need;
	} needs[] = {
		{ "pin", { (const uint8_t *)"\0my card", 8 } },
		{ "last", { (const uint8_t *)"\1my card", 8 } },
		{ "reader", { (const uint8_t *)"\2my card", 8 } },
		{ "twice", { (const uint8_t *)"\0my card", 8 } },
		{ "name", { (const uint8_t *)"\0my\ncard", 8 } },
		{ "unnamed", { (const uint8_t *)"\0", 1 } },
		{ "kind", { (const uint8_t *)"\3my card", 8 } },
	};
	DLK_AUTO_BUF pin = { 0 };

	dlk_buf_add(&pin, 4096, dlk_bytes_str("\004"));
	for (size_t i = 0; i < sizeof(needs) / sizeof(*needs); i++)
		if (strncmp(part, needs[i].part, strlen(needs[i].part)) == 0)
			send_it(DLK_PROVE_NEED_PIN, needs[i].need);
	if (strncmp(part, "reader", 6) != 0)
		hear(DLK_PROVE_PIN, &pin);
	if (strncmp(part, "twice", 5) == 0)
		send_it(DLK_PROVE_NEED_PIN, needs[0].need);
	send_it(DLK_PROVE_ANSWER, dlk_bytes_of(&pin));
	return 0;
}

int
main(int argc, char **argv)
{
	DLK_AUTO_BUF challenge = { 0 };
	const char *part = strrchr(argv[0], '/') + 1 + strlen("prover-");
	bool token = strstr(part, "-token") != NULL;

	if (strcmp(part, "dies") == 0)
		return 1;
	hear(DLK_PROVE_CHALLENGE, &challenge);
	if (argc != (token ? 1 : 2) ||
	    !dlk_bytes_equal(dlk_bytes_of(&challenge),
		dlk_bytes_str(token ? "\004 and so on" : "\003 and so on")))
		return 9;
	if (token)
		return play_token(part);
	if (strcmp(part, "answers") == 0)
		send_it(DLK_PROVE_ANSWER, dlk_bytes_str(argv[1]));
	else if (strcmp(part, "asks") == 0)
		send_it(DLK_PROVE_CHALLENGE, dlk_bytes_str("x"));
	else if (strcmp(part, "junk") == 0)
		return write(0, "GET / HTTP/1.0\r\n", 16) == 16 ? 0 : 9;
	else
		pause();
	return 0;
}
