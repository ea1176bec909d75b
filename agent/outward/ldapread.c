/* SPDX-License-Identifier: MIT */
/* ldapread.c - speaks to the server by OpenLDAP's library, one message at a time, each with a
 * deadline and a bound. What the answers mean is for whoever asks. */
#include "agent/outward/ldapread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ldap.h>

#include "agent/outward/ldapguard.h"
#include "base/text.h"
#include "wire/frame.h"

#define ATTRIBUTE   "userCertificate;binary"
#define CONNECT_S   5
#define OPEN_MS     8000   /* for connection, TLS and bind together */
#define MESSAGE_MS  10000  /* between two messages */
#define WHOLE_MS    300000 /* for one filter */
#define PAGE        100
#define MESSAGE_MAX (4 * 1024 * 1024)

struct dlk_ldap_session {
	LDAP *ld;
	struct dlk_ldap_guard *guard;
	const struct dlk_ldap *ldap;
};

static int
fail(struct dlk_ldap_session *s, const char *doing, int code, char *words)
{
	char line[DLK_LDAP_WORDS], *more = NULL;

	if (s->ldap->stop && s->ldap->stop(s->ldap->ctx))
		return -ECANCELED;
	if (dlk_ldap_guard_struck(s->guard))
		code = LDAP_TIMEOUT;
	else
		(void)ldap_get_option(s->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &more);
	dlk_text_print(line, sizeof(line), "%s: %s%s%.100s%s", doing, ldap_err2string(code),
	    more && *more ? " (" : "", more ? more : "", more && *more ? ")" : "");
	dlk_text_escape(words, DLK_LDAP_WORDS, dlk_bytes_str(line));
	ldap_memfree(more);
	return code == LDAP_TIMEOUT ? -ETIMEDOUT : -EPROTO;
}

/* What the library's own files and the environment would say is not asked: main() sets
 * LDAPNOINIT. */
static int
set_options(struct dlk_ldap_session *s)
{
	static const struct timeval connecting = { .tv_sec = CONNECT_S };
	const int version = LDAP_VERSION3, demand = LDAP_OPT_X_TLS_DEMAND, zero = 0;
	const int tls = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
	ber_len_t most = MESSAGE_MAX;
	Sockbuf *socket = NULL;

	if (ldap_set_option(s->ld, LDAP_OPT_PROTOCOL_VERSION, &version) != 0 ||
	    ldap_set_option(s->ld, LDAP_OPT_NETWORK_TIMEOUT, &connecting) != 0 ||
	    ldap_set_option(s->ld, LDAP_OPT_TIMEOUT, &connecting) != 0 ||
	    ldap_set_option(s->ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) != 0 ||
	    ldap_set_option(s->ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) != 0 ||
	    ldap_set_option(s->ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &tls) != 0 ||
	    ldap_set_option(s->ld, LDAP_OPT_X_TLS_CACERTFILE, s->ldap->ca) != 0 ||
	    ldap_set_option(s->ld, LDAP_OPT_X_TLS_NEWCTX, &zero) != 0)
		return LDAP_LOCAL_ERROR;
	if (ldap_get_option(s->ld, LDAP_OPT_SOCKBUF, (void *)&socket) != 0 || !socket ||
	    ber_sockbuf_ctrl(socket, LBER_SB_OPT_SET_MAX_INCOMING, &most) != 1)
		return LDAP_LOCAL_ERROR;
	return LDAP_SUCCESS;
}

static int
bind_as(struct dlk_ldap_session *s)
{
	char password[DLK_SECRET_MAX + 1] = "";
	struct berval credential = { .bv_val = password };

	if (s->ldap->bind_dn) {
		memcpy(password, s->ldap->password->b, s->ldap->password->n);
		credential.bv_len = s->ldap->password->n;
	}
	int code = ldap_sasl_bind_s(
	    s->ld, s->ldap->bind_dn, LDAP_SASL_SIMPLE, &credential, NULL, NULL, NULL);
	explicit_bzero(password, sizeof(password));
	return code;
}

int
dlk_ldap_open(const struct dlk_ldap *ldap, struct dlk_ldap_session **ret_session,
    char words[DLK_LDAP_WORDS])
{
	struct dlk_ldap_session *s = calloc(1, sizeof(*s));
	bool by_url = strncmp(ldap->url, "ldaps:", 6) == 0;
	const char *doing = "beginning";

	words[0] = '\0';
	if (!s)
		return -ENOMEM;
	s->ldap = ldap;
	int error = dlk_ldap_guard_new(ldap->stop, ldap->ctx, &s->guard);
	if (error < 0) {
		free(s);
		return error;
	}
	dlk_ldap_guard_until(s->guard, dlk_monotonic_ms() + OPEN_MS);
	int code = ldap_initialize(&s->ld, ldap->url);
	if (code == LDAP_SUCCESS)
		code = set_options(s);
	if (code == LDAP_SUCCESS)
		code = dlk_ldap_guard_watch(s->guard, s->ld);
	if (code == LDAP_SUCCESS && !by_url) {
		doing = "beginning TLS";
		code = ldap_start_tls_s(s->ld, NULL, NULL);
	}
	if (code == LDAP_SUCCESS) {
		doing = by_url ? "connecting" : "binding";
		code = bind_as(s);
	}
	if (code == LDAP_SUCCESS) {
		*ret_session = s;
		return 0;
	}
	error = s->ld ? fail(s, doing, code, words) : -ENOMEM;
	dlk_ldap_close(s);
	return error;
}

