/* SPDX-License-Identifier: MIT */
/* names.h - the form of names in certificates: they become accounts, so none may read in two
 * ways (RFC 5280 sections 4.1.2.4, 4.2.1.6 and 4.2.1.10). Private to lib/core. */
#ifndef DLK_CORE_NAMES_H
#define DLK_CORE_NAMES_H

#include <stdbool.h>

#include <openssl/x509v3.h>

bool dlk_names_subject_ok(const X509_NAME *name);
bool dlk_names_alt_ok(const GENERAL_NAMES *names);
bool dlk_names_constraints_ok(const NAME_CONSTRAINTS *constraints);

#endif
