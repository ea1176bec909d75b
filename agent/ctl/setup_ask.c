/* SPDX-License-Identifier: MIT */
/*
 * setup_ask.c - what the first setup has to know: out of options, or asked for on a terminal,
 * and whether it can be used at all. It changes nothing.
 */
#include "setup.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/account.h"
#include "base/text.h"

#define FILE_MAX ((size_t)256 * 1024 * 1024)

const struct setup_entrance setup_entrances[] = {
	{ "ssh", "sshd", "certificate = sshd\notp = required\n", true },
	{ "sudo", "sudo",
	    "# ssh-agent instead of none: the user's forwarded agent proves the key as well\n"
	    "certificate = none\notp = required\n",
	    false },
	{ "login", "login", "certificate = none\notp = required\n", false },
	{ .word = NULL },
};

static bool
is_url(const char *text)
{
	return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
}

bool
setup_chosen(const struct setup_site *site, const struct setup_entrance *entrance)
{
	size_t n = strlen(entrance->word);

	for (const char *p = site->services; p && *p; p += strcspn(p, ",")) {
		p += *p == ',';
		if (strncmp(p, entrance->word, n) == 0 && strcspn(p, ",") == n)
			return true;
	}
	return false;
}

/* ---- whether it can be used ---- */

static int
check_services(const struct setup_site *site)
{
	size_t words = 0, known = 0;
	char all[64] = "";

	for (const char *p = site->services; *p; p += strcspn(p, ",")) {
		p += *p == ',';
		words++;
	}
	for (const struct setup_entrance *e = setup_entrances; e->word; e++) {
		size_t n = strlen(all);

		known += setup_chosen(site, e);
		dlk_text_print(all + n, sizeof(all) - n, "%s%s", n ? "," : "", e->word);
	}
	return known > 0 && known == words
		   ? CTL_YES
		   : ctl_refuse(
			 "--services %s: what can be chosen is: %s", site->services, all);
}

static int
check_admin(const char *admin)
{
	char name[DLK_NAME_MAX + 1];
	uid_t uid;

	if (dlk_account_find(admin, name, sizeof(name), &uid) != 0)
		return ctl_refuse("--admin %s: there is no such account; 'useradd "
				  "--create-home %s' makes one",
		    admin, admin);
	if (uid == 0)
		return ctl_refuse("--admin %s: a certificate does not name root by a rule; "
				  "choose an account that may use sudo",
		    admin);
	return CTL_YES;
}

/* Who is in there is asked for no code, so it is not for every day. */
static int
check_group(const struct setup_site *site)
{
	const struct group *group = getgrnam(site->break_glass);

	if (!group)
		return ctl_refuse("--break-glass %s: there is no such group; 'groupadd "
				  "--system %s' makes one",
		    site->break_glass, site->break_glass);
	for (char **member = group->gr_mem; *member; member++)
		if (strcmp(*member, site->admin) == 0)
			return ctl_refuse(
			    "--break-glass %s: %s is in it, and its members are asked for no "
			    "code: 'gpasswd -d %s %s', or name another group",
			    site->break_glass, site->admin, site->admin, site->break_glass);
	return CTL_YES;
}

/* A console is what is left when the network is not, so it may not keep root out. */
static int
check_console(const struct setup_site *site)
{
	static const char *const list[] = { "token", "list", "root", "--json", NULL };
	DLK_AUTO_BUF out = { 0 };
	bool login = false;

	for (const struct setup_entrance *e = setup_entrances; e->word; e++)
		login |= strcmp(e->word, "login") == 0 && setup_chosen(site, e);
	if (!login || (setup_run(list, false, &out) == CTL_YES && out.n > 3))
		return CTL_YES;
	return ctl_refuse(
	    "--services login: root would be asked for a code, and has no token: "
	    "'doublelock enroll root' first, or leave login out");
}

