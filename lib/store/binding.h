/* SPDX-License-Identifier: MIT */
/* binding.h - the core's ports bound to this machine: NSS, certs.d, the record. */
#ifndef DLK_STORE_BINDING_H
#define DLK_STORE_BINDING_H

#include "store/keystate.h"
#include "store/record.h"
#include "store/wanted.h"

struct dlk_binding {
	struct dlk_record *record; /* borrowed; NULL: what needs it is `trouble` */
	int error;                 /* then: why, as -errno */
	struct dlk_finding trouble;
	const char *certs;    /* directory of the registry; NULL: none */
	struct dlk_care care; /* for its files */
	const char *cache;    /* of a directory's certificates; NULL: none */
	char words[DLK_DETAIL_MAX + 1];
	char host[DLK_NAME_MAX + 1];  /* asked for with the ports */
	struct dlk_wants *wants;      /* borrowed; NULL: nobody fetches lists */
	struct dlk_keystates *states; /* borrowed; NULL: nobody writes a file of keys */
};
/* The ports borrow binding, trust and crls. */
struct dlk_ports dlk_binding_ports(
    struct dlk_binding *binding, const struct dlk_trust *trust, const struct dlk_crls *crls);

#endif
