/* SPDX-License-Identifier: MIT */
/* Paths: what RFC 5280 section 6.1 and the rules here accept, what they refuse and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/path.h"
#include "tests/unit/pki.h"

#define SUBS 3

/* A root, CAs one below the other, a leaf; a row changes what it likes, then they are made. */
struct chain {
	struct pki_spec root, sub[SUBS], leaf;
	size_t subs;
	struct dlk_path_rules rules;
	int64_t now;
	bool sub_is_anchor; /* the last CA stands in the place of the root */
};

static void
chain_init(struct chain *c, size_t subs)
{
	static const char *const names[SUBS] = { "CN=Sub 1", "CN=Sub 2", "CN=Sub 3" };
	const struct pki_spec *by = &c->root;

	*c = (struct chain){ .subs = subs, .now = PKI_NOW };
	c->root = pki_ca("CN=Root", NULL, pki_key(PKI_P256, 1));
	for (size_t i = 0; i < subs; by = &c->sub[i++])
		c->sub[i] = pki_ca(names[i], by, pki_key(PKI_P256, 2 + (unsigned)i));
	c->leaf = pki_leaf("CN=alice", by);
}

static enum dlk_reason
chain_judge(const struct chain *c, struct dlk_finding *finding)
{
	struct dlk_trust *trust = NULL;
	DLK_AUTO_CERTS presented = { 0 };
	DLK_AUTO_PATHS *paths = NULL;
	DLK_AUTO_CERT *root = pki_cert(&c->root);
	DLK_AUTO_CERT *leaf = pki_cert(&c->leaf);

	assert_int_equal(dlk_trust_new(&trust), 0);
	if (!c->sub_is_anchor)
		assert_int_equal(dlk_trust_add_anchor(trust, 0, root), 0);
	for (size_t i = 0; i < c->subs; i++) {
		struct dlk_cert *sub = pki_cert(&c->sub[i]);

		if (c->sub_is_anchor && i + 1 == c->subs)
			assert_int_equal(dlk_trust_add_anchor(trust, 0, sub), 0);
		assert_int_equal(dlk_certs_add(&presented, sub), 0);
	}
	enum dlk_reason reason =
	    dlk_paths_find(trust, &c->rules, leaf, &presented, c->now, &paths, finding);
	if (reason == DLK_R_OK) {
		assert_int_equal(dlk_paths_count(paths), 1);
		assert_int_equal(dlk_paths_at(paths, 0)->cert[0] == leaf, 1);
	}
	dlk_trust_free(trust);
	return reason;
}

struct row {
	const char *name;
	void (*change)(struct chain *c);
	enum dlk_reason reason;
	size_t subs;        /* 0: one */
	const char *detail; /* NULL, or what stands in the detail */
};

#define CHANGE(name) static void name(struct chain *c)

CHANGE(nothing)
{
	(void)c;
}
CHANGE(leaf_forged)
{
	c->leaf.bad_signature = true;
}
CHANGE(sub_forged)
{
	c->sub[0].bad_signature = true;
}
CHANGE(leaf_by_stranger)
{
	c->leaf.signer = pki_key(PKI_P256, 9);
}
CHANGE(leaf_of_nobody)
{
	c->leaf.issuer = "CN=Nobody";
}
CHANGE(issuer_in_other_case)
{
	c->leaf.issuer = "CN=sub  1";
}
CHANGE(leaf_sha1)
{
	c->leaf.digest = "SHA1";
}
CHANGE(sub_sha1)
{
	c->sub[0].digest = "SHA1";
}
CHANGE(root_sha1)
{
	c->root.digest = "SHA1";
}
CHANGE(root_forged)
{
	c->root.bad_signature = true;
}
CHANGE(leaf_md5)
{
	c->sub[0].key = pki_key(PKI_RSA, 0);
	c->leaf.algorithm = "1.2.840.113549.1.1.4";
}
CHANGE(all_rsa)
{
	c->root.key = c->sub[0].key = pki_key(PKI_RSA, 0);
	c->leaf.key = pki_key(PKI_RSA, 1);
}
CHANGE(all_p384)
{
	c->root.key = c->sub[0].key = c->leaf.key = pki_key(PKI_P384, 0);
	c->root.digest = c->sub[0].digest = c->leaf.digest = "SHA384";
}
CHANGE(all_p521)
{
	c->root.key = c->sub[0].key = c->leaf.key = pki_key(PKI_P521, 0);
	c->root.digest = c->sub[0].digest = c->leaf.digest = "SHA512";
}
CHANGE(all_ed25519)
{
	c->root.key = c->sub[0].key = c->leaf.key = pki_key(PKI_ED25519, 0);
}
CHANGE(leaf_rsa_1024)
{
	c->leaf.key = pki_key(PKI_RSA_1024, 0);
}
CHANGE(sub_rsa_1024)
{
	c->sub[0].key = pki_key(PKI_RSA_1024, 0);
}
CHANGE(root_rsa_1024)
{
	c->root.key = pki_key(PKI_RSA_1024, 0);
}
CHANGE(leaf_rsa_1024_asked)
{
	leaf_rsa_1024(c);
	c->rules.min_rsa_bits = 1024;
}
CHANGE(root_rsa_1024_blindly)
{
	root_rsa_1024(c);
	c->rules.trust_anchors_blindly = true;
}

CHANGE(leaf_expired)
{
	c->leaf.not_after = PKI_NOW - 1;
}
CHANGE(leaf_at_end)
{
	c->leaf.not_after = PKI_NOW;
}
CHANGE(leaf_at_begin)
{
	c->leaf.not_before = PKI_NOW;
}
CHANGE(leaf_too_early)
{
	c->leaf.not_before = PKI_NOW + 1;
}
CHANGE(sub_expired)
{
	c->sub[0].not_after = PKI_NOW - 1;
}
CHANGE(root_expired)
{
	c->root.not_after = PKI_NOW - 1;
}
CHANGE(root_too_early)
{
	c->root.not_before = PKI_NOW + 1;
}
CHANGE(root_expired_blindly)
{
	root_expired(c);
	c->rules.trust_anchors_blindly = true;
}
CHANGE(before_1970)
{
	c->now = -1000000;
	c->root.not_before = c->sub[0].not_before = c->leaf.not_before = -2000000;
}
CHANGE(after_2050)
{
	c->now = INT64_C(3000000000);
	c->root.not_after = c->sub[0].not_after = c->leaf.not_after = INT64_C(3000000001);
}

