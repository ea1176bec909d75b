/* SPDX-License-Identifier: MIT */
/* Any octets as a file of CRLs: refused, or compiled into images that are sound. */
#include <stdlib.h>

#include "core/crlset.h"
#include "core/points.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool held)
{
	if (!held)
		abort();
}

static void
take_point(struct dlk_bytes uri, void *arg)
{
	size_t *octets = arg;

	for (size_t i = 0; i < uri.n; i++)
		*octets += uri.p[i] > 0;
}

static void
try_list(struct dlk_crls *crls, size_t i)
{
	static const uint8_t serials[] = { 0, 1, 0x7f, 0x80, 0xff, 0x12, 0x34 };
	struct dlk_crl *crl = crls->crl[i];
	struct dlk_crl_about about;
	struct dlk_crl_hit hit;
	size_t octets = 0;

	dlk_crls_describe(crls, i, &about);
	must(dlk_crlimage_sound(&crl->image));
	must(about.this_update <= about.next_update);
	dlk_crls_points(crls, i, take_point, &octets);
	for (size_t n = 1; n <= sizeof(serials); n++) {
		int r = dlk_crl_find(crl, crl->issuer, DLK_BYTES(serials, n), &hit);
		must(r == 0 || (r == 1 && about.entries > 0));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dlk_finding why = { 0 };
	struct dlk_crls *crls;

	must(dlk_crls_new(&crls) == 0);
	enum dlk_reason reason = dlk_crls_add_file(crls, DLK_BYTES(data, size), "fuzz", &why);
	must((reason == DLK_R_OK) == (dlk_crls_count(crls) > 0));
	must(reason == DLK_R_OK || why.detail[0] != '\0');
	for (size_t i = 0; i < dlk_crls_count(crls); i++)
		try_list(crls, i);
	dlk_crls_free(crls);
	return 0;
}
