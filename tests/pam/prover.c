/* SPDX-License-Identifier: MIT */
/*
 * prover.c - plays doublelock-prove. What follows the last '-' of its own name is its part:
 *
 *     answers  with what is no proof, but an answer
 *     asks     sends a challenge of its own
 *     junk     sends no frame
 *     silent   never answers
 *     dies     without a word
 */
#include <string.h>
#include <unistd.h>

#include "wire/challenge.h"
#include "wire/frame.h"

static int
send_it(enum dlk_prove what, const char *content)
{
	DLK_AUTO_BUF frame = { 0 };

	return dlk_prove_pack(what, dlk_bytes_str(content), &frame) == 0 &&
		       dlk_frame_send(0, dlk_bytes_of(&frame), dlk_monotonic_ms() + 5000) == 0
		   ? 0
		   : 9;
}

int
main(int argc, char **argv)
{
	DLK_AUTO_BUF frame = { 0 };
	const char *part = strrchr(argv[0], '-') + 1;
	struct dlk_bytes content;
	enum dlk_prove what;

	if (strcmp(part, "dies") == 0)
		return 1;
	if (argc != 2 || dlk_frame_receive(0, dlk_monotonic_ms() + 60000, &frame) != 0 ||
	    dlk_prove_unpack(dlk_bytes_of(&frame), &what, &content) != 0 ||
	    !dlk_bytes_equal(content, dlk_bytes_str("\003 and so on")))
		return 9;
	if (strcmp(part, "answers") == 0)
		return send_it(DLK_PROVE_ANSWER, argv[1]);
	if (strcmp(part, "asks") == 0)
		return send_it(DLK_PROVE_CHALLENGE, "x");
	if (strcmp(part, "junk") == 0)
		return write(0, "GET / HTTP/1.0\r\n", 16) == 16 ? 0 : 9;
	pause();
	return 0;
}