CHANGE(sub_no_ca)
{
	pki_unset(&c->sub[0], PKI_BASIC);
}
CHANGE(sub_ca_false)
{
	pki_set(&c->sub[0], PKI_BASIC, true, "CA:FALSE");
}
CHANGE(sub_ca_loose)
{
	pki_set(&c->sub[0], PKI_BASIC, false, "CA:TRUE");
}
CHANGE(sub_v1)
{
	c->sub[0].version_n = SIZE_MAX;
	c->sub[0].no_extensions = true;
}
CHANGE(sub_no_usage)
{
	pki_unset(&c->sub[0], PKI_USAGE);
}
CHANGE(sub_no_cert_sign)
{
	pki_set(&c->sub[0], PKI_USAGE, true, "cRLSign,digitalSignature");
}
CHANGE(root_no_ca)
{
	pki_unset(&c->root, PKI_BASIC);
}
CHANGE(root_no_cert_sign)
{
	pki_set(&c->root, PKI_USAGE, true, "cRLSign");
}
CHANGE(root_v1)
{
	c->root.version_n = SIZE_MAX;
	c->root.no_extensions = true;
}
CHANGE(root_v1_blindly)
{
	root_v1(c);
	c->rules.trust_anchors_blindly = true;
}
CHANGE(leaf_key_agreement)
{
	pki_set(&c->leaf, PKI_USAGE, true, "keyAgreement");
}
CHANGE(leaf_no_usage)
{
	pki_unset(&c->leaf, PKI_USAGE);
}
CHANGE(leaf_cert_sign)
{
	pki_set(&c->leaf, PKI_USAGE, true, "digitalSignature,keyCertSign");
}
CHANGE(leaf_constrains)
{
	pki_set(&c->leaf, PKI_CONSTRAINTS, true, "permitted;DNS:example.com");
}
CHANGE(leaf_is_ca)
{
	pki_set(&c->leaf, PKI_BASIC, true, "CA:TRUE");
	pki_set(&c->leaf, PKI_USAGE, true, "digitalSignature,keyCertSign");
}
CHANGE(leaf_server)
{
	pki_set(&c->leaf, PKI_PURPOSES, false, "serverAuth");
}
CHANGE(leaf_server_critical)
{
	pki_set(&c->leaf, PKI_PURPOSES, true, "serverAuth");
}
CHANGE(leaf_both)
{
	pki_set(&c->leaf, PKI_PURPOSES, true, "serverAuth,clientAuth");
}
CHANGE(leaf_any)
{
	pki_set(&c->leaf, PKI_PURPOSES, false, "anyExtendedKeyUsage");
}
CHANGE(leaf_any_asked)
{
	leaf_any(c);
	c->rules.any_purpose = true;
}
CHANGE(leaf_ssh)
{
	pki_set(&c->leaf, PKI_PURPOSES, false, "1.3.6.1.5.5.7.3.21");
}
CHANGE(leaf_ssh_asked)
{
	leaf_ssh(c);
	c->rules.ssh_purpose = true;
}
CHANGE(leaf_server_ssh_asked)
{
	leaf_server(c);
	c->rules.ssh_purpose = true;
}
CHANGE(leaf_no_purpose)
{
	pki_unset(&c->leaf, PKI_PURPOSES);
}
CHANGE(sub_server)
{
	pki_set(&c->sub[0], PKI_PURPOSES, false, "serverAuth");
}
CHANGE(sub_client)
{
	pki_set(&c->sub[0], PKI_PURPOSES, false, "clientAuth,emailProtection");
}
CHANGE(sub_any)
{
	pki_set(&c->sub[0], PKI_PURPOSES, false, "anyExtendedKeyUsage");
}
CHANGE(root_server)
{
	pki_set(&c->root, PKI_PURPOSES, false, "serverAuth");
}
CHANGE(crl_signer)
{
	c->rules.crl_signer = true;
	pki_set(&c->leaf, PKI_USAGE, true, "cRLSign");
	leaf_server(c);
}
CHANGE(crl_signer_is_none)
{
	crl_signer(c);
	pki_set(&c->leaf, PKI_USAGE, true, "digitalSignature");
}

CHANGE(root_length_0)
{
	pki_set(&c->root, PKI_BASIC, true, "CA:TRUE,pathlen:0");
}
CHANGE(root_length_0_blindly)
{
	root_length_0(c);
	c->rules.trust_anchors_blindly = true;
}
CHANGE(root_length_1)
{
	pki_set(&c->root, PKI_BASIC, true, "CA:TRUE,pathlen:1");
}
CHANGE(sub_length_0)
{
	pki_set(&c->sub[0], PKI_BASIC, true, "CA:TRUE,pathlen:0");
}
CHANGE(new_key_for_itself)
{
	root_length_1(c);
	c->sub[1].subject = "CN=Sub 1"; /* issued to itself: not counted */
}
CHANGE(depth_2)
{
	c->rules.max_depth = 2;
}
CHANGE(depth_1)
{
	c->rules.max_depth = 1;
}
CHANGE(depth_3)
{
	c->rules.max_depth = 3;
}

CHANGE(other_key_id)
{
	pki_set(&c->root, PKI_KEY_ID, false, "0102");
	pki_set(&c->sub[0], PKI_KEY_ID, false, "0304");
	pki_set_octets(&c->leaf, PKI_ISSUER_KEY, false, "\x30\x04\x80\x02\x09\x09", 6);
}
CHANGE(sub_is_anchor)
{
	c->sub_is_anchor = true;
}
CHANGE(sub_is_old_anchor)
{
	c->sub_is_anchor = true;
	sub_expired(c);
}