static int
read_files(struct setup_site *site)
{
	int r = 0;

	for (size_t i = 0; i < site->ca.n && r == 0; i++)
		r = ctl_files_read(
		    &site->ca_files, site->ca.text[i], ctl_cert_suffixes, 1024 * 1024);
	for (size_t i = 0; i < site->crl.n && r == 0; i++) {
		if (is_url(site->crl.text[i]))
			site->urls.text[site->urls.n++] = site->crl.text[i];
		else
			r = ctl_files_read(
			    &site->crl_files, site->crl.text[i], ctl_crl_suffixes, FILE_MAX);
	}
	if (r == 0)
		r = ctl_files_read(&site->sample_file, site->sample, NULL, 1024 * 1024);
	return r < 0 ? ctl_fault("out of memory") : CTL_YES;
}

/* ---- asking ---- */

static const char *
remember(struct setup_site *site, const char *text)
{
	char *copy = site->n_typed < SETUP_TYPED ? strdup(text) : NULL;

	if (copy)
		site->typed[site->n_typed++] = copy;
	return copy;
}

/* A line that was typed; NULL at the end of input, "" for an empty one. */
const char *
setup_answer(struct setup_site *site, const char *question)
{
	char line[1024];

	fputs(question, stdout);
	fflush(stdout);
	for (size_t n = 0; n < sizeof(line); n++) {
		if (read(STDIN_FILENO, &line[n], 1) != 1)
			return NULL;
		if (line[n] == '\n') {
			line[n] = '\0';
			return remember(site, line);
		}
	}
	return NULL;
}

int
setup_nothing(void)
{
	return ctl_refuse("nothing was changed");
}

/* Asks until it is one; `empty` is taken for an empty line. */
static int
ask_one(struct setup_site *site, const char *question, const char *empty, const char **answer)
{
	while (!*answer || !**answer) {
		*answer = setup_answer(site, question);
		if (!*answer)
			return setup_nothing();
		if (!**answer && empty)
			*answer = empty;
	}
	return CTL_YES;
}

static int
ask_several(
    struct setup_site *site, const char *question, const char *more, struct ctl_texts *texts)
{
	while (texts->n < CTL_TEXTS_MAX) {
		const char *line = setup_answer(site, texts->n ? more : question);

		if (!line)
			return setup_nothing();
		if (!*line && texts->n > 0)
			break;
		if (*line && !is_url(line) && access(line, R_OK) != 0)
			printf("    %s: %s\n", line, strerrordesc_np(errno));
		else if (*line)
			texts->text[texts->n++] = line;
	}
	return CTL_YES;
}

static int
ask_what_lacks(struct setup_site *site)
{
	int end = CTL_YES;

	if (site->ca.n == 0)
		end = ask_several(site, "File of your CA's certificate (PEM or DER): ",
		    "Of another CA of the chain (empty: no more): ", &site->ca);
	if (end == CTL_YES && site->crl.n == 0)
		end = ask_several(site,
		    "Its list of revocation, a file or a URL that it is fetched from: ",
		    "Of another CA (empty: no more): ", &site->crl);
	if (end == CTL_YES)
		end = ask_one(
		    site, "The account of the first administrator: ", NULL, &site->admin);
	if (end == CTL_YES)
		end = ask_one(
		    site, "File of that administrator's certificate: ", NULL, &site->sample);
	if (end == CTL_YES)
		end = ask_one(site,
		    "Services (ssh, sudo, login), separated by commas [ssh]: ", "ssh",
		    &site->services);
	if (end == CTL_YES)
		end = ask_one(site,
		    "A group whose members get in without a code when authenticators fail\n"
		    "(break glass; best empty until then): ",
		    NULL, &site->break_glass);
	return end;
}

static void
show_rules(const struct setup_found *found)
{
	printf(
	    "The certificate says\n%.*s\n", (int)found->about.n, (const char *)found->about.p);
	for (size_t i = 0; i < found->n_rules; i++)
		printf("  %zu  %-40s names %s%s\n", i + 1, found->rule[i].text,
		    found->rule[i].user, found->rule[i].known ? "" : " (no such account)");
}

