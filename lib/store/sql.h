/* SPDX-License-Identifier: MIT */
/* sql.h - every statement of the record, by name. Values are bound, never written in. */
#ifndef DLK_STORE_SQL_H
#define DLK_STORE_SQL_H

#define DLK_COLUMNS_EVENT                                                                     \
	"id, at, type, reason, stage, entrance, possession, user, service, source, tty, "     \
	"caller, policy, relaxed, subject, issuer, serial, fingerprint, detail, token, "      \
	"good_until"
#define DLK_EVENT_PLACES                                                                      \
	"?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22"
#define DLK_COLUMNS_TOKEN                                                                     \
	"id, user, label, kind, algorithm, digits, period, last_step, key_id, created, "      \
	"seal, sealed"
#define DLK_COLUMNS_FAILURES "count, since, locked_until, lockouts"

/* clang-format off */
#define DLK_SQL(X) \
	X(BEGIN, "BEGIN IMMEDIATE") \
	X(BEGIN_READING, "BEGIN") \
	X(COMMIT, "COMMIT") \
	X(ROLLBACK, "ROLLBACK") \
	X(SAVEPOINT, "SAVEPOINT one") \
	X(RELEASE, "RELEASE one") \
	X(UNDO, "ROLLBACK TO one") \
	X(STATE, "SELECT highest, last_row, head, base, inode, born FROM state LEFT JOIN place USING (one) WHERE one = 1") \
	X(STATE_SET, "UPDATE state SET highest = ?1, last_row = ?2, head = ?3, base = ?4 WHERE one = 1") \
	X(PLACE_SET, "INSERT OR REPLACE INTO place (one, inode, born) VALUES (1, ?1, ?2)") \
	X(PROBE, "UPDATE state SET probed = probed + 1 WHERE one = 1") \
	/* tokens */ \
	X(TOKENS_OF, "SELECT " DLK_COLUMNS_TOKEN " FROM token WHERE user = ?1 ORDER BY id") \
	X(TOKENS_ALL, "SELECT " DLK_COLUMNS_TOKEN " FROM token ORDER BY user, id") \
	X(TOKENS_AFTER, "SELECT " DLK_COLUMNS_TOKEN " FROM token WHERE id > ?1 ORDER BY id LIMIT 1") \
	X(TOKEN, "SELECT " DLK_COLUMNS_TOKEN " FROM token WHERE user = ?1 AND label = ?2") \
	X(TOKEN_ADD, "INSERT INTO token (user, label, kind, algorithm, digits, period, last_step, key_id, created, seal, sealed, mac) " \
		"VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)") \
	X(TOKEN_COUNT, "SELECT count(*) FROM token WHERE user = ?1") \
	X(TOKEN_SAME, "SELECT count(*) FROM token WHERE user = ?1 AND seal = ?2 AND mac = ?3") \
	X(TOKEN_LABEL, "SELECT count(*) FROM token WHERE user = ?1 AND label = ?2") \
	X(TOKEN_SEAL, "SELECT min(seal) FROM token WHERE seal > ?1 AND user = ?2") \
	X(TOKEN_REMOVE, "DELETE FROM token WHERE user = ?1 AND label = ?2") \
	X(TOKENS_REMOVE, "DELETE FROM token WHERE user = ?1") \
	X(TOKEN_USE, "UPDATE token SET last_step = ?4 WHERE id = ?1 AND user = ?2 AND last_step = ?3 AND ?4 > last_step") \
	X(TOKEN_STEP, "UPDATE token SET last_step = ?2 WHERE id = ?1 AND last_step < ?2") \
	X(TOKEN_RESEAL, "UPDATE token SET seal = ?2, sealed = ?3, mac = ?4 WHERE id = ?1") \
	/* used: what removed tokens leave behind */ \
	X(USED_KEEP, "INSERT INTO used (seal, mac, last_step) SELECT seal, mac, last_step FROM token " \
		"WHERE user = ?1 AND (?2 IS NULL OR label = ?2) AND last_step >= 0 " \
		"ON CONFLICT (seal, mac) DO UPDATE SET last_step = max(last_step, excluded.last_step)") \
	X(USED_SEAL, "SELECT min(seal) FROM used WHERE seal > ?1") \
	X(USED, "SELECT last_step FROM used WHERE seal = ?1 AND mac = ?2") \
	/* recovery codes */ \
	X(RECOVERY_OF, "SELECT id, mac FROM recovery WHERE user = ?1 ORDER BY id") \
	X(RECOVERY_SEAL, "SELECT seal FROM recovery WHERE user = ?1 LIMIT 1") \
	X(RECOVERY_COUNT, "SELECT count(*) FROM recovery WHERE user = ?1") \
	X(RECOVERY_ADD, "INSERT INTO recovery (user, seal, mac) VALUES (?1, ?2, ?3)") \
	X(RECOVERY_USE, "DELETE FROM recovery WHERE id = ?1 AND user = ?2") \
	X(RECOVERY_REMOVE, "DELETE FROM recovery WHERE user = ?1") \
	/* failures; replaced rows go to the end, so the first ones are the oldest */ \
	X(FAILURE, "SELECT " DLK_COLUMNS_FAILURES " FROM failure WHERE user = ?1 AND kind = ?2 AND key = ?3") \
	X(FAILURE_SET, "INSERT OR REPLACE INTO failure (user, kind, key, " DLK_COLUMNS_FAILURES ") VALUES (?1,?2,?3,?4,?5,?6,?7)") \
	X(FAILURE_REMOVE, "DELETE FROM failure WHERE user = ?1 AND kind = ?2 AND key = ?3") \
	X(FAILURES_REMOVE, "DELETE FROM failure WHERE user = ?1") \
	X(FAILURES_OLD, "DELETE FROM failure WHERE row IN (SELECT row FROM failure ORDER BY row LIMIT 4) " \
		"AND since < ?1 AND locked_until < ?1") \
	X(FAILURES_OF, "SELECT user, kind, key, " DLK_COLUMNS_FAILURES " FROM failure WHERE user = ?1 ORDER BY kind, key") \
	X(FAILURES_ALL, "SELECT user, kind, key, " DLK_COLUMNS_FAILURES " FROM failure ORDER BY user, kind, key") \
	X(FAILURES_FROM_NOW, "UPDATE failure SET locked_until = CASE WHEN locked_until > since " \
		"THEN locked_until - since + ?1 ELSE locked_until END, since = ?1 WHERE since > ?1") \
	/* logins: what a subject used last, and until when it is remembered */ \
	X(LOGIN, "SELECT token, step, since, until FROM login WHERE user = ?1 AND key = ?2 AND service = ?3 AND source = ?4") \
	X(LOGIN_SET, "INSERT OR REPLACE INTO login (user, key, service, source, token, step, since, until, at) " \
		"VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9)") \
	X(LOGINS_END, "UPDATE login SET until = 0 WHERE user = ?1 AND until > 0") \
	X(LOGINS_REMOVE, "DELETE FROM login WHERE user = ?1") \
	X(LOGINS_OLD, "DELETE FROM login WHERE row IN (SELECT row FROM login ORDER BY row LIMIT 4) AND at < ?1 AND until < ?2") \
	X(LOGINS_FROM_NOW, "UPDATE login SET until = 0, since = min(since, ?1), at = min(at, ?1) WHERE since > ?1 OR at > ?1") \
	/* attempts */ \
	X(ATTEMPT, "SELECT final, event FROM attempt WHERE id = ?1") \
	X(ATTEMPT_ADD, "INSERT INTO attempt (id, final, at, event, mark, event_row) VALUES (?1, ?2, ?3, ?4, ?5, ?6)") \
	X(ATTEMPT_MARK, "SELECT mark, event, event_row FROM attempt WHERE id = ?1 AND mark IS NOT NULL AND at BETWEEN ?2 AND ?3") \
	X(ATTEMPTS_OLD, "DELETE FROM attempt WHERE row IN (SELECT row FROM attempt ORDER BY row LIMIT 4) AND at < ?1") \
	X(ATTEMPTS_FROM_NOW, "UPDATE attempt SET at = ?1 WHERE at > ?1") \
	X(PENDING, "SELECT id FROM pending WHERE attempt = ?1") \
	X(PENDING_SET, "INSERT OR REPLACE INTO pending (attempt, " DLK_COLUMNS_EVENT ") VALUES (?1, " DLK_EVENT_PLACES ")") \
	X(PENDING_REMOVE, "DELETE FROM pending WHERE attempt = ?1") \
	/* the first one is the oldest; one in the future is of a time that never was */ \
	X(PENDING_OLD, "SELECT attempt, " DLK_COLUMNS_EVENT " FROM (SELECT * FROM pending ORDER BY rowid LIMIT 1) " \
		"WHERE at <= ?1 OR at > ?2") \
	X(PENDING_COUNT, "SELECT count(*) FROM (SELECT at FROM pending ORDER BY rowid LIMIT 1) WHERE at <= ?1 OR at > ?2") \
	/* processes: the login that a session comes from */ \
	X(PROCESS_ADD, "INSERT INTO process (pid, started, parent, parent_started, user, service, at, login, event) " \
		"VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9)") \
	X(PROCESS, "SELECT row, login, event, user FROM process WHERE service = ?2 AND ((pid = ?3 AND started = ?4) OR " \
		"(parent = ?3 AND parent_started = ?4 AND user = ?1)) ORDER BY row DESC LIMIT 1") \
	X(PROCESS_REMOVE, "DELETE FROM process WHERE row = ?1") \
	X(PROCESSES_OLD, "DELETE FROM process WHERE row IN (SELECT row FROM process ORDER BY row LIMIT 4) AND at < ?1") \
	/* wanted: lists of revocation; a url that is new, or comes back, gets the next number */ \
	X(WANTED_KNOWN, "SELECT count(*) FROM wanted WHERE url = ?1 AND at BETWEEN ?2 AND ?3") \
	X(WANTED_SET, "INSERT INTO wanted (url, issuer, name, since, at) VALUES (?1, ?2, ?3, ?4, ?4) " \
		"ON CONFLICT (url) DO UPDATE SET issuer = excluded.issuer, name = excluded.name, at = excluded.at") \
	X(WANTED_FEW, "DELETE FROM wanted WHERE name = ?1 AND row NOT IN " \
		"(SELECT row FROM wanted WHERE name = ?1 ORDER BY at DESC, row DESC LIMIT ?2)") \
	X(WANTED_OLD, "DELETE FROM wanted WHERE at < ?1 OR row NOT IN (SELECT row FROM wanted ORDER BY at DESC, row DESC LIMIT ?2)") \
	X(WANTED, "SELECT row, url, issuer, name, since, at FROM wanted ORDER BY row LIMIT ?1") \
	X(WANTED_LATEST, "SELECT coalesce(max(row), 0) FROM wanted") \
	/* kept: a certificate between two calls of a gateway */ \
	X(KEPT, "SELECT row, attempt, certificate, chain FROM kept WHERE caller = ?1 AND service = ?2 AND source = ?3 " \
		"AND fingerprint = ?4 AND at >= ?5 AND at <= ?6") \
	X(KEPT_ADD, "INSERT OR REPLACE INTO kept (caller, service, source, fingerprint, at, attempt, certificate, chain) " \
		"VALUES (?1,?2,?3,?4,?5,?6,?7,?8)") \
	X(KEPT_USE, "DELETE FROM kept WHERE row = ?1") \
	X(KEPT_OLD, "DELETE FROM kept WHERE at < ?1 OR at > ?2") \
	/* visits: connections of a gateway that were allowed */ \
	X(VISIT, "SELECT count(*) FROM visit WHERE caller = ?1 AND service = ?2 AND name = ?3 AND user = ?4 AND key = ?5 " \
		"AND at <= ?6") \
	X(VISIT_SET, "INSERT OR REPLACE INTO visit (caller, service, name, user, key, at) VALUES (?1,?2,?3,?4,?5,?6)") \
	X(VISITS_END, "DELETE FROM visit WHERE user = ?1") \
	X(VISITS_OLD, "DELETE FROM visit WHERE row IN (SELECT row FROM visit ORDER BY row LIMIT 4) AND at < ?1") \
	/* revoked: certificates that were judged so, and good ones with the same key */ \
	X(KEY_STATE, "SELECT count(*) FROM revoked WHERE fingerprint = ?1 AND good = ?2") \
	X(KEY_KNOWN, "SELECT count(*) FROM revoked WHERE key = ?1") \
	X(KEY_SET, "INSERT INTO revoked (fingerprint, key, good, until, at) VALUES (?1, ?2, ?3, ?4, ?5) " \
		"ON CONFLICT (fingerprint) DO UPDATE SET good = excluded.good, at = excluded.at") \
	X(KEYS_FEW, "DELETE FROM revoked WHERE row NOT IN (SELECT row FROM revoked ORDER BY row DESC LIMIT ?1)") \
	X(KEYS, "SELECT row, fingerprint, key, good, until FROM revoked ORDER BY row LIMIT ?1") \
	/* ending: certificates whose end was told of */ \
	X(ENDING_KNOWN, "SELECT count(*) FROM ending WHERE fingerprint = ?1 AND at BETWEEN ?2 AND ?3") \
	X(ENDING_SET, "INSERT INTO ending (fingerprint, at) VALUES (?1, ?2) " \
		"ON CONFLICT (fingerprint) DO UPDATE SET at = excluded.at WHERE at <= ?3 OR at > ?2") \
	X(ENDING_OLD, "DELETE FROM ending WHERE at < ?1") \
	/* events */ \
	X(EVENT_ADD, "INSERT INTO event (row, " DLK_COLUMNS_EVENT ", chain) VALUES (?1, " DLK_EVENT_PLACES ", ?23)") \
	X(EVENT, "SELECT " DLK_COLUMNS_EVENT " FROM event WHERE row = ?1 AND id = ?2") \
	X(EVENT_OF, "SELECT row FROM event WHERE user = ?1 AND id = ?2") \
	X(EVENTS_UP, "SELECT row, " DLK_COLUMNS_EVENT " FROM event WHERE row > ?1 AND row < ?2 AND at >= ?3 " \
		"ORDER BY row LIMIT ?4") \
	X(EVENTS_DOWN, "SELECT row, " DLK_COLUMNS_EVENT " FROM event WHERE row > ?1 AND row < ?2 AND at >= ?3 " \
		"ORDER BY row DESC LIMIT ?4") \
	X(EVENTS_OF_UP, "SELECT row, " DLK_COLUMNS_EVENT " FROM event WHERE user = ?5 AND row > ?1 AND row < ?2 " \
		"AND at >= ?3 ORDER BY row LIMIT ?4") \
	X(EVENTS_OF_DOWN, "SELECT row, " DLK_COLUMNS_EVENT " FROM event WHERE user = ?5 AND row > ?1 AND row < ?2 " \
		"AND at >= ?3 ORDER BY row DESC LIMIT ?4") \
	X(EVENTS_CHAIN, "SELECT row, " DLK_COLUMNS_EVENT ", chain FROM event ORDER BY row") \
	X(EVENTS_DELIVERED, "SELECT e.row, e.chain, e.at, o.row FROM event e LEFT JOIN outbox o ON o.row = e.row " \
		"ORDER BY e.row LIMIT ?1") \
	X(EVENTS_PRUNE, "DELETE FROM event WHERE row <= ?1") \
	X(CHECKPOINT, "SELECT row, seal, mac FROM checkpoint WHERE one = 1") \
	X(CHECKPOINT_SET, "INSERT OR REPLACE INTO checkpoint (one, row, seal, mac) VALUES (1, ?1, ?2, ?3)") \
	X(OUTBOX_PRUNE, "DELETE FROM outbox WHERE row <= ?1") \
	/* the outbox */ \
	X(OUTBOX_ADD, "INSERT INTO outbox (row, attempts, due, error) VALUES (?1, 0, ?2, '')") \
	X(OUTBOX_NEXT, "SELECT o.row, o.attempts, o.due, o.error, e.chain, " DLK_COLUMNS_EVENT \
		" FROM outbox o JOIN event e ON e.row = o.row WHERE o.due <= ?1 ORDER BY o.due, o.row LIMIT ?2") \
	X(OUTBOX_ALL, "SELECT o.row, o.attempts, o.due, o.error, e.chain, " DLK_COLUMNS_EVENT \
		" FROM outbox o JOIN event e ON e.row = o.row ORDER BY o.row") \
	X(OUTBOX_DUE, "SELECT min(due) FROM outbox") \
	X(OUTBOX_COUNT, "SELECT count(*) FROM outbox") \
	X(OUTBOX_DELIVERED, "DELETE FROM outbox WHERE row = ?1") \
	X(OUTBOX_FAILED, "UPDATE outbox SET attempts = attempts + 1, due = ?2, error = ?3 WHERE row = ?1") \
	X(OUTBOX_RETRY, "UPDATE outbox SET due = ?1 WHERE due > ?1") \
	/* users */ \
	X(USERS, "SELECT u.user, (SELECT count(*) FROM token t WHERE t.user = u.user), " \
		"(SELECT count(*) FROM recovery r WHERE r.user = u.user), " \
		"(SELECT coalesce(max(locked_until), 0) FROM failure f WHERE f.user = u.user) " \
		"FROM (SELECT user FROM token UNION SELECT user FROM recovery UNION " \
		"SELECT user FROM failure WHERE user <> '') u ORDER BY u.user")
/* clang-format on */

enum dlk_sql {
#define DLK_SQL_ENUM(symbol, text) DLK_SQL_##symbol,
	DLK_SQL(DLK_SQL_ENUM)
#undef DLK_SQL_ENUM
	    DLK_SQL_COUNT
};

#endif