#define PERMIT(c, what)  pki_set(&(c)->sub[0], PKI_CONSTRAINTS, true, "permitted;" what)
#define EXCLUDE(c, what) pki_set(&(c)->sub[0], PKI_CONSTRAINTS, true, "excluded;" what)
#define NAMED(c, what)   pki_set(&(c)->leaf, PKI_ALT_NAME, false, what)

CHANGE(mail_in)
{
	PERMIT(c, "email:example.com");
	NAMED(c, "email:a@example.com");
}
CHANGE(mail_out)
{
	PERMIT(c, "email:example.com");
	NAMED(c, "email:a@example.org");
}
CHANGE(mail_below)
{
	PERMIT(c, "email:example.com");
	NAMED(c, "email:a@x.example.com");
}
CHANGE(mail_dot_below)
{
	PERMIT(c, "email:.example.com");
	NAMED(c, "email:a@x.example.com");
}
CHANGE(mail_excluded)
{
	EXCLUDE(c, "email:example.com");
	NAMED(c, "email:a@example.com");
}
CHANGE(mail_second)
{
	PERMIT(c, "email:example.com");
	NAMED(c, "email:a@example.com,email:b@example.org");
}
CHANGE(mail_in_subject)
{
	PERMIT(c, "email:example.com");
	c->leaf.subject = "CN=a/E=a@example.org";
}
CHANGE(mail_in_cn)
{
	PERMIT(c, "email:example.com");
	c->leaf.subject = "CN=a@example.org";
}
CHANGE(mail_in_cn_in)
{
	PERMIT(c, "email:example.com");
	c->leaf.subject = "CN=a@Example.COM";
}
CHANGE(mail_in_cn_excluded)
{
	EXCLUDE(c, "email:.org");
	c->leaf.subject = "CN=a@example.org";
}
CHANGE(mail_in_cn_whole)
{
	PERMIT(c, "email:a@example.org");
	c->leaf.subject = "CN=b@example.org";
}
CHANGE(host_in)
{
	PERMIT(c, "DNS:example.com");
	NAMED(c, "DNS:a.example.com");
}
CHANGE(host_out)
{
	PERMIT(c, "DNS:example.com");
	NAMED(c, "DNS:a.example.org");
}
CHANGE(host_suffix)
{
	PERMIT(c, "DNS:example.com");
	NAMED(c, "DNS:badexample.com");
}
CHANGE(host_in_cn)
{
	PERMIT(c, "DNS:example.com");
	c->leaf.subject = "CN=www.example.org";
}
CHANGE(host_in_cn_as_well)
{
	host_in(c);
	c->leaf.subject = "CN=www.example.org";
}
CHANGE(host_in_cn_within)
{
	host_in(c);
	c->leaf.subject = "CN=www.Example.com";
}
CHANGE(address_in_cn)
{
	host_in(c);
	c->leaf.subject = "CN=127.0.0.1";
}
CHANGE(person_in_cn)
{
	host_in(c);
	c->leaf.subject = "CN=Alice A. Smith";
}
CHANGE(wildcard_in)
{
	PERMIT(c, "DNS:example.com");
	NAMED(c, "DNS:*.example.com");
}
CHANGE(wildcard_over_excluded)
{
	EXCLUDE(c, "DNS:bad.example.com");
	NAMED(c, "DNS:*.example.com");
}
CHANGE(wildcard_beside_excluded)
{
	EXCLUDE(c, "DNS:bad.a.example.com");
	NAMED(c, "DNS:*.example.com");
}
CHANGE(wildcard_above_permitted)
{
	PERMIT(c, "DNS:good.example.com");
	NAMED(c, "DNS:*.example.com");
}
CHANGE(uri_in)
{
	PERMIT(c, "URI:.example.com");
	NAMED(c, "URI:https://a.example.com/x");
}
CHANGE(uri_out)
{
	PERMIT(c, "URI:.example.com");
	NAMED(c, "URI:https://example.org/x");
}
CHANGE(uri_without_host)
{
	PERMIT(c, "URI:.example.com");
	NAMED(c, "URI:urn:x:y");
}
CHANGE(uri_with_user)
{
	PERMIT(c, "URI:good.example.com");
	NAMED(c, "URI:https://good.example.com:80@evil.example.org/");
}
CHANGE(uri_with_query)
{
	PERMIT(c, "URI:.example.com");
	NAMED(c, "URI:https://evil.example.org?a.example.com");
}
CHANGE(uri_of_address_excluded)
{
	EXCLUDE(c, "URI:.example.com");
	NAMED(c, "URI:https://192.0.2.1/x");
}
CHANGE(uri_with_port)
{
	PERMIT(c, "URI:.example.com");
	NAMED(c, "URI:https://a.example.com:8443/x?y=http://z");
}
CHANGE(uri_unconstrained)
{
	PERMIT(c, "DNS:example.com");
	NAMED(c, "URI:urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
}
CHANGE(ip_in)
{
	PERMIT(c, "IP:10.0.0.0/255.0.0.0");
	NAMED(c, "IP:10.1.2.3");
}
CHANGE(ip_out)
{
	PERMIT(c, "IP:10.0.0.0/255.0.0.0");
	NAMED(c, "IP:11.1.2.3");
}
CHANGE(ip_of_other_kind)
{
	PERMIT(c, "IP:10.0.0.0/255.0.0.0");
	NAMED(c, "IP:2001:db8::1");
}
CHANGE(other_forms)
{
	PERMIT(c, "DNS:example.com");
	NAMED(c, "email:a@example.org");
}
CHANGE(upn_permitted)
{
	/* permitted: otherName UPN; nobody can compare those, so names of the kind are out */
	pki_set_octets(&c->sub[0], PKI_CONSTRAINTS, true,
	    "\x30\x19\xa0\x17\x30\x15\xa0\x13\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x14\x02\x03"
	    "\xa0\x05\x0c\x03"
	    "a@b",
	    27);
	NAMED(c, "otherName:msUPN;UTF8:a@c");
}
#define EXAMPLE_DN                                                                            \
	"\x30\x12\x31\x10\x30\x0e\x06\x03\x55\x04\x0a\x0c\x07"                                \
	"Example"
CHANGE(directory_permitted)
{
	pki_set_octets(&c->sub[0], PKI_CONSTRAINTS, true,
	    "\x30\x1a\xa0\x18\x30\x16\xa4\x14" EXAMPLE_DN, 28);
}
CHANGE(directory_in)
{
	directory_permitted(c);
	c->leaf.subject = "O=example/CN=alice";
}
CHANGE(root_constrains)
{
	pki_set(&c->root, PKI_CONSTRAINTS, true, "permitted;email:example.com");
	NAMED(c, "email:a@example.org");
}
CHANGE(root_constrains_blindly)
{
	root_constrains(c);
	c->rules.trust_anchors_blindly = true;
}
CHANGE(loose_constraints)
{
	pki_set(&c->sub[0], PKI_CONSTRAINTS, false, "permitted;email:example.com");
	NAMED(c, "email:a@example.org");
}

CHANGE(explicit_without)
{
	pki_set(&c->sub[0], PKI_DEMANDS, true, "requireExplicitPolicy:0");
}
CHANGE(explicit_with)
{
	explicit_without(c);
	pki_set(&c->sub[0], PKI_POLICIES, false, "1.2.3");
	pki_set(&c->leaf, PKI_POLICIES, false, "1.2.3");
}
CHANGE(explicit_other)
{
	explicit_with(c);
	pki_set(&c->leaf, PKI_POLICIES, false, "1.2.4");
}
CHANGE(explicit_loose)
{
	explicit_other(c);
	pki_set(&c->sub[0], PKI_DEMANDS, false, "requireExplicitPolicy:0");
}
CHANGE(policies_differ)
{
	pki_set(&c->sub[0], PKI_POLICIES, false, "1.2.3");
	pki_set(&c->leaf, PKI_POLICIES, false, "1.2.4");
}
CHANGE(any_inhibited)
{
	explicit_with(c);
	pki_set(&c->sub[0], PKI_INHIBIT_ANY, true, "0");
	pki_set(&c->leaf, PKI_POLICIES, false, "2.5.29.32.0");
}

#define BAD_SIGNATURE DLK_R_BAD_SIGNATURE
#define WRONG_PURPOSE DLK_R_WRONG_PURPOSE
#define CONSTRAINT    DLK_R_NAME_CONSTRAINT

static const struct row rows[] = {
	{ "a CA between", nothing, DLK_R_OK, 0, NULL },
	{ "three CAs between", nothing, DLK_R_OK, 3, NULL },
	{ "RSA", all_rsa, DLK_R_OK, 0, NULL },
	{ "P-384", all_p384, DLK_R_OK, 0, NULL },
	{ "P-521", all_p521, DLK_R_OK, 0, NULL },
	{ "Ed25519", all_ed25519, DLK_R_OK, 0, NULL },
	{ "a forged leaf", leaf_forged, BAD_SIGNATURE, 0, "6.1.3" },
	{ "a forged CA", sub_forged, BAD_SIGNATURE, 0, "CN=Sub 1" },
	{ "a leaf that another key signed", leaf_by_stranger, BAD_SIGNATURE, 0, NULL },
	{ "a leaf of an unknown issuer", leaf_of_nobody, DLK_R_UNTRUSTED_ISSUER, 0,
	    "CN=Nobody" },
	{ "an issuer in another case", issuer_in_other_case, DLK_R_OK, 0, NULL },
	{ "a leaf with SHA-1", leaf_sha1, BAD_SIGNATURE, 0, "CN=alice" },
	{ "a CA with SHA-1", sub_sha1, BAD_SIGNATURE, 0, "CN=Sub 1" },
	{ "an anchor with SHA-1", root_sha1, DLK_R_OK, 0, NULL },
	{ "an anchor's own signature", root_forged, DLK_R_OK, 0, NULL },
	{ "a leaf with MD5", leaf_md5, BAD_SIGNATURE, 0, NULL },
	{ "a leaf with RSA 1024", leaf_rsa_1024, DLK_R_WEAK_KEY, 0, "min-rsa-bits" },
	{ "a CA with RSA 1024", sub_rsa_1024, DLK_R_WEAK_KEY, 0, "CN=Sub 1" },
	{ "an anchor with RSA 1024", root_rsa_1024, DLK_R_WEAK_KEY, 0, "CN=Root" },
	{ "RSA 1024 asked for", leaf_rsa_1024_asked, DLK_R_OK, 0, NULL },
	{ "an anchor with RSA 1024, blindly", root_rsa_1024_blindly, DLK_R_OK, 0, NULL },

	{ "an expired leaf", leaf_expired, DLK_R_CERTIFICATE_EXPIRED, 0, "CN=alice" },
	{ "notAfter is now", leaf_at_end, DLK_R_OK, 0, NULL },
	{ "notBefore is now", leaf_at_begin, DLK_R_OK, 0, NULL },
	{ "a leaf to come", leaf_too_early, DLK_R_CERTIFICATE_NOT_YET_VALID, 0, "CN=alice" },
	{ "an expired CA", sub_expired, DLK_R_CERTIFICATE_EXPIRED, 0, "CN=Sub 1" },
	{ "an expired anchor", root_expired, DLK_R_CERTIFICATE_EXPIRED, 0, "CN=Root" },
	{ "an anchor to come", root_too_early, DLK_R_CERTIFICATE_NOT_YET_VALID, 0, NULL },
	{ "an expired anchor, blindly", root_expired_blindly, DLK_R_OK, 0, NULL },
	{ "before 1970", before_1970, DLK_R_OK, 0, NULL },
	{ "after 2050", after_2050, DLK_R_OK, 0, NULL },

	{ "a CA without basicConstraints", sub_no_ca, WRONG_PURPOSE, 0, "6.1.4" },
	{ "a CA that is none", sub_ca_false, WRONG_PURPOSE, 0, NULL },
	{ "a CA of version 1", sub_v1, WRONG_PURPOSE, 0, NULL },
	{ "basicConstraints not critical", sub_ca_loose, DLK_R_OK, 0, NULL },
	{ "a CA without keyUsage", sub_no_usage, DLK_R_OK, 0, NULL },
	{ "a CA without keyCertSign", sub_no_cert_sign, WRONG_PURPOSE, 0, "keyCertSign" },
	{ "an anchor that is no CA", root_no_ca, WRONG_PURPOSE, 0, NULL },
	{ "an anchor without keyCertSign", root_no_cert_sign, WRONG_PURPOSE, 0, NULL },
	{ "an anchor of version 1", root_v1, WRONG_PURPOSE, 0, NULL },
	{ "an anchor of version 1, blindly", root_v1_blindly, DLK_R_OK, 0, NULL },
	{ "a leaf for keyAgreement", leaf_key_agreement, WRONG_PURPOSE, 0,
	    "digitalSignature" },
	{ "a leaf without keyUsage", leaf_no_usage, DLK_R_OK, 0, NULL },
	{ "a leaf with keyCertSign", leaf_cert_sign, WRONG_PURPOSE, 0, "keyCertSign" },
	{ "a leaf with constraints", leaf_constrains, WRONG_PURPOSE, 0, NULL },
	{ "a leaf that is a CA", leaf_is_ca, DLK_R_OK, 0, NULL },
	{ "a leaf for servers", leaf_server, WRONG_PURPOSE, 0, "clientAuth" },
	{ "a leaf for servers, critical", leaf_server_critical, WRONG_PURPOSE, 0, NULL },
	{ "a leaf for both", leaf_both, DLK_R_OK, 0, NULL },
	{ "a leaf for anything", leaf_any, WRONG_PURPOSE, 0, NULL },
	{ "a leaf for anything, asked for", leaf_any_asked, DLK_R_OK, 0, NULL },
	{ "a leaf for SSH", leaf_ssh, WRONG_PURPOSE, 0, NULL },
	{ "a leaf for SSH, asked for", leaf_ssh_asked, DLK_R_OK, 0, NULL },
	{ "a server's, SSH asked for", leaf_server_ssh_asked, WRONG_PURPOSE, 0, NULL },
	{ "a leaf without extKeyUsage", leaf_no_purpose, DLK_R_OK, 0, NULL },
	{ "a CA for servers", sub_server, WRONG_PURPOSE, 0, "CN=Sub 1" },
	{ "a CA for clients", sub_client, DLK_R_OK, 0, NULL },
	{ "a CA for anything", sub_any, WRONG_PURPOSE, 0, NULL },
	{ "an anchor for servers", root_server, WRONG_PURPOSE, 0, NULL },
	{ "a signer of CRLs", crl_signer, DLK_R_OK, 0, NULL },
	{ "a signer of CRLs that is none", crl_signer_is_none, WRONG_PURPOSE, 0, "cRLSign" },

	{ "length 0 above a CA", root_length_0, DLK_R_PATH_TOO_LONG, 0, "4.2.1.9" },
	{ "length 0 above a CA, blindly", root_length_0_blindly, DLK_R_OK, 0, NULL },
	{ "length 1 above a CA", root_length_1, DLK_R_OK, 0, NULL },
	{ "length 1 above two", root_length_1, DLK_R_PATH_TOO_LONG, 2, NULL },
	{ "length 0 above a leaf", sub_length_0, DLK_R_OK, 0, NULL },
	{ "a CA's new key is not counted", new_key_for_itself, DLK_R_OK, 2, NULL },
	{ "max-depth 2 and three CAs", depth_2, DLK_R_PATH_TOO_LONG, 2, "max-depth" },
	{ "max-depth 1 and four CAs", depth_1, DLK_R_PATH_TOO_LONG, 3, "max-depth is 1" },
	{ "max-depth 3 and three CAs", depth_3, DLK_R_OK, 2, NULL },

	{ "key identifiers that lie", other_key_id, DLK_R_OK, 0, NULL },
	{ "an anchor that is not self-signed", sub_is_anchor, DLK_R_OK, 0, NULL },
	{ "such an anchor, expired", sub_is_old_anchor, DLK_R_CERTIFICATE_EXPIRED, 0, NULL },

	{ "address within", mail_in, DLK_R_OK, 0, NULL },
	{ "address outside", mail_out, CONSTRAINT, 0, "4.2.1.10" },
	{ "address on a host below", mail_below, CONSTRAINT, 0, NULL },
	{ "address below a dot", mail_dot_below, DLK_R_OK, 0, NULL },
	{ "address excluded", mail_excluded, CONSTRAINT, 0, NULL },
	{ "the second address outside", mail_second, CONSTRAINT, 0, NULL },
	{ "emailAddress outside", mail_in_subject, CONSTRAINT, 0, NULL },
	{ "CN, an address outside", mail_in_cn, CONSTRAINT, 0, "commonName" },
	{ "CN, an address within", mail_in_cn_in, DLK_R_OK, 0, NULL },
	{ "CN, an address excluded", mail_in_cn_excluded, CONSTRAINT, 0, NULL },
	{ "CN, another mailbox", mail_in_cn_whole, CONSTRAINT, 0, NULL },
	{ "host within", host_in, DLK_R_OK, 0, NULL },
	{ "host outside", host_out, CONSTRAINT, 0, NULL },
	{ "host that only ends so", host_suffix, CONSTRAINT, 0, NULL },
	{ "CN, a host outside", host_in_cn, CONSTRAINT, 0, NULL },
	{ "CN, a host outside, SAN within", host_in_cn_as_well, CONSTRAINT, 0, NULL },
	{ "CN, a host within", host_in_cn_within, DLK_R_OK, 0, NULL },
	{ "CN, an IP address", address_in_cn, DLK_R_OK, 0, NULL },
	{ "CN, a person", person_in_cn, DLK_R_OK, 0, NULL },
	{ "wildcard within", wildcard_in, DLK_R_OK, 0, NULL },
	{ "wildcard over an excluded host", wildcard_over_excluded, CONSTRAINT, 0,
	    "wildcard" },
	{ "wildcard beside an excluded host", wildcard_beside_excluded, DLK_R_OK, 0, NULL },
	{ "wildcard above a permitted host", wildcard_above_permitted, CONSTRAINT, 0, NULL },
	{ "URI with a user in front of its host", uri_with_user, CONSTRAINT, 0, "URI" },
	{ "URI with a query behind its host", uri_with_query, CONSTRAINT, 0, "URI" },
	{ "URI of an address, hosts excluded", uri_of_address_excluded, CONSTRAINT, 0, "URI" },
	{ "URI with port and query within", uri_with_port, DLK_R_OK, 0, NULL },
	{ "URI that nothing constrains", uri_unconstrained, DLK_R_OK, 0, NULL },
	{ "URI within", uri_in, DLK_R_OK, 0, NULL },
	{ "URI outside", uri_out, CONSTRAINT, 0, NULL },
	{ "URI without a host", uri_without_host, CONSTRAINT, 0, NULL },
	{ "IP within", ip_in, DLK_R_OK, 0, NULL },
	{ "IP outside", ip_out, CONSTRAINT, 0, NULL },
	{ "IP of the other kind", ip_of_other_kind, CONSTRAINT, 0, NULL },
	{ "names of another form", other_forms, DLK_R_OK, 0, NULL },
	{ "a form that nobody compares", upn_permitted, CONSTRAINT, 0, NULL },
	{ "subject outside", directory_permitted, CONSTRAINT, 0, NULL },
	{ "subject within", directory_in, DLK_R_OK, 0, NULL },
	{ "an anchor's constraints", root_constrains, CONSTRAINT, 0, NULL },
	{ "an anchor's constraints, blindly", root_constrains_blindly, DLK_R_OK, 0, NULL },
	{ "constraints that are not critical", loose_constraints, CONSTRAINT, 0, NULL },

	{ "no policy where one is asked for", explicit_without, WRONG_PURPOSE, 0, "6.1.5" },
	{ "a policy that holds", explicit_with, DLK_R_OK, 0, NULL },
	{ "another policy", explicit_other, WRONG_PURPOSE, 0, NULL },
	{ "asked for, not critically", explicit_loose, WRONG_PURPOSE, 0, NULL },
	{ "policies that nobody asks for", policies_differ, DLK_R_OK, 0, NULL },
	{ "anyPolicy inhibited", any_inhibited, WRONG_PURPOSE, 0, NULL },
};
#define ROWS (sizeof(rows) / sizeof(*rows))

static void
every_row(void **state)
{
	const struct row *row = *state;
	struct dlk_finding finding = { 0 };
	struct chain c;

	chain_init(&c, row->subs ? row->subs : 1);
	row->change(&c);
	enum dlk_reason reason = chain_judge(&c, &finding);
	if (reason != row->reason)
		fail_msg("%s: %s: %s", row->name, dlk_reason_str(reason), finding.detail);
	if (reason == DLK_R_OK)
		return;
	assert_int_equal(finding.reason, reason);
	if (!strstr(finding.detail, row->detail ? row->detail : "CN="))
		fail_msg("%s: %s", row->name, finding.detail);
}

/* Many CAs at will. */
struct world {
	struct dlk_trust *trust;
	struct dlk_certs presented;
	struct dlk_path_rules rules;
};

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w || dlk_trust_new(&w->trust) != 0)
		return -1;
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	dlk_trust_free(w->trust);
	dlk_certs_fini(&w->presented);
	free(w);
	return 0;
}

