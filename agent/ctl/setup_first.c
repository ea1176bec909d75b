/* SPDX-License-Identifier: MIT */
/*
 * setup_first.c - from an installed package to the first login: asks what it must, has the
 * whole judged aside before anything is written, shows it, and then runs the commands that
 * everybody could type. Any number of times: what is there already is left as it is, so a run
 * that was cut off is finished by the next one.
 */
#include "setup.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/text.h"
#include "sandbox.h"

static const char staged_config[] = SETUP_STAGE "/doublelock.conf";
static const char staged_sample[] = SETUP_STAGE "/sample.pem";

/* ---- the configuration ---- */

static int
add(struct dlk_buf *buf, const char *before, const char *value, const char *after)
{
	const char *part[] = { before, value, after };
	int r = 0;

	for (size_t i = 0; i < 3 && r == 0; i++)
		r = dlk_buf_add(buf, 64 * 1024, dlk_bytes_str(part[i]));
	return r;
}

static int
add_entrance(
    const struct setup_site *site, const struct setup_entrance *entrance, struct dlk_buf *text)
{
	int r = add(text, "\n[service ", entrance->section, "]\n");

	if (r == 0)
		r = add(text, entrance->demands, NULL, NULL);
	if (r == 0 && entrance->by_certificate)
		r = add(text,
		    "\n# Break glass: who is in this group gets in by certificate alone, "
		    "without a code,\n# so let it be empty until authenticators fail. Each "
		    "such login is an event with\n# the name of this section.\n[service ",
		    entrance->section, " group:");
	if (r == 0 && entrance->by_certificate)
		r = add(text, site->break_glass, "]\notp = none\n", NULL);
	return r;
}

static int
configuration(const struct setup_site *site, struct setup_found *found)
{
	DLK_AUTO_BUF text = { 0 };
	int r = add(&text,
	    "# Made by 'doublelock setup', and yours to change; see doublelock.conf(5).\n"
	    "\n# Which account a certificate names.\n[identity]\nrule = ",
	    site->rule, "\n");

	if (r == 0 && site->urls.n > 0)
		r = add(&text, "\n[revocation]\n", NULL, NULL);
	for (size_t i = 0; i < site->urls.n && r == 0; i++)
		r = add(&text, "url = ", site->urls.text[i], "\n");
	for (const struct setup_entrance *e = setup_entrances; e->word && r == 0; e++)
		if (setup_chosen(site, e))
			r = add_entrance(site, e, &text);
	if (r < 0)
		return ctl_fault("out of memory");
	return setup_add(found, "conf.d", SETUP_CONF, dlk_bytes_of(&text)) ? CTL_YES
									   : CTL_FAULT;
}

/* ---- the steps ---- */

/* A command's answer: JSON as it is, words as a string. */
static int
tell_json(const char *step, const struct dlk_buf *out, int end)
{
	bool json = out->n > 0 && (out->p[0] == '{' || out->p[0] == '[');
	size_t n = out->n > 0 && out->p[out->n - 1] == '\n' ? out->n - 1 : out->n;
	json_t *words = json ? NULL : json_stringn((const char *)out->p, n);

	printf("{\"step\":\"%s\",\"exit\":%d,\"answer\":", step, end);
	if (json)
		(void)fwrite(out->p, 1, n, stdout);
	else if (!words || json_dumpf(words, stdout, JSON_ENCODE_ANY) != 0)
		fputs("null", stdout);
	json_decref(words);
	puts("}");
	return fflush(stdout) == 0 ? end : ctl_fault("the answer could not be written");
}

/* One step; --json is put behind the words where the command knows it. */
static int
step(const struct setup_site *site, const char *name, bool knows_json, bool asks,
    const char *const *words)
{
	const char *line[16] = { NULL };
	DLK_AUTO_BUF out = { 0 };
	size_t n = 0;

	for (; words[n]; n++)
		line[n] = words[n];
	if (!site->json) {
		printf("\n# doublelock");
		for (size_t i = 0; i < n; i++)
			printf(" %s", words[i]);
		puts("");
		return setup_run(line, asks, NULL);
	}
	if (knows_json)
		line[n] = "--json";
	int end = setup_run(line, asks, &out);
	return tell_json(name, &out, end);
}
#define STEP(site, name, knows_json, asks, ...)                                               \
	step(site, name, knows_json, asks, (const char *const[]){ __VA_ARGS__, NULL })

static int
judge(const struct setup_site *site, const struct setup_found *found)
{
	int end = setup_stage(found);

	if (end != CTL_YES)
		return end;
	if (STEP(site, "check-config", true, false, "verify", "--config", staged_config,
		"--check-config") != CTL_YES)
		return ctl_refuse("what is here already and what setup would add do not go "
				  "together: take out of your files what the line above "
				  "names, or go on by hand; nothing was changed");
	if (site->urls.n > 0 && STEP(site, "crl-refresh", true, false, "crl", "refresh",
				    "--config", staged_config) != CTL_YES)
		return ctl_refuse("a list could not be fetched: try the URL, or name a file; "
				  "nothing was changed");
	for (const struct setup_entrance *e = setup_entrances; e->word && end == CTL_YES; e++)
		if (setup_chosen(site, e) && e->by_certificate)
			end = STEP(site, "verify", true, false, "verify", "--config",
			    staged_config, "--user", site->admin, "--service", e->section,
			    staged_sample);
	if (end != CTL_YES)
		return ctl_refuse("%s is not accepted for %s, so nothing was changed; what "
				  "to do stands above",
		    site->sample, site->admin);
	return end;
}

