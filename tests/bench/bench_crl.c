/* SPDX-License-Identifier: MIT */
/*
 * bench_crl.c - what revocation costs, beside libcrypto's own X509_STORE with the same files.
 * Prints: a fresh process that loads everything and judges one leaf; the same leaf judged
 * again and again; and what it costs to compile a list. It judges nothing that is kept.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <err.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/x509v3.h>

#include "core/crlscan.h"
#include "core/revoked.h"
#include "store/anchors.h"
#include "store/crlindex.h"
#include "tests/unit/crlmake.h"
#include "tests/unit/pki.h"

#define FRESH      11 /* processes, of which the median counts */
#define ROUNDS     9  /* of compiling and what it is compared with, in turns */
#define RSA_SHA256 "300d06092a864886f70d01010b0500"

static const size_t sizes[] = { 0, 1000, 100000, 1000000 };
enum { SIZES = 4 };

/* A run of a part of this program in a process of its own. */
struct cost {
	double wall, cpu; /* ms */
	double peak;      /* MB */
	double each;      /* ms per judgement, as the process itself says */
};

static const char *self;

static double
clock_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static const char *
in_dir(const char *dir, const char *name)
{
	static char path[4][256];
	static unsigned next;
	char *p = path[next++ % 4];

	if (dlk_path_join(p, sizeof(path[0]), dir, name) < 0)
		errx(1, "%s", dir);
	return p;
}

static const char *
lists_dir(const char *dir, size_t n)
{
	char name[32];

	snprintf(name, sizeof(name), "%zu", n);
	return in_dir(dir, name);
}

/* ---- what both are given ---- */

static void
write_whole(const char *path, struct dlk_bytes what)
{
	FILE *f = fopen(path, "w");

	if (!f || fwrite(what.p, 1, what.n, f) != what.n || fclose(f) != 0)
		err(1, "%s", path);
}

static void
write_cert(const char *path, const struct pki_spec *spec)
{
	DLK_AUTO_BUF der = { 0 };

	pki_make(spec, &der);
	write_whole(path, dlk_bytes_of(&der));
}

static void
write_list(const char *path, const struct pki_spec *issuer, size_t n)
{
	struct dlk_cert *cert = pki_cert(issuer);
	struct dlk_bytes name = dlk_cert_subject_der(cert);
	char *hex = malloc(2 * name.n + 1);

	dlk_hex(name, hex);
	struct dlk_buf der = crl_make_many(&(struct crl_recipe){ .issuer = hex,
					       .algorithm = RSA_SHA256,
					       .this_update = "170d3235303930313030303030305a",
					       .key = issuer->key },
	    n, 16);
	write_whole(path, dlk_bytes_of(&der));
	dlk_buf_free(&der);
	dlk_cert_free(cert);
	free(hex);
}

static void
make_files(const char *dir)
{
	struct pki_spec root = pki_ca("CN=Root", NULL, pki_key(PKI_RSA, 0));
	struct pki_spec ca = pki_ca("CN=CA", &root, pki_key(PKI_RSA, 1));
	struct pki_spec leaf = pki_leaf("CN=leaf", &ca);

	write_cert(in_dir(dir, "root.der"), &root);
	write_cert(in_dir(dir, "ca.der"), &ca);
	write_cert(in_dir(dir, "leaf.der"), &leaf);
	for (size_t i = 1; i < SIZES; i++) {
		const char *lists = lists_dir(dir, sizes[i]);
		if (mkdir(lists, 0700) < 0)
			err(1, "%s", lists);
		write_list(in_dir(lists, "root.crl"), &root, 0);
		write_list(in_dir(lists, "ca.crl"), &ca, sizes[i]);
	}
	if (mkdir(in_dir(dir, "index"), 0700) < 0)
		err(1, "index");
}

/* ---- ours ---- */

static const struct dlk_path_rules path_rules;

struct ours {
	struct dlk_trust *trust;
	struct dlk_crls *crls;
	struct dlk_cert *leaf;
	struct dlk_revocation_rules rules;
};