static void
anchor(struct world *w, unsigned set, const struct pki_spec *spec)
{
	DLK_AUTO_CERT *cert = pki_cert(spec);

	assert_int_equal(dlk_trust_add_anchor(w->trust, set, cert), 0);
}

static void
present(struct world *w, const struct pki_spec *spec)
{
	assert_int_equal(dlk_certs_add(&w->presented, pki_cert(spec)), 0);
}

static enum dlk_reason
find(struct world *w, const struct pki_spec *leaf, struct dlk_paths **ret_paths,
    struct dlk_finding *finding)
{
	DLK_AUTO_CERT *cert = pki_cert(leaf);

	return dlk_paths_find(
	    w->trust, &w->rules, cert, &w->presented, PKI_NOW, ret_paths, finding);
}

static void
an_anchor_alone_is_no_path(void **state)
{
	struct pki_spec self = pki_leaf("CN=alice", NULL);
	struct dlk_finding finding;
	DLK_AUTO_PATHS *paths = NULL;

	pki_set(&self, PKI_BASIC, true, "CA:TRUE");
	pki_set(&self, PKI_USAGE, true, "digitalSignature,keyCertSign");
	anchor(*state, 0, &self);
	assert_int_equal(find(*state, &self, &paths, &finding), DLK_R_UNTRUSTED_ISSUER);
	/* nor one more certificate of the same key for itself */
	self.serial = 2;
	assert_int_equal(find(*state, &self, &paths, &finding), DLK_R_UNTRUSTED_ISSUER);
}

