/* SPDX-License-Identifier: MIT */
/*
 * fcgirecord.c - heads, pairs and answers. What parameters mean is fcgiparams.h's.
 */
#include "agent/fcgirecord.h"

#include <errno.h>
#include <string.h>

#define VERSION    1
#define KEEP_CONN  1
#define BODY       8 /* octets of the fixed bodies */
#define BUF_MAX    (1 << 18)
#define VALUES_MAX 1024        /* octets of a GET_VALUES_RESULT */
#define LONG       0x80000000U /* a length of four octets */

int
dlk_fcgi_head_parse(const uint8_t octets[DLK_FCGI_HEAD], struct dlk_fcgi_head *ret_head)
{
	if (octets[0] != VERSION)
		return -EBADMSG;
	*ret_head = (struct dlk_fcgi_head){ .type = octets[1],
		.id = dlk_get_be16(octets + 2),
		.content = dlk_get_be16(octets + 4),
		.padding = octets[6] };
	return 0;
}

int
dlk_fcgi_begin_parse(struct dlk_bytes content, struct dlk_fcgi_begin *ret_begin)
{
	if (content.n != BODY)
		return -EBADMSG;
	ret_begin->role = dlk_get_be16(content.p);
	ret_begin->keep = content.p[2] & KEEP_CONN;
	return 0;
}

static int
get_length(struct dlk_bytes *rest, size_t *ret_n)
{
	size_t size = rest->n > 0 && rest->p[0] < 128 ? 1 : 4;

	if (rest->n < size)
		return -EBADMSG;
	*ret_n = size == 1 ? rest->p[0] : dlk_get_be32(rest->p) & ~LONG;
	*rest = DLK_BYTES(rest->p + size, rest->n - size);
	return 0;
}

int
dlk_fcgi_get_pair(
    struct dlk_bytes *rest, struct dlk_bytes *ret_name, struct dlk_bytes *ret_value)
{
	struct dlk_bytes at = *rest;
	size_t name, value;

	if (get_length(&at, &name) < 0 || get_length(&at, &value) < 0 || name > at.n ||
	    value > at.n - name)
		return -EBADMSG;
	*ret_name = DLK_BYTES(at.p, name);
	*ret_value = DLK_BYTES(at.p + name, value);
	*rest = DLK_BYTES(at.p + name + value, at.n - name - value);
	return 0;
}

static int
put_record(struct dlk_buf *buf, enum dlk_fcgi_type type, unsigned id, struct dlk_bytes content)
{
	uint8_t head[DLK_FCGI_HEAD] = { VERSION, (uint8_t)type };
	size_t begin = buf->n;

	if (content.n > UINT16_MAX)
		return -EMSGSIZE;
	dlk_put_be16(head + 2, (uint16_t)id);
	dlk_put_be16(head + 4, (uint16_t)content.n);
	int r = dlk_buf_add(buf, BUF_MAX, DLK_BYTES(head, sizeof(head)));
	if (r == 0)
		r = dlk_buf_add(buf, BUF_MAX, content);
	if (r < 0)
		buf->n = begin;
	return r;
}

int
dlk_fcgi_put_stdout(struct dlk_buf *buf, unsigned id, struct dlk_bytes text)
{
	size_t begin = buf->n;
	int r = text.n > 0 ? put_record(buf, DLK_FCGI_STDOUT, id, text) : 0;

	if (r == 0)
		r = put_record(buf, DLK_FCGI_STDOUT, id, (struct dlk_bytes){ 0 });
	if (r < 0)
		buf->n = begin;
	return r;
}

int
dlk_fcgi_put_end(struct dlk_buf *buf, unsigned id, enum dlk_fcgi_status status)
{
	const uint8_t body[BODY] = { [4] = (uint8_t)status };

	return put_record(buf, DLK_FCGI_END_REQUEST, id, DLK_BYTES(body, sizeof(body)));
}

int
dlk_fcgi_put_unknown(struct dlk_buf *buf, unsigned type)
{
	const uint8_t body[BODY] = { (uint8_t)type };

	return put_record(buf, DLK_FCGI_UNKNOWN_TYPE, 0, DLK_BYTES(body, sizeof(body)));
}

static int
put_pair(struct dlk_buf *buf, const char *name, const char *value)
{
	const uint8_t length[] = { (uint8_t)strlen(name), (uint8_t)strlen(value) };
	int r = dlk_buf_add(buf, VALUES_MAX, DLK_BYTES(length, sizeof(length)));

	if (r == 0)
		r = dlk_buf_add(buf, VALUES_MAX, dlk_bytes_str(name));
	return r < 0 ? r : dlk_buf_add(buf, VALUES_MAX, dlk_bytes_str(value));
}

int
dlk_fcgi_put_values(struct dlk_buf *buf, struct dlk_bytes asked)
{
	static const char *const known[][2] = { { "FCGI_MAX_CONNS", "384" },
		{ "FCGI_MAX_REQS", "384" }, { "FCGI_MPXS_CONNS", "0" } };
	DLK_AUTO_BUF values = { 0 };
	struct dlk_bytes name, value;
	bool done[3] = { false };

	while (asked.n > 0) {
		if (dlk_fcgi_get_pair(&asked, &name, &value) < 0)
			return -EBADMSG;
		for (size_t i = 0; i < 3; i++) {
			if (done[i] || !dlk_bytes_equal(name, dlk_bytes_str(known[i][0])))
				continue;
			done[i] = true;
			int r = put_pair(&values, known[i][0], known[i][1]);
			if (r < 0)
				return r;
		}
	}
	return put_record(buf, DLK_FCGI_GET_VALUES_RESULT, 0, dlk_bytes_of(&values));
}