static void
must(int r, const struct dlk_finding *why)
{
	if (r != 0)
		errx(1, "%s", why->detail);
}

static void
load_ours(struct ours *o, const char *dir, size_t n)
{
	struct dlk_finding why = { .detail = "out of memory" };
	DLK_AUTO_BUF der = { 0 };

	must(dlk_trust_new(&o->trust), &why);
	must(dlk_crls_new(&o->crls), &why);
	must(dlk_anchors_load(in_dir(dir, "root.der"), 0, NULL, o->trust, &why), &why);
	must(dlk_intermediates_load(in_dir(dir, "ca.der"), NULL, o->trust, &why), &why);
	if (n == 0)
		o->rules.mode = DLK_REVOCATION_OFF;
	else
		must(dlk_crls_load(
			 lists_dir(dir, n), in_dir(dir, "index"), NULL, o->crls, &why),
		    &why);
	must(dlk_file_read(in_dir(dir, "leaf.der"), 65536, NULL, &der), &why);
	if (dlk_cert_parse(dlk_bytes_of(&der), &o->leaf, &why) != DLK_R_OK)
		errx(1, "%s", why.detail);
}

static void
judge_ours(const struct ours *o)
{
	const struct dlk_certs none = { 0 };
	struct dlk_finding why = { 0 };
	DLK_AUTO_PATHS *paths = NULL;
	struct dlk_cleared *cleared;

	if (dlk_paths_find(o->trust, &path_rules, o->leaf, &none, PKI_NOW, &paths, &why) !=
		DLK_R_OK ||
	    dlk_path_clear(dlk_paths_at(paths, 0), o->crls, o->trust, &path_rules, &o->rules,
		PKI_NOW, &cleared, &why) != DLK_R_OK)
		errx(1, "%s", why.detail);
	dlk_cleared_free(cleared);
}

/* ---- libcrypto's ---- */

static X509 *
load_x509(const char *path)
{
	BIO *bio = BIO_new_file(path, "rb");
	X509 *x509 = bio ? d2i_X509_bio(bio, NULL) : NULL;

	BIO_free(bio);
	if (!x509)
		errx(1, "%s", path);
	return x509;
}

struct theirs {
	X509_STORE *store;
	X509 *leaf;
	STACK_OF(X509) * chain;
};

static void
load_list(X509_STORE *store, const char *path)
{
	BIO *bio = BIO_new_file(path, "rb");
	X509_CRL *crl = bio ? d2i_X509_CRL_bio(bio, NULL) : NULL;

	if (!crl || X509_STORE_add_crl(store, crl) != 1)
		errx(1, "%s", path);
	X509_CRL_free(crl);
	BIO_free(bio);
}

static void
load_theirs(struct theirs *t, const char *dir, size_t n)
{
	t->store = X509_STORE_new();
	t->chain = sk_X509_new_null();
	X509_STORE_add_cert(t->store, load_x509(in_dir(dir, "root.der")));
	sk_X509_push(t->chain, load_x509(in_dir(dir, "ca.der")));
	t->leaf = load_x509(in_dir(dir, "leaf.der"));
	if (n == 0)
		return;
	const char *lists = lists_dir(dir, n);
	load_list(t->store, in_dir(lists, "root.crl"));
	load_list(t->store, in_dir(lists, "ca.crl"));
	X509_STORE_set_flags(t->store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
}

static void
judge_theirs(const struct theirs *t)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();

	X509_STORE_CTX_init(ctx, t->store, t->leaf, t->chain);
	X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(ctx), PKI_NOW);
	X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT);
	if (X509_verify_cert(ctx) != 1)
		errx(1, "%s", X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	X509_STORE_CTX_free(ctx);
}

/* ---- parts, each in its own process: says milliseconds per judgement ---- */

