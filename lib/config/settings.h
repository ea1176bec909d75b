/* SPDX-License-Identifier: MIT */
/* settings.h - a configuration as it was read: the policy, and where things lie. */
#ifndef DLK_CONFIG_SETTINGS_H
#define DLK_CONFIG_SETTINGS_H

#include "base/file.h"
#include "core/policy.h"

#ifndef DLK_SYSCONFDIR
#define DLK_SYSCONFDIR "/etc/doublelock"
#endif
#ifndef DLK_STATEDIR
#define DLK_STATEDIR "/var/lib/doublelock"
#endif
#ifndef DLK_RUNDIR
#define DLK_RUNDIR "/run/doublelock"
#endif
#define DLK_CONFIG_FILE DLK_SYSCONFDIR "/doublelock.conf"

struct dlk_strings {
	char **text;
	size_t n;
};

/* Paths are absolute. Defaults stand beside the configuration file. */
struct dlk_settings {
	char *file;
	struct dlk_policy policy;
	struct dlk_strings intermediates; /* paths; a default one may be missing */
	bool intermediates_given;
	struct dlk_strings crls; /* [revocation] crl */
	bool crls_given;
	struct dlk_strings crl_urls; /* [revocation] url */
	bool crl_fetch;              /* [revocation] fetch; yes unless told */
	char *export;                /* [revocation] export: a directory, or NULL */
	char *certificates;          /* [certificates] directory */
	struct {
		char *url; /* NULL: there is none */
		char *base, *filter, *user, *ca, *bind_dn, *password_file;
		int64_t refresh;   /* seconds */
		char *cache;       /* directory beside the database: ldap/ */
	} ldap;                    /* [certificates] ldap... */
	struct dlk_strings listen; /* [agent] listen: "unix:/path", ... */
	unsigned rate; /* [agent] rate: requests a second of one source or certificate */
	unsigned gateway_rate; /* [agent] gateway-rate: of one gateway; 0 in either: any */
	struct {
		char *certificate, *key; /* of the tls: listeners */
		char *clients; /* directory of NAME.pem: the gateways that may come */
		bool with_1_2; /* TLS 1.2 besides 1.3 */
		struct dlk_strings users;   /* words of vouch and ask-for that are users */
		struct dlk_strings readers; /* names that may read /metrics and /v1/status */
	} tls;
	struct {
		char *url, *secret_file, *ca, *certificate, *key;
	} webhook;
	char *store;  /* path of the database */
	int64_t warn; /* [agent] warn: seconds before a certificate's end; 0: nobody is told */
	int64_t keep; /* [state] keep: seconds that events stay; 0: for ever */
	char *seal_key;
	char *index;              /* directory of compiled CRLs, beside the database: crl/ */
	struct dlk_strings files; /* every file and directory that was read, for watching */
};

/*
 * Reads the file and conf.d/NAME.conf beside it. 0, or -errno with "file:line: key: why" in
 * `finding` (fault-config). `care` is asked of every file that is read here.
 */
int dlk_settings_load(const char *file, const struct dlk_care *care,
    struct dlk_settings **ret_settings, struct dlk_finding *finding);
void dlk_settings_free(struct dlk_settings *settings);

#endif
