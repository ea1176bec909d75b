/* SPDX-License-Identifier: MIT */
/*
 * mint.c - many certificates of one CA, and how fast they are checked by OpenSSL alone.
 *
 *   mint CA KEY USER FIRST N  prints N certificates, base64 of the DER, one to a line; all
 *                             are the user's, by the address USER@example.test
 *   mint list CA KEY N        a list of revocation with so many entries, in DER
 *   mint check CA <LINES      reads them and verifies each signature, on one core; prints how
 *                             many a second, and how many in a second of CPU
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define LINE_MAX_ 8192

static void
die(const char *what)
{
	fprintf(stderr, "mint: %s\n", what);
	exit(1);
}

static X509 *
read_ca(const char *path)
{
	FILE *file = fopen(path, "r");
	X509 *ca = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;

	if (!ca)
		die(path);
	(void)fclose(file);
	return ca;
}

static EVP_PKEY *
read_key(const char *path)
{
	FILE *file = fopen(path, "r");
	EVP_PKEY *key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;

	if (!key)
		die(path);
	(void)fclose(file);
	return key;
}

static void
extend(X509 *x509, X509 *ca, int nid, const char *value)
{
	X509V3_CTX context;

	X509V3_set_ctx(&context, ca, x509, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	if (!extension || X509_add_ext(x509, extension, -1) != 1)
		die(value);
	X509_EXTENSION_free(extension);
}

static X509 *
make(X509 *ca, EVP_PKEY *ca_key, EVP_PKEY *key, const char *user, unsigned long n)
{
	X509 *x509 = X509_new();
	char name[32], address[128];

	(void)snprintf(name, sizeof(name), "u%lu", n);
	(void)snprintf(address, sizeof(address), "email:%s@example.test", user);
	if (!x509 || X509_set_version(x509, X509_VERSION_3) != 1 ||
	    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), 0x4000000000000000U + n) !=
		1 ||
	    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
		(const unsigned char *)name, -1, -1, 0) != 1 ||
	    X509_set_issuer_name(x509, X509_get_subject_name(ca)) != 1 ||
	    !X509_gmtime_adj(X509_getm_notBefore(x509), -3600) ||
	    !X509_gmtime_adj(X509_getm_notAfter(x509), 10L * 86400) ||
	    X509_set_pubkey(x509, key) != 1)
		die("making");
	extend(x509, ca, NID_key_usage, "critical,digitalSignature");
	extend(x509, ca, NID_ext_key_usage, "clientAuth");
	extend(x509, ca, NID_authority_key_identifier, "keyid");
	extend(x509, ca, NID_subject_alt_name, address);
	if (X509_sign(x509, ca_key, EVP_sha256()) <= 0)
		die("signing");
	return x509;
}

static void
print(const X509 *x509)
{
	static unsigned char line[LINE_MAX_];
	unsigned char *der = NULL;
	int n = i2d_X509(x509, &der);

	if (n <= 0 || n > LINE_MAX_ / 2)
		die("writing");
	(void)EVP_EncodeBlock(line, der, n);
	puts((const char *)line);
	OPENSSL_free(der);
}

static double
seconds(const struct timespec *from, const struct timespec *until)
{
	return (double)(until->tv_sec - from->tv_sec) +
	       (double)(until->tv_nsec - from->tv_nsec) / 1e9;
}

static int
check(const char *path)
{
	static char line[LINE_MAX_];
	static unsigned char der[LINE_MAX_];
	X509 *ca = read_ca(path);
	EVP_PKEY *key = X509_get0_pubkey(ca);
	struct timespec from, until, cpu_from, cpu_until;
	unsigned n = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &from);
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu_from);
	while (fgets(line, sizeof(line), stdin)) {
		size_t length = strcspn(line, "\n"), padding = 0;
		const unsigned char *p = der;

		while (padding < 2 && length > padding && line[length - 1 - padding] == '=')
			padding++;
		int size = EVP_DecodeBlock(der, (const unsigned char *)line, (int)length);
		X509 *x509 = size > 0 ? d2i_X509(NULL, &p, (long)size - (long)padding) : NULL;
		if (!x509 || X509_verify(x509, key) != 1)
			die("a signature does not hold");
		X509_free(x509);
		n++;
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu_until);
	printf("%.0f %.0f\n", n / seconds(&from, &until), n / seconds(&cpu_from, &cpu_until));
	X509_free(ca);
	return 0;
}

/* Serial numbers that none of ours has, eight octets each. */
static void
list(const char *path, const char *key_path, unsigned long n)
{
	X509 *ca = read_ca(path);
	EVP_PKEY *key = read_key(key_path);
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *now = X509_gmtime_adj(NULL, -60), *then = X509_gmtime_adj(NULL, 86400);
	unsigned char *der = NULL;

	if (!crl || !now || !then || X509_CRL_set_version(crl, X509_CRL_VERSION_2) != 1 ||
	    X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca)) != 1 ||
	    X509_CRL_set1_lastUpdate(crl, now) != 1 ||
	    X509_CRL_set1_nextUpdate(crl, then) != 1)
		die("a list");
	for (unsigned long i = 0; i < n; i++) {
		X509_REVOKED *entry = X509_REVOKED_new();
		ASN1_INTEGER *serial = ASN1_INTEGER_new();

		if (!entry || !serial ||
		    ASN1_INTEGER_set_uint64(serial, 0x2000000000000000U + i * 7919) != 1 ||
		    X509_REVOKED_set_serialNumber(entry, serial) != 1 ||
		    X509_REVOKED_set_revocationDate(entry, now) != 1 ||
		    X509_CRL_add0_revoked(crl, entry) != 1)
			die("an entry");
		ASN1_INTEGER_free(serial);
	}
	if (X509_CRL_sign(crl, key, EVP_sha256()) <= 0)
		die("signing a list");
	int size = i2d_X509_CRL(crl, &der);
	if (size <= 0 || fwrite(der, 1, (size_t)size, stdout) != (size_t)size)
		die("writing a list");
	OPENSSL_free(der);
	ASN1_TIME_free(now);
	ASN1_TIME_free(then);
	X509_CRL_free(crl);
	EVP_PKEY_free(key);
	X509_free(ca);
}

int
main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "list") == 0) {
		list(argv[2], argv[3], strtoul(argv[4], NULL, 10));
		return 0;
	}
	if (argc == 3 && strcmp(argv[1], "check") == 0)
		return check(argv[2]);
	if (argc != 6) {
		fputs("usage: mint CA KEY USER FIRST N\n       mint list CA KEY N\n"
		      "       mint check CA <LINES\n",
		    stderr);
		return 2;
	}
	X509 *ca = read_ca(argv[1]);
	EVP_PKEY *ca_key = read_key(argv[2]), *key = EVP_EC_gen("P-256");
	unsigned long first = strtoul(argv[4], NULL, 10), n = strtoul(argv[5], NULL, 10);
	for (unsigned long i = first; i < first + n; i++) {
		X509 *x509 = make(ca, ca_key, key, argv[3], i);
		print(x509);
		X509_free(x509);
	}
	EVP_PKEY_free(key);
	EVP_PKEY_free(ca_key);
	X509_free(ca);
	return 0;
}
