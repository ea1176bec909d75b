/* SPDX-License-Identifier: MIT */
/*
 * subtrees.h - name constraints (RFC 5280 section 4.2.1.10): their form, and what of names
 * OpenSSL's NAME_CONSTRAINTS_check() does not hold against them. Private to lib/core.
 */
#ifndef DLK_CORE_SUBTREES_H
#define DLK_CORE_SUBTREES_H

#include <stdbool.h>

#include <openssl/x509v3.h>

/* Each base is of its form, and there is one. */
bool dlk_subtrees_ok(const NAME_CONSTRAINTS *constraints);
/* NULL, or what lies outside (static words): a URI whose host cannot be told for certain,
 * where URIs are constrained at all; a wildcard that covers an excluded host. */
const char *dlk_subtrees_fault(const X509 *x509, const NAME_CONSTRAINTS *constraints);
/* The same for a leaf's commonNames that are a mailbox or a host name: what serves as an
 * identity is held to the constraints wherever it stands. */
const char *dlk_subtrees_cn_fault(
    const X509_NAME *subject, const NAME_CONSTRAINTS *constraints);
/* Pairs of a name and a constraint that would be compared: what judging them costs. */
size_t dlk_subtrees_comparisons(const X509 *x509, const NAME_CONSTRAINTS *constraints);

#endif