static void
part_judge(const char *who, const char *dir, size_t n, size_t times)
{
	bool is_ours = strcmp(who, "ours") == 0;
	struct theirs theirs = { 0 };
	struct ours ours = { 0 };

	if (is_ours)
		load_ours(&ours, dir, n);
	else
		load_theirs(&theirs, dir, n);
	double begin = 0;
	for (size_t i = 0; i <= times; i++) {
		/* the first one pays for what stays */
		if (i == 1)
			begin = clock_ms(CLOCK_PROCESS_CPUTIME_ID);
		if (is_ours)
			judge_ours(&ours);
		else
			judge_theirs(&theirs);
	}
	if (times > 0)
		printf("%f\n", (clock_ms(CLOCK_PROCESS_CPUTIME_ID) - begin) / (double)times);
}

static int
ignore_list(void *ctx, size_t n)
{
	(void)ctx;
	(void)n;
	return 0;
}

static int
ignore_entries(void *ctx, const struct dlk_crl_entry *entry, size_t n)
{
	(void)ctx;
	(void)entry;
	(void)n;
	return 0;
}

/* Digests and scans the list once: what compiling has to do in any case. */
static void
part_scan(const char *dir, size_t n)
{
	const struct dlk_crl_sink sink = { .begin = ignore_list, .entries = ignore_entries };
	DLK_AUTO_CRL_PARTS parts = { 0 };
	const char *rule;
	int fd = open(in_dir(lists_dir(dir, n), "ca.crl"), O_RDONLY | O_CLOEXEC);
	const struct dlk_octet_source source = dlk_fd_source(&fd);

	if (dlk_crl_scan(&source, &sink, &parts, &rule) != 0)
		errx(1, "%s", rule);
}

static void
part_compile(const char *dir, size_t n)
{
	struct dlk_finding why = { 0 };
	size_t made;

	must(dlk_crlindex_compile_all(
		 lists_dir(dir, n), in_dir(dir, "index"), NULL, &made, &why),
	    &why);
}

/* ---- the whole ---- */