/* Two CAs of one name: the one that is met first is no good, the other is. */
static void
another_ca_hides(struct world *w, void (*spoil)(struct pki_spec *spec), bool before)
{
	struct pki_spec root = pki_ca("CN=Root", NULL, pki_key(PKI_P256, 1));
	struct pki_spec sub = pki_ca("CN=Sub", &root, pki_key(PKI_P256, 2)), bad = sub;
	struct pki_spec leaf = pki_leaf("CN=alice", &sub);
	DLK_AUTO_PATHS *paths = NULL;
	struct dlk_finding finding = { 0 };

	bad.serial = 77;
	spoil(&bad);
	if (before)
		present(w, &bad);
	present(w, &sub);
	if (!before)
		present(w, &bad);
	if (find(w, &leaf, &paths, &finding) != DLK_R_OK)
		fail_msg("%s", finding.detail);
	assert_int_equal(dlk_paths_count(paths), 1);
	dlk_certs_fini(&w->presented);
}

static void
spoil_date(struct pki_spec *spec)
{
	spec->not_after = PKI_NOW - 1;
}

static void
spoil_key(struct pki_spec *spec)
{
	spec->key = pki_key(PKI_P256, 8);
}

static void
spoil_signature(struct pki_spec *spec)
{
	spec->bad_signature = true;
}

