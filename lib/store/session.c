/* SPDX-License-Identifier: MIT */
/*
 * session.c - which login a session comes from. sshd judges a code in a child and opens the
 * session in the parent; sudo and login do both in one process, where sudo's session is that
 * of another user than the login. What PAM's environment says of it is the user's to change by
 * then, so only what the kernel says of the process counts.
 */
#include "store/session.h"

#include <string.h>

#include "base/text.h"
#include "store/db.h"

struct login {
	int64_t row;                    /* of the process */
	int64_t event;                  /* row of the login's event */
	char id[DLK_EVENT_ID_TEXT + 1]; /* of it */
	char user[DLK_NAME_MAX + 1];
};

/* 1, or 0 where it is not known. */
static int
find_login(struct dlk_record *record, const struct dlk_caller *caller,
    const struct dlk_request *request, struct login *login)
{
	const struct dlk_process *p = &caller->process;
	DLK_AUTO_ROWS *row = NULL;
	bool sound = true;
	int r = 0;

	if (p->pid != 0 && p->started != 0)
		r = dlk_db_start(record, DLK_SQL_PROCESS,
		    DLK_VALUES(DLK_T(request->user), DLK_T(request->service), DLK_I(p->pid),
			DLK_I(p->started)),
		    &row);
	if (r == 0 && row)
		r = dlk_db_step(record, row);
	if (r <= 0)
		return r;
	login->row = dlk_db_int(row, 0, 1, INT64_MAX, &sound);
	login->event = dlk_db_int(row, 1, 1, INT64_MAX, &sound);
	dlk_db_text(row, 2, login->id, sizeof(login->id), &sound);
	dlk_db_text(row, 3, login->user, sizeof(login->user), &sound);
	return sound ? 1 : dlk_db_unsound(record, "process", 0);
}

/* A gateway names it. */
static int
find_named(struct dlk_record *record, const struct dlk_request *request, struct login *login)
{
	int r = 0;

	if (request->login[0])
		r = dlk_db_number(record, DLK_SQL_EVENT_OF,
		    DLK_VALUES(DLK_T(request->user), DLK_T(request->login)), &login->event);
	if (r < 0 || login->event == 0)
		return r;
	dlk_text_copy(login->id, sizeof(login->id), request->login);
	dlk_text_copy(login->user, sizeof(login->user), request->user);
	return 1;
}

/* The login's own event, unless it was delivered and deleted since. */
static int
read_login(struct dlk_record *record, const struct login *login, struct dlk_event *event)
{
	DLK_AUTO_ROWS *row = NULL;
	int r = dlk_db_start(
	    record, DLK_SQL_EVENT, DLK_VALUES(DLK_I(login->event), DLK_T(login->id)), &row);

	if (r == 0)
		r = dlk_db_step(record, row);
	if (r > 0 && !dlk_event_read(row, 0, event))
		return dlk_db_unsound(record, "event", login->event);
	return r < 0 ? r : 0;
}

static void
describe(struct dlk_event *event, const struct dlk_caller *caller,
    const struct dlk_request *request, int64_t now)
{
	const struct dlk_verdict nothing = { 0 };
	struct dlk_event login = *event;

	dlk_event_of(caller, request, &nothing, now, event);
	event->type = request->session == DLK_SESSION_OPENED ? DLK_EVENT_SESSION_OPENED
							     : DLK_EVENT_SESSION_CLOSED;
	event->possession = login.possession;
	memcpy(event->policy, login.policy, sizeof(event->policy));
	memcpy(event->subject, login.subject, sizeof(event->subject));
	memcpy(event->issuer, login.issuer, sizeof(event->issuer));
	memcpy(event->serial, login.serial, sizeof(event->serial));
	memcpy(event->fingerprint, login.fingerprint, sizeof(event->fingerprint));
	if (!event->source[0])
		memcpy(event->source, login.source, sizeof(event->source));
}

static void
name_login(const struct login *login, struct dlk_event *event)
{
	bool same = strcmp(login->user, event->user) == 0;

	dlk_text_print(event->detail, sizeof(event->detail), "login %s%s%s", login->id,
	    same ? "" : " of ", same ? "" : login->user);
}

static void
add_remark(const struct dlk_request *request, struct dlk_event *event)
{
	char remark[4 * DLK_REMARK_MAX + 8];
	size_t n = strlen(event->detail);

	dlk_text_escape(remark, sizeof(remark), dlk_bytes_str(request->remark));
	if (remark[0])
		dlk_text_print(event->detail + n, sizeof(event->detail) - n, "%s%s",
		    n > 0 ? "; " : "", remark);
}

static int
note(struct dlk_record *record, const struct dlk_caller *caller,
    const struct dlk_request *request, int64_t now, struct dlk_event *event)
{
	struct login login = { 0 };
	int found = caller->entrance == DLK_ENTRANCE_GATEWAY
			? find_named(record, request, &login)
			: find_login(record, caller, request, &login);
	int r = found > 0 ? read_login(record, &login, event) : found;

	if (r < 0)
		return r;
	describe(event, caller, request, now);
	if (found > 0)
		name_login(&login, event);
	add_remark(request, event);
	r = dlk_events_append(record, event);
	if (r == 0 && login.row != 0 && request->session == DLK_SESSION_CLOSED)
		r = dlk_db_run(record, DLK_SQL_PROCESS_REMOVE, DLK_VALUES(DLK_I(login.row)));
	return r < 0 ? r : 0;
}

int
dlk_session_note(struct dlk_record *record, const struct dlk_caller *caller,
    const struct dlk_request *request, int64_t now, char *ret_event_id)
{
	struct dlk_event event = { 0 };
	int r = dlk_record_begin(record, NULL, now, NULL);

	if (r < 0)
		return r;
	r = dlk_db_finish(record, note(record, caller, request, now, &event));
	if (r == 0)
		dlk_text_copy(ret_event_id, DLK_EVENT_ID_TEXT + 1, event.id);
	return r;
}
