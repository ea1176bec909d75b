/* SPDX-License-Identifier: MIT */
/* names.h - the form of names in certificates: they become accounts, so none may read in two
 * ways (RFC 5280 sections 4.1.2.4 and 4.2.1.6). Private to lib/core. */
#ifndef DLK_CORE_NAMES_H
#define DLK_CORE_NAMES_H

#include <stdbool.h>

#include <openssl/x509v3.h>

#include "base/bytes.h"

bool dlk_names_subject_ok(const X509_NAME *name);
bool dlk_names_alt_ok(const GENERAL_NAMES *names);
/* RFC 1034 section 3.5, with the underscores of practice. */
bool dlk_names_is_host(struct dlk_bytes name);
/* One '@' between a local part and a host (RFC 5280 section 4.2.1.6, RFC 5321 section 4.1.2).
 */
bool dlk_names_is_mailbox(struct dlk_bytes name);

#endif