/* All doors are one change, which is confirmed or put back as a whole. */
static int
at_doors(const struct setup_site *site, const char *name, bool write)
{
	const char *words[10] = { "setup" };
	size_t n = 1;

	for (const struct setup_entrance *e = setup_entrances; e->word; e++)
		if (setup_chosen(site, e))
			words[n++] = e->word;
	if (write) {
		words[n++] = "--yes";
		words[n++] = "--within";
		words[n++] = site->within;
	}
	return step(site, name, false, false, words);
}

static int
tell_files(const struct setup_site *site, const struct setup_found *found)
{
	static const char *const words[] = { "new", "becomes", "same" };
	json_t *files = json_object();

	if (!site->json) {
		puts("");
		setup_show(found);
		json_decref(files);
		return CTL_YES;
	}
	for (size_t i = 0; i < found->n_files; i++) {
		char path[PATH_MAX];

		dlk_text_print(path, sizeof(path), "%s/%s/%s", DLK_SYSCONFDIR,
		    found->file[i].dir, found->file[i].name);
		json_object_set_new(files, path, json_string(words[found->file[i].state]));
	}
	return ctl_print(json_pack("{s:s,s:o}", "step", "files", "files", files), CTL_YES);
}

static int
agree(struct setup_site *site)
{
	const char *answer;

	if (site->yes)
		return CTL_YES;
	answer = setup_answer(site, "\nWrite this, and put it in force? Type yes: ");
	return answer && strcmp(answer, "yes") == 0 ? CTL_YES : setup_nothing();
}

/* Somebody who has a token already keeps it. */
static int
enroll_admin(const struct setup_site *site)
{
	const char *const list[] = { "token", "list", site->admin, "--json", NULL };
	DLK_AUTO_BUF out = { 0 };
	int end = setup_run(list, false, &out);

	if (end != CTL_YES)
		return end;
	if (out.n >= 2 && memcmp(out.p, "[]", 2) != 0) {
		if (!site->json)
			printf("\n%s has a token already\n", site->admin);
		return CTL_YES;
	}
	return site->yes
		   ? STEP(site, "enroll", true, false, "enroll", "--no-confirm", site->admin)
		   : STEP(site, "enroll", true, true, "enroll", site->admin);
}

static int
put_in_force(const struct setup_site *site, const struct setup_found *found)
{
	int end = setup_write(found);

	if (end == CTL_YES)
		end = STEP(site, "init", false, false, "init");
	if (end == CTL_YES)
		end = STEP(
		    site, "cert-add", true, false, "cert", "add", site->admin, staged_sample);
	if (end == CTL_YES)
		end = enroll_admin(site);
	if (end == CTL_YES)
		end = at_doors(site, "doors", true);
	if (end != CTL_YES)
		return ctl_refuse("not finished; what stands above is in the way. The same "
				  "command again goes on where this one ended");
	end = STEP(site, "doctor", true, false, "doctor");
	if (end != CTL_YES)
		return ctl_refuse("'doublelock doctor' found what stands above: mend it, or "
				  "'doublelock setup rollback'");
	if (!site->json && site->urls.n > 0)
		puts("\nThe lists are fetched by the agent: systemctl enable --now "
		     "doublelockd.socket doublelockd.service");
	return CTL_YES;
}

static int
go(struct setup_site *site, struct setup_found *found)
{
	int end = setup_read(site, found);

	if (end == CTL_YES)
		end = setup_rule(site, found);
	if (end == CTL_YES)
		end = configuration(site, found);
	if (end == CTL_YES)
		end = judge(site, found);
	if (end == CTL_YES)
		end = setup_compare(found);
	if (end == CTL_YES)
		end = tell_files(site, found);
	if (end == CTL_YES)
		end = at_doors(site, "shown", false);
	if (end == CTL_YES)
		end = agree(site);
	return end == CTL_YES ? put_in_force(site, found) : end;
}

/* Two of them would put their files together in one place. */
static int
be_alone(int *ret_fd)
{
	*ret_fd = open(DLK_SYSCONFDIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_fd < 0)
		return ctl_fault("%s: %s", DLK_SYSCONFDIR, dlk_file_error(errno));
	if (flock(*ret_fd, LOCK_EX | LOCK_NB) != 0)
		return ctl_refuse("another 'doublelock setup' is at work");
	return CTL_YES;
}

int
setup_first(struct ctl_call *call)
{
	DLK_AUTO_FD alone = -1;
	__attribute__((cleanup(setup_site_fini))) struct setup_site site = { .rule = NULL };
	struct setup_found *found;
	int end;

	if (!setup_options(call, &site))
		return CTL_USAGE;
	if (geteuid() != 0)
		return ctl_fault("what it writes is root's: sudo doublelock setup");
	if (!getpwnam(DLK_USER))
		return ctl_fault(
		    "there is no user '%s' on this machine; the package makes it", DLK_USER);
	if (!site.within)
		site.within = "10m";
	end = be_alone(&alone);
	if (end == CTL_YES)
		end = setup_ask(call, &site);
	if (end != CTL_YES)
		return end;
	found = calloc(1, sizeof(*found));
	if (!found)
		return ctl_fault("out of memory");
	end = go(&site, found);
	setup_unstage();
	setup_found_fini(found);
	free(found);
	return end;
}