/* The rules that find the administrator in the sample. */
static int
no_rule(const struct setup_site *site, const struct setup_found *found)
{
	char all[512] = "";

	for (size_t i = 0; i < found->n_rules; i++) {
		size_t n = strlen(all);
		if (strcmp(found->rule[i].user, site->admin) == 0)
			dlk_text_print(all + n, sizeof(all) - n, "%s--rule %s",
			    n ? ", or " : "", found->rule[i].text);
	}
	if (!all[0])
		return ctl_refuse("%s: nothing in this certificate reads '%s'; choose "
				  "another sample or another account",
		    site->sample, site->admin);
	return ctl_refuse("which account a certificate names is for you to say: %s", all);
}

int
setup_rule(struct setup_site *site, const struct setup_found *found)
{
	const char *answer;
	int64_t number = 0;

	if (!site->json && !site->rule)
		show_rules(found);
	if (site->rule)
		return CTL_YES;
	if (site->yes)
		return no_rule(site, found);
	do {
		answer = setup_answer(site,
		    "Which account does a certificate name? The number of a "
		    "rule, or another one\n(FIELD:PATTERN with %u): ");
		if (!answer)
			return setup_nothing();
	} while (!*answer);
	if (dlk_int_parse(answer, 1, (int64_t)found->n_rules, &number) == 0)
		answer = found->rule[number - 1].text;
	site->rule = answer;
	return dlk_text_is_name(answer) ? CTL_YES
					: ctl_refuse("a rule is printable and has no spaces");
}

static int
lacks(struct ctl_call *call, const struct setup_site *site)
{
	const struct {
		bool given;
		const char *option;
	} needed[] = {
		{ site->ca.n > 0, "ca FILE" },
		{ site->crl.n > 0, "crl FILE|URL" },
		{ site->sample, "sample CERT" },
		{ site->admin, "admin USER" },
		{ site->services, "services ssh,sudo" },
		{ site->break_glass, "break-glass GROUP" },
	};

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!needed[i].given)
			return ctl_misused(call,
			    "with --yes nothing is asked, and --%s is "
			    "missing",
			    needed[i].option);
	return CTL_YES;
}

bool
setup_options(struct ctl_call *call, struct setup_site *site)
{
	const struct ctl_option table[] = {
		{ .name = "ca", .texts = &site->ca },
		{ .name = "crl", .texts = &site->crl },
		{ .name = "rule", .text = &site->rule },
		{ .name = "sample", .text = &site->sample },
		{ .name = "services", .text = &site->services },
		{ .name = "admin", .text = &site->admin },
		{ .name = "break-glass", .text = &site->break_glass },
		{ .name = "within", .text = &site->within },
		{ .name = "yes", .flag = &site->yes },
		{ .name = "json", .flag = &site->json },
	};

	if (!CTL_OPTIONS(call, table, 0, 0))
		return false;
	if (site->json && !site->yes) {
		(void)ctl_misused(call, "--json asks nothing: give --yes as well");
		return false;
	}
	if ((site->admin && !dlk_text_is_name(site->admin)) ||
	    (site->break_glass && !dlk_text_is_name(site->break_glass)) ||
	    (site->rule && !dlk_text_is_name(site->rule))) {
		(void)ctl_misused(call, "a name and a rule are printable and have no spaces");
		return false;
	}
	return true;
}

int
setup_ask(struct ctl_call *call, struct setup_site *site)
{
	int end = site->yes ? lacks(call, site) : ask_what_lacks(site);

	if (end == CTL_YES)
		end = check_admin(site->admin);
	if (end == CTL_YES)
		end = check_services(site);
	if (end == CTL_YES)
		end = check_group(site);
	if (end == CTL_YES)
		end = check_console(site);
	return end == CTL_YES ? read_files(site) : end;
}

void
setup_site_fini(struct setup_site *site)
{
	ctl_files_fini(&site->ca_files);
	ctl_files_fini(&site->crl_files);
	ctl_files_fini(&site->sample_file);
	for (size_t i = 0; i < site->n_typed; i++)
		free(site->typed[i]);
}
