#!/bin/sh
# SPDX-License-Identifier: MIT
# test_guide_ca - docs/guides/ca.md: the CAs that can be run here, as it is written. Each has to
# make a certificate that is accepted, and a list that revokes it.
. "$(dirname "$0")/lib.sh"

install_doublelock
guide=$top/docs/guides/ca.md
. "$top/tests/e2e/guide.sh"
# a step leaves the directory that it went into; configuration stands in here documents
for step in 1 2; do
	follow $step step_of
	is "$(grep -E '^(accept|refuse)' "$work/step$step.log" | tr '\n' ' ')" \
		"accept ok refuse revoked " "accepted, and revoked after that"
done

# by the address as by the common name
for found in ca pki; do
	case $found in
	ca) ca=$tree/ca/ca.pem crl=$tree/ca/ca.crl certificate=$tree/ca/alice.pem ;;
	pki) ca=$tree/pki/ca.crt crl=$tree/pki/crl.pem certificate=$tree/alice.pem ;;
	esac
	install -m 644 "$ca" "$etc/trust.d/$found.pem"
	install -m 644 "$crl" "$etc/crl.d/$found.crl"
	printf '[identity]\nrule = san-email:%%u@example.com\n' >$etc/doublelock.conf
	is "$(doublelock verify --json "$certificate" | jq -r .reason)" revoked "$found: by its list"
	is "$(openssl x509 -in "$certificate" -noout -ext extendedKeyUsage,subjectAltName 2>/dev/null |
		grep -cE 'TLS Web Client Authentication|email:alice@example.com')" 2 \
		"$found: for clients, with an address"
done
finish