static struct cost
run(const char *part, const char *dir, size_t n, size_t times)
{
	struct cost cost = { 0 };
	char size[32], count[32], said[64] = "";
	struct rusage usage;
	int status, out[2];

	snprintf(size, sizeof(size), "%zu", n);
	snprintf(count, sizeof(count), "%zu", times);
	if (pipe(out) < 0)
		err(1, "pipe");
	double begin = clock_ms(CLOCK_MONOTONIC);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(out[1], 1);
		close(out[0]);
		execl(self, self, part, dir, size, count, (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid || status != 0)
		errx(1, "%s failed", part);
	cost.wall = clock_ms(CLOCK_MONOTONIC) - begin;
	if (read(out[0], said, sizeof(said) - 1) > 0)
		cost.each = strtod(said, NULL);
	close(out[0]);
	cost.cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
		   (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
	cost.peak = (double)usage.ru_maxrss / 1024;
	return cost;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct cost
median_of(const struct cost *costs, size_t runs)
{
	double wall[FRESH], cpu[FRESH], each[FRESH];

	for (size_t i = 0; i < runs; i++) {
		wall[i] = costs[i].wall;
		cpu[i] = costs[i].cpu;
		each[i] = costs[i].each;
	}
	qsort(wall, runs, sizeof(wall[0]), by_value);
	qsort(cpu, runs, sizeof(cpu[0]), by_value);
	qsort(each, runs, sizeof(each[0]), by_value);
	return (struct cost){ .wall = wall[runs / 2],
		.cpu = cpu[runs / 2],
		.each = each[runs / 2],
		.peak = costs[runs - 1].peak };
}

static struct cost
median(const char *part, const char *dir, size_t n, size_t times, size_t runs)
{
	struct cost costs[FRESH];

	for (size_t i = 0; i < runs; i++)
		costs[i] = run(part, dir, n, times);
	return median_of(costs, runs);
}

static struct cost
compile_anew(const char *dir, size_t n)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -f '%s'/index/*", dir);
	if (system(command) != 0)
		errx(1, "%s", command);
	return run("compile", dir, n, 0);
}

static void
print_compile(const char *dir)
{
	printf("\ncompile (hash and scan in one pass | index, synced to disk), ms and MB\n"
	       "%9s  %8s %8s %8s   %8s %8s %8s   %s\n",
	    "entries", "wall", "cpu", "peak", "wall", "cpu", "peak", "ratio of cpu");
	for (size_t i = 1; i < SIZES; i++) {
		struct cost scans[ROUNDS], indexes[ROUNDS];
		for (int k = 0; k < ROUNDS; k++) {
			scans[k] = run("scan", dir, sizes[i], 0);
			indexes[k] = compile_anew(dir, sizes[i]);
		}
		struct cost scan = median_of(scans, ROUNDS), made = median_of(indexes, ROUNDS);
		printf("%9zu  %8.1f %8.1f %8.1f   %8.1f %8.1f %8.1f   x%.2f\n", sizes[i],
		    scan.wall, scan.cpu, scan.peak, made.wall, made.cpu, made.peak,
		    made.cpu / scan.cpu);
	}
}

static void
print_fresh(const char *dir)
{
	struct cost none = { 0 };

	printf(
	    "\nfresh process: load all, judge one leaf (Doublelock | X509_STORE), ms and MB\n"
	    "%9s  %8s %8s %8s   %8s %8s %8s   %s\n",
	    "entries", "wall", "cpu", "peak", "wall", "cpu", "peak",
	    "cpu of no CRL, wall of theirs, MB of no CRL");
	for (size_t i = 0; i < SIZES; i++) {
		struct cost ours = median("ours", dir, sizes[i], 0, FRESH);
		struct cost theirs =
		    median("theirs", dir, sizes[i], 0, sizes[i] > 100000 ? 3 : FRESH);
		if (i == 0)
			none = ours;
		printf("%9zu  %8.2f %8.2f %8.1f   %8.2f %8.2f %8.1f   x%.2f, x%.0f, %+.1f\n",
		    sizes[i], ours.wall, ours.cpu, ours.peak, theirs.wall, theirs.cpu,
		    theirs.peak, ours.cpu / none.cpu, theirs.wall / ours.wall,
		    ours.peak - none.peak);
	}
}

static void
print_warm(const char *dir)
{
	double none = 0;

	printf("\nwarm process: the next judgement (Doublelock | X509_STORE), ms of cpu\n"
	       "%9s  %8s   %8s   %s\n",
	    "entries", "", "", "of no CRL, theirs to ours");
	for (size_t i = 0; i < SIZES; i++) {
		double ours = median("ours", dir, sizes[i], 3000, 5).each;
		double theirs =
		    median("theirs", dir, sizes[i], sizes[i] > 100000 ? 5 : 200, 3).each;
		if (i == 0)
			none = ours;
		printf("%9zu  %8.4f   %8.4f   x%.2f, x%.0f\n", sizes[i], ours, theirs,
		    ours / none, theirs / ours);
	}
}

static int
whole(void)
{
	char dir[] = "/tmp/dlk-bench.XXXXXX", command[64];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!mkdtemp(dir))
		err(1, "mkdtemp");
	make_files(dir);
	print_compile(dir);
	for (size_t i = 1; i < SIZES; i++)
		run("compile", dir, sizes[i], 0);
	print_fresh(dir);
	print_warm(dir);
	snprintf(command, sizeof(command), "rm -r '%s'", dir);
	return system(command) != 0;
}

int
main(int argc, char **argv)
{
	self = "/proc/self/exe";
	if (argc == 1)
		return whole();
	if (argc != 5)
		errx(2, "usage: %s", argv[0]);
	size_t n = strtoul(argv[3], NULL, 10), times = strtoul(argv[4], NULL, 10);
	if (strcmp(argv[1], "scan") == 0)
		part_scan(argv[2], n);
	else if (strcmp(argv[1], "compile") == 0)
		part_compile(argv[2], n);
	else
		part_judge(argv[1], argv[2], n, times);
	return 0;
}
