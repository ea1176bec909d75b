/* SPDX-License-Identifier: MIT */
/* Any octets as the answer to a challenge, and as a challenge; none is a signature. */
#include <stdlib.h>
#include <string.h>

#include "core/sshsig.h"
#include "wire/challenge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static EVP_PKEY *
key_of(unsigned n)
{
	static EVP_PKEY *keys[3];

	if (!keys[0]) {
		keys[0] = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
		keys[1] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		keys[2] = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	}
	return keys[n % 3];
}

static void
read_challenge(struct dlk_bytes in)
{
	DLK_AUTO_CHALLENGE challenge = { .by = DLK_POSSESSION_NONE };
	DLK_AUTO_BUF again = { 0 };

	if (dlk_challenge_decode(in, &challenge) != 0)
		return;
	must(dlk_challenge_encode(&challenge, &again) == 0);
	must(dlk_bytes_equal(dlk_bytes_of(&again), in));
}

static void
read_answer(EVP_PKEY *key, struct dlk_bytes in)
{
	DLK_AUTO_ANSWER answer = { .by = DLK_POSSESSION_NONE };
	DLK_AUTO_BUF again = { 0 }, application = { 0 };
	DLK_AUTO_SSHKEY shown = { .type = "" };
	struct dlk_finding finding;

	if (dlk_answer_decode(in, &answer) != 0)
		return;
	must(dlk_answer_encode(&answer, &again) == 0);
	must(dlk_bytes_equal(dlk_bytes_of(&again), in));
	struct dlk_bytes signature = dlk_bytes_of(&answer.signature);
	(void)dlk_sshsig_shown(dlk_bytes_of(&answer.evidence), &shown, &application, &finding);
	must(dlk_sshsig_verify(key, dlk_bytes_of(&application), signature,
		 dlk_bytes_str("data"), &finding) != DLK_R_OK);
	must(dlk_sshsig_verify_bare(key, signature, dlk_bytes_str("data"), &finding) !=
	     DLK_R_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct dlk_bytes in = DLK_BYTES(data + 1, size - 1);
	if (data[0] & 0x80)
		read_challenge(in);
	else
		read_answer(key_of(data[0]), in);
	return 0;
}