static void
spoil_issuer(struct pki_spec *spec)
{
	spec->issuer = "CN=Nobody";
}

static void
spoil_names(struct pki_spec *spec)
{
	pki_set_octets(spec, PKI_CONSTRAINTS, true,
	    "\x30\x17\xa0\x15\x30\x13\xa4\x11\x30\x0f\x31\x0d\x30\x0b\x06\x03\x55\x04\x0a\x0c"
	    "\x04"
	    "else",
	    25);
}

static void
spoil_usage(struct pki_spec *spec)
{
	pki_set(spec, PKI_USAGE, true, "cRLSign");
}

static void
a_bad_issuer_hides_no_good_one(void **state)
{
	void (*const spoil[])(struct pki_spec *) = { spoil_date, spoil_key, spoil_signature,
		spoil_issuer, spoil_names, spoil_usage };
	struct pki_spec root = pki_ca("CN=Root", NULL, pki_key(PKI_P256, 1));

	anchor(*state, 0, &root);
	for (size_t i = 0; i < sizeof(spoil) / sizeof(*spoil); i++) {
		another_ca_hides(*state, spoil[i], true);
		another_ca_hides(*state, spoil[i], false);
	}
}

static void
sets_are_those_of_every_key_in_the_path(void **state)
{
	struct world *w = *state;
	struct pki_spec root = pki_ca("CN=Root", NULL, pki_key(PKI_P256, 1));
	struct pki_spec sub = pki_ca("CN=Sub", &root, pki_key(PKI_P256, 2)), self = sub;
	struct pki_spec leaf = pki_leaf("CN=alice", &sub);
	DLK_AUTO_PATHS *paths = NULL;

	self.by = NULL; /* the same key, as an anchor of its own */
	self.serial = 5;
	DLK_AUTO_CERT *once = pki_cert(&root);
	assert_int_equal(dlk_trust_add_anchor(w->trust, 3, once), 0);
	assert_int_equal(dlk_trust_add_anchor(w->trust, 3, once), 0);
	assert_int_equal(dlk_trust_add_anchor(w->trust, 5, once), 0);
	anchor(w, 9, &self);
	present(w, &sub);
	assert_int_equal(find(w, &leaf, &paths, NULL), DLK_R_OK);
	assert_int_equal(dlk_paths_count(paths), 2);
	const struct dlk_path *direct = dlk_paths_at(paths, 0),
			      *whole = dlk_paths_at(paths, 1);
	assert_int_equal(direct->n, 2);
	assert_int_equal(direct->sets, UINT64_C(1) << 9);
	assert_int_equal(whole->n, 3);
	assert_int_equal(whole->sets, UINT64_C(1) << 3 | UINT64_C(1) << 5 | UINT64_C(1) << 9);
	assert_string_equal(dlk_cert_subject(whole->cert[2]), "CN=Root");
}

