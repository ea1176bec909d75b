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
/* No commonName is a mailbox that the constraints would not let stand in subjectAltName: what
 * serves as an identity is held to them wherever it stands. */
bool dlk_names_cn_within(const X509_NAME *subject, const NAME_CONSTRAINTS *constraints);
/* Pairs of a name and a constraint that would be compared: what judging them costs. */
size_t dlk_names_comparisons(const X509 *x509, const NAME_CONSTRAINTS *constraints);

#endif