void
dlk_ldap_close(struct dlk_ldap_session *session)
{
	if (!session)
		return;
	if (session->ld)
		(void)ldap_unbind_ext_s(session->ld, NULL, NULL);
	dlk_ldap_guard_free(session->guard);
	free(session);
}

/* A search under way. */
struct search {
	struct dlk_ldap_session *s;
	const char *filter;
	int (*each)(void *arg, const char *user, struct dlk_bytes der);
	void *arg;
	char *words;
	int64_t until_ms;
	struct berval cookie; /* of the next page; the library's memory */
};

static int
show_entry(const struct search *q, LDAPMessage *entry)
{
	LDAP *ld = q->s->ld;
	struct berval **users = ldap_get_values_len(ld, entry, q->s->ldap->user);
	struct berval **values = ldap_get_values_len(ld, entry, ATTRIBUTE);
	char user[256] = "";
	int r = 0;

	if (users && users[0] && users[0]->bv_len < sizeof(user) &&
	    !memchr(users[0]->bv_val, '\0', users[0]->bv_len))
		memcpy(user, users[0]->bv_val, users[0]->bv_len);
	for (size_t i = 0; values && values[i] && i < DLK_LDAP_VALUES && r == 0; i++)
		r = q->each(q->arg, user[0] ? user : NULL,
		    DLK_BYTES(values[i]->bv_val, values[i]->bv_len));
	ldap_value_free_len(users);
	ldap_value_free_len(values);
	return r;
}

/* The end of a page: its code, and whether there is another one. */
static int
end_page(struct search *q, LDAPMessage *result, bool *ret_more)
{
	LDAPControl **controls = NULL;
	int code = LDAP_SUCCESS;
	ber_int_t estimate = 0;

	ber_memfree(q->cookie.bv_val);
	q->cookie = (struct berval){ 0 };
	int parsed =
	    ldap_parse_result(q->s->ld, result, &code, NULL, NULL, NULL, &controls, 0);
	if (parsed == LDAP_SUCCESS && code == LDAP_SUCCESS && controls) {
		LDAPControl *page =
		    ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
		if (page)
			code = ldap_parse_pageresponse_control(
			    q->s->ld, page, &estimate, &q->cookie);
	}
	ldap_controls_free(controls);
	*ret_more = q->cookie.bv_len > 0;
	if (parsed != LDAP_SUCCESS || code != LDAP_SUCCESS)
		return fail(
		    q->s, "searching", parsed != LDAP_SUCCESS ? parsed : code, q->words);
	return 0;
}

/* One message; -EAGAIN where more of this page is to come. */
static int
take_message(struct search *q, int id, bool *ret_more)
{
	struct timeval slice = { .tv_sec = 1 };
	int64_t late = dlk_monotonic_ms() + MESSAGE_MS;
	LDAPMessage *message = NULL;
	int kind = 0;

	late = late < q->until_ms ? late : q->until_ms;
	dlk_ldap_guard_until(q->s->guard, late + 1000);
	while (kind == 0) {
		if (q->s->ldap->stop && q->s->ldap->stop(q->s->ldap->ctx))
			return -ECANCELED;
		if (dlk_monotonic_ms() > late)
			return fail(q->s, "searching", LDAP_TIMEOUT, q->words);
		kind = ldap_result(q->s->ld, id, LDAP_MSG_ONE, &slice, &message);
	}
	int r = -EAGAIN;
	if (kind < 0) {
		int code = LDAP_SERVER_DOWN;
		(void)ldap_get_option(q->s->ld, LDAP_OPT_RESULT_CODE, &code);
		r = fail(q->s, "searching", code, q->words);
	} else if (kind == LDAP_RES_SEARCH_RESULT) {
		r = end_page(q, message, ret_more);
	} else if (kind == LDAP_RES_SEARCH_ENTRY) {
		r = show_entry(q, message);
		r = r == 0 ? -EAGAIN : r;
	}
	ldap_msgfree(message);
	return r;
}

static int
take_page(struct search *q, bool *ret_more)
{
	char attribute[] = ATTRIBUTE, user[256];
	char *attributes[] = { attribute, user, NULL };
	LDAPControl *page = NULL;
	int id = 0;

	dlk_text_print(user, sizeof(user), "%s", q->s->ldap->user);
	/* critical: half a directory is not taken for the whole */
	int code = ldap_create_page_control(q->s->ld, PAGE, &q->cookie, 1, &page);
	LDAPControl *controls[] = { page, NULL };
	if (code == LDAP_SUCCESS)
		code = ldap_search_ext(q->s->ld, q->s->ldap->base, LDAP_SCOPE_SUBTREE,
		    q->filter, attributes, 0, controls, NULL, NULL, LDAP_NO_LIMIT, &id);
	ldap_control_free(page);
	if (code != LDAP_SUCCESS)
		return fail(q->s, "searching", code, q->words);
	int r = -EAGAIN;
	while (r == -EAGAIN)
		r = take_message(q, id, ret_more);
	if (r != 0)
		(void)ldap_abandon_ext(q->s->ld, id, NULL, NULL);
	return r;
}

int
dlk_ldap_read(struct dlk_ldap_session *session, const char *filter,
    int (*each)(void *arg, const char *user, struct dlk_bytes der), void *arg,
    char words[DLK_LDAP_WORDS])
{
	struct search q = { .s = session,
		.filter = filter,
		.each = each,
		.arg = arg,
		.words = words,
		.until_ms = dlk_monotonic_ms() + WHOLE_MS };
	bool more = true;
	int r = 0;

	while (r == 0 && more) {
		more = false;
		r = take_page(&q, &more);
	}
	ber_memfree(q.cookie.bv_val);
	return r;
}