static void
a_path_holds_until_its_first_end(void **state)
{
	struct world *w = *state;
	struct pki_spec root = pki_ca("CN=Root", NULL, pki_key(PKI_P256, 1));
	struct pki_spec sub = pki_ca("CN=Sub", &root, pki_key(PKI_P256, 2));
	struct pki_spec leaf = pki_leaf("CN=alice", &sub);
	DLK_AUTO_PATHS *paths = NULL, *blind = NULL;

	root.not_after = PKI_NOW + 10;
	sub.not_after = PKI_NOW + 20;
	anchor(w, 0, &root);
	present(w, &sub);
	assert_int_equal(find(w, &leaf, &paths, NULL), DLK_R_OK);
	assert_int_equal(dlk_paths_at(paths, 0)->good_until, PKI_NOW + 10);
	w->rules.trust_anchors_blindly = true;
	assert_int_equal(find(w, &leaf, &blind, NULL), DLK_R_OK);
	assert_int_equal(dlk_paths_at(blind, 0)->good_until, PKI_NOW + 20);
}

static void
no_more_paths_than_asked_for(void **state)
{
	struct world *w = *state;
	struct pki_spec leaf, sub = pki_ca("CN=Sub", NULL, pki_key(PKI_P256, 2));
	struct pki_spec roots[DLK_PATHS_MAX + 3];
	static char names[DLK_PATHS_MAX + 3][16];
	DLK_AUTO_PATHS *paths = NULL;

	leaf = pki_leaf("CN=alice", &sub);
	for (unsigned i = 0; i < DLK_PATHS_MAX + 3; i++) {
		snprintf(names[i], sizeof(names[i]), "CN=Root %u", i);
		roots[i] = pki_ca(names[i], NULL, pki_key(PKI_P256, 3 + i));
		anchor(w, i, &roots[i]);
		sub.by = &roots[i];
		present(w, &sub);
	}
	assert_int_equal(find(w, &leaf, &paths, NULL), DLK_R_OK);
	assert_int_equal(dlk_paths_count(paths), DLK_PATHS_MAX);
	for (size_t i = 0; i < DLK_PATHS_MAX; i++)
		assert_int_equal(dlk_paths_at(paths, i)->n, 3);
}

