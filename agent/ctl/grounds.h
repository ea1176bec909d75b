/* SPDX-License-Identifier: MIT */
/* grounds.h - what a certificate is judged by offline: files that were named, or what the
 * configuration names. */
#ifndef DLK_AGENT_CTL_GROUNDS_H
#define DLK_AGENT_CTL_GROUNDS_H

#include "ctl.h"

struct ctl_grounds {
	const struct dlk_policy *policy;
	const struct dlk_trust *trust;
	const struct dlk_crls *crls;
	struct dlk_engine *engine; /* NULL: no configuration was read */
	struct dlk_policy own_policy;
	struct dlk_trust *own_trust;
	struct dlk_crls *own_crls;
};
void ctl_grounds_fini(struct ctl_grounds *grounds);

/* Without configuration: the defaults of the manual, and the common name as the account.
 * `revocation` is a mode or NULL. */
enum dlk_reason ctl_grounds_of_files(struct ctl_grounds *grounds,
    const struct ctl_files *anchors, const struct ctl_files *intermediates,
    const struct ctl_files *crls, struct dlk_finding *finding);
/* With it, and the CRLs of `crls` besides. */
enum dlk_reason ctl_grounds_of_config(struct ctl_grounds *grounds, const char *config,
    const struct ctl_files *crls, struct dlk_finding *finding);
/* Another mode than the configuration's, or than the default. */
void ctl_grounds_revocation(struct ctl_grounds *grounds, enum dlk_revocation_mode mode);

/* Every certificate of the file, with the strictness of one that is presented: where one of
 * them is refused, all are. */
enum dlk_reason ctl_certs_presented(const struct ctl_file *file, size_t most,
    struct dlk_certs *certs, struct dlk_finding *finding);
/* Those that are good; the others are said, and counted in `left_out`. */
enum dlk_reason ctl_certs_known(const struct ctl_file *file, struct dlk_certs *certs,
    size_t *left_out, struct dlk_finding *finding);

#endif
