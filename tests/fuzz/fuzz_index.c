/* SPDX-License-Identifier: MIT */
/*
 * Any octets as a compiled list. The digest of head and tail is put right first, because what
 * is behind it has to hold up as well: an index that somebody else wrote crashes nobody.
 */
#include <stdlib.h>
#include <string.h>

#include "core/crlform.h"
#include "core/crlset.h"
#include "store/indexhead.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
put_right(uint8_t *image, size_t n)
{
	uint64_t tail = dlk_get_be64(image + CRLFORM_TAIL);

	dlk_put_be64(image + CRLFORM_SIZE, n);
	if (tail <= n)
		(void)dlk_crlform_digest(
		    image, DLK_BYTES(image + tail, n - tail), image + CRLFORM_HEAD_SUMMED);
}

static void
try_image(uint8_t *image, size_t n)
{
	const struct dlk_crl_image kept = { .octets = DLK_BYTES(image, n) };
	struct dlk_finding why = { 0 };
	struct dlk_crl_hit hit;
	struct dlk_crls *crls;

	if (dlk_crls_new(&crls) < 0)
		abort();
	if (dlk_crls_add_image(crls, &kept, "fuzz", &why) == DLK_R_OK) {
		struct dlk_crl *crl = crls->crl[0];
		(void)dlk_crlimage_sound(&crl->image);
		for (size_t i = 0; i < 256; i++) {
			const uint8_t serial[] = { 1, (uint8_t)i };
			(void)dlk_crl_find(
			    crl, crl->issuer, DLK_BYTES(serial, 1 + i % 2), &hit);
		}
	}
	dlk_crls_free(crls);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dlk_index_head head;
	uint8_t *image = malloc(size + 1);

	if (!image)
		abort();
	if (size > 0)
		memcpy(image, data, size);
	(void)dlk_index_head_decode(DLK_BYTES(image, size), size, &head);
	try_image(image, size);
	if (size >= CRLFORM_HEAD) {
		put_right(image, size);
		try_image(image, size);
	}
	free(image);
	return 0;
}