/* Every CA has signed every other one: paths without number, and none to an anchor. */
static void
circles_end(void **state)
{
	enum { N = 10 };
	struct world *w = *state;
	static char names[N][16];
	struct pki_spec ca[N];
	struct dlk_finding finding;
	DLK_AUTO_PATHS *paths = NULL;

	for (unsigned i = 0; i < N; i++) {
		snprintf(names[i], sizeof(names[i]), "CN=Ring %u", i);
		ca[i] = pki_ca(names[i], NULL, pki_key(PKI_P256, i));
	}
	for (size_t i = 0; i < N; i++)
		for (size_t j = 0; j < N; j++) {
			struct pki_spec cross = ca[i];

			cross.by = &ca[j];
			if (i != j)
				present(w, &cross);
		}
	struct pki_spec root = pki_ca("CN=Root", NULL, pki_key(PKI_P256, 15));
	struct pki_spec leaf = pki_leaf("CN=alice", &ca[0]);
	anchor(w, 0, &root);
	assert_int_equal(find(w, &leaf, &paths, &finding), DLK_R_UNTRUSTED_ISSUER);
	/* and the way out is found where there is one */
	ca[N - 1].by = &root;
	present(w, &ca[N - 1]);
	assert_int_equal(find(w, &leaf, &paths, &finding), DLK_R_OK);
}

/* One name, many keys: with a key identifier the right one is found at once. */
static void
a_key_identifier_finds_its_issuer(void **state)
{
	enum { N = 150 };
	struct world *w = *state;
	struct pki_spec root = pki_ca("CN=Root", NULL, pki_key(PKI_P256, 1));
	struct pki_spec sub = pki_ca("CN=Sub", &root, pki_key(PKI_P384, 2)), other = sub;
	struct pki_spec leaf = pki_leaf("CN=alice", &sub);
	DLK_AUTO_PATHS *paths = NULL;
	struct dlk_finding finding = { 0 };

	anchor(w, 0, &root);
	for (unsigned i = 0; i < N; i++) {
		other.serial = 2 + i;
		other.key = EVP_EC_gen("P-384");
		present(w, &other);
		EVP_PKEY_free(other.key);
	}
	pki_set(&sub, PKI_KEY_ID, false, "01020304");
	present(w, &sub);
	assert_int_equal(find(w, &leaf, &paths, &finding), DLK_R_UNTRUSTED_ISSUER);
	assert_non_null(strstr(finding.detail, "work"));
	pki_set_octets(&leaf, PKI_ISSUER_KEY, false, "\x30\x06\x80\x04\x01\x02\x03\x04", 8);
	assert_int_equal(find(w, &leaf, &paths, &finding), DLK_R_OK);
}

/* Renewed again and again under one name and without key identifiers. */
static void
expired_issuers_hide_no_good_one(void **state)
{
	enum { N = 100 };
	struct world *w = *state;
	struct pki_spec root = pki_ca("CN=Root", NULL, pki_key(PKI_P256, 1));
	struct pki_spec sub = pki_ca("CN=Sub", &root, pki_key(PKI_P384, 2)), old = sub;
	struct pki_spec leaf = pki_leaf("CN=alice", &sub);
	DLK_AUTO_PATHS *paths = NULL;
	struct dlk_finding finding = { 0 };

	anchor(w, 0, &root);
	old.not_after = PKI_NOW - 1;
	for (unsigned i = 0; i < N; i++) {
		old.serial = 2 + i;
		old.key = EVP_EC_gen("P-384");
		present(w, &old);
		EVP_PKEY_free(old.key);
	}
	present(w, &sub);
	if (find(w, &leaf, &paths, &finding) != DLK_R_OK)
		fail_msg("%s", finding.detail);
}

/* Constraints and names by the thousand. */
static void
pathological_constraints_end(void **state)
{
	enum { N = 3000 };
	struct world *w = *state;
	struct pki_spec root = pki_ca("CN=Root", NULL, pki_key(PKI_P256, 1));
	struct pki_spec leaf = pki_leaf("CN=alice", &root);
	DLK_AUTO_BUF trees = { 0 }, names = { 0 };
	DLK_AUTO_PATHS *paths = NULL;
	struct dlk_finding finding;

	for (unsigned i = 0; i < N; i++) {
		char text[16];
		size_t at = trees.n;

		snprintf(text, sizeof(text), "x%u.y", i);
		pki_element(&trees, 0x82, text, strlen(text));
		pki_wrap(&trees, at, 0x30);
		text[strlen(text) - 1] = 'z';
		pki_element(&names, 0x82, text, strlen(text));
	}
	pki_wrap(&trees, 0, 0xa1);
	pki_wrap(&trees, 0, 0x30);
	pki_wrap(&names, 0, 0x30);
	pki_set_octets(&root, PKI_CONSTRAINTS, true, trees.p, trees.n);
	pki_set_octets(&leaf, PKI_ALT_NAME, false, names.p, names.n);
	anchor(w, 0, &root);
	assert_int_equal(find(w, &leaf, &paths, &finding), DLK_R_NAME_CONSTRAINT);
	assert_non_null(strstr(finding.detail, "too many"));
	pki_unset(&leaf, PKI_ALT_NAME);
	assert_int_equal(find(w, &leaf, &paths, &finding), DLK_R_OK);
}

#define OTHERS 9

int
main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	static struct CMUnitTest test[ROWS + OTHERS] = {
		IN_WORLD(an_anchor_alone_is_no_path),
		IN_WORLD(a_bad_issuer_hides_no_good_one),
		IN_WORLD(sets_are_those_of_every_key_in_the_path),
		IN_WORLD(a_path_holds_until_its_first_end),
		IN_WORLD(no_more_paths_than_asked_for),
		IN_WORLD(circles_end),
		IN_WORLD(a_key_identifier_finds_its_issuer),
		IN_WORLD(expired_issuers_hide_no_good_one),
		IN_WORLD(pathological_constraints_end),
	};

	for (size_t i = 0; i < ROWS; i++) {
		void *state;
		const struct row *row = &rows[i];

		memcpy(&state, &row, sizeof(state));
		test[OTHERS + i] = (struct CMUnitTest){
			.name = rows[i].name, .test_func = every_row, .initial_state = state
		};
	}
	return cmocka_run_group_tests(test, NULL, NULL);
}
