/* SPDX-License-Identifier: MIT */
/*
 * spopframe.c - heads, the greeting, and what an agent answers. What a message asks is
 * spopmessage.h's.
 */
#include "agent/spopframe.h"

#include <errno.h>
#include <string.h>

#define VERSION    "2.0"
#define FINAL      0x1U
#define FLAGS      4 /* octets */
#define SET_VAR    1
#define SET_VAR_N  3
#define PIPELINING "pipelining"

const char *
dlk_spop_status_str(enum dlk_spop_status status)
{
	switch (status) {
	case DLK_SPOP_NORMAL:
		return "normal";
	case DLK_SPOP_TOO_BIG:
		return "frame is too big";
	case DLK_SPOP_INVALID:
		return "invalid frame received";
	case DLK_SPOP_NO_VERSION:
		return "version value not found";
	case DLK_SPOP_NO_FRAME_SIZE:
		return "max-frame-size value not found";
	case DLK_SPOP_NO_CAPABILITIES:
		return "capabilities value not found";
	case DLK_SPOP_BAD_VERSION:
		return "unsupported version";
	case DLK_SPOP_BAD_FRAME_SIZE:
		return "max-frame-size too big or too small";
	case DLK_SPOP_FRAGMENTED:
		return "payload fragmentation is not supported";
	case DLK_SPOP_NO_RESOURCE:
		return "resource allocation error";
	}
	return "";
}

enum dlk_spop_status
dlk_spop_frame_parse(struct dlk_bytes octets, struct dlk_spop_frame *ret_frame)
{
	struct dlk_spop_frame frame = { 0 };

	if (octets.n < 1 + FLAGS)
		return DLK_SPOP_INVALID;
	frame.kind = octets.p[0];
	uint32_t flags = dlk_get_be32(octets.p + 1);
	octets = DLK_BYTES(octets.p + 1 + FLAGS, octets.n - 1 - FLAGS);
	if (flags != FINAL || frame.kind == 0)
		return DLK_SPOP_FRAGMENTED;
	if (dlk_spop_get_number(&octets, &frame.stream) < 0 ||
	    dlk_spop_get_number(&octets, &frame.number) < 0)
		return DLK_SPOP_INVALID;
	frame.payload = octets;
	*ret_frame = frame;
	return DLK_SPOP_NORMAL;
}

/* In a list with commas, and spaces around them. */
static bool
lists(struct dlk_bytes list, const char *word)
{
	size_t at = 0;

	while (at < list.n) {
		size_t begin = at;
		while (at < list.n && list.p[at] != ',')
			at++;
		size_t end = at++;
		while (begin < end && list.p[begin] == ' ')
			begin++;
		while (end > begin && list.p[end - 1] == ' ')
			end--;
		if (dlk_bytes_equal(
			DLK_BYTES(list.p + begin, end - begin), dlk_bytes_str(word)))
			return true;
	}
	return false;
}

struct greeting {
	struct dlk_spop_value versions, frame_max, capabilities, health;
};

static const struct {
	const char *name;
	size_t at;
	enum dlk_spop_type type;
} greetings[] = {
	{ "supported-versions", offsetof(struct greeting, versions), DLK_SPOP_STRING },
	{ "max-frame-size", offsetof(struct greeting, frame_max), DLK_SPOP_UINT32 },
	{ "capabilities", offsetof(struct greeting, capabilities), DLK_SPOP_STRING },
	{ "healthcheck", offsetof(struct greeting, health), DLK_SPOP_BOOL },
};

/* False where a key that is known stands there twice, or with another type. */
static bool
note(struct greeting *greeting, struct dlk_bytes name, const struct dlk_spop_value *value)
{
	for (size_t i = 0; i < sizeof(greetings) / sizeof(greetings[0]); i++) {
		if (!dlk_bytes_equal(name, dlk_bytes_str(greetings[i].name)))
			continue;
		struct dlk_spop_value *place = (void *)((uint8_t *)greeting + greetings[i].at);
		if (place->type != DLK_SPOP_NULL || value->type != greetings[i].type)
			return false;
		*place = *value;
	}
	return true; /* others are for other agents */
}

enum dlk_spop_status
dlk_spop_hello_parse(struct dlk_bytes payload, struct dlk_spop_hello *ret_hello)
{
	struct greeting greeting = { 0 };
	struct dlk_spop_value value;
	struct dlk_bytes name;

	while (payload.n > 0)
		if (dlk_spop_get_string(&payload, &name) < 0 ||
		    dlk_spop_get_value(&payload, &value) < 0 || !note(&greeting, name, &value))
			return DLK_SPOP_INVALID;
	if (greeting.versions.type == DLK_SPOP_NULL)
		return DLK_SPOP_NO_VERSION;
	if (!lists(greeting.versions.octets, VERSION))
		return DLK_SPOP_BAD_VERSION;
	if (greeting.frame_max.type == DLK_SPOP_NULL)
		return DLK_SPOP_NO_FRAME_SIZE;
	if (greeting.frame_max.number < DLK_SPOP_FRAME_MIN ||
	    greeting.frame_max.number > UINT32_MAX)
		return DLK_SPOP_BAD_FRAME_SIZE;
	if (greeting.capabilities.type == DLK_SPOP_NULL)
		return DLK_SPOP_NO_CAPABILITIES;
	ret_hello->frame_max = greeting.frame_max.number < DLK_SPOP_FRAME_MAX
				   ? (uint32_t)greeting.frame_max.number
				   : DLK_SPOP_FRAME_MAX;
	ret_hello->pipelining = lists(greeting.capabilities.octets, PIPELINING);
	ret_hello->health = greeting.health.truth;
	return DLK_SPOP_NORMAL;
}

/* A frame without its payload; its length is written by seal(). */
static int
put_head(struct dlk_buf *buf, size_t limit, enum dlk_spop_kind kind, uint64_t stream,
    uint64_t number)
{
	uint8_t head[DLK_SPOP_LENGTH + 1 + FLAGS] = { [DLK_SPOP_LENGTH] = (uint8_t)kind };

	dlk_put_be32(head + DLK_SPOP_LENGTH + 1, FINAL);
	int r = dlk_buf_add(buf, limit, DLK_BYTES(head, sizeof(head)));
	if (r == 0)
		r = dlk_spop_put_number(buf, limit, stream);
	return r < 0 ? r : dlk_spop_put_number(buf, limit, number);
}

/* What was begun at `begin` is whole, or is not there at all. */
static int
seal(struct dlk_buf *buf, size_t begin, int r)
{
	if (r < 0)
		buf->n = begin;
	else
		dlk_put_be32(buf->p + begin, (uint32_t)(buf->n - begin - DLK_SPOP_LENGTH));
	return r;
}

static int
put_pair(struct dlk_buf *buf, size_t limit, const struct dlk_spop_set *pair)
{
	int r = dlk_spop_put_string(buf, limit, pair->name);

	return r < 0 ? r : dlk_spop_put_value(buf, limit, &pair->value);
}

static int
put_pairs(
    struct dlk_buf *buf, enum dlk_spop_kind kind, const struct dlk_spop_set *pair, size_t n)
{
	size_t begin = buf->n, limit = begin + DLK_SPOP_LENGTH + DLK_SPOP_FRAME_MIN;
	int r = put_head(buf, limit, kind, 0, 0);

	for (size_t i = 0; i < n && r == 0; i++)
		r = put_pair(buf, limit, &pair[i]);
	return seal(buf, begin, r);
}

int
dlk_spop_put_hello(struct dlk_buf *buf, const struct dlk_spop_hello *hello)
{
	const struct dlk_spop_set pair[] = {
		{ "version", { .type = DLK_SPOP_STRING, .octets = dlk_bytes_str(VERSION) } },
		{ "max-frame-size", { .type = DLK_SPOP_UINT32, .number = hello->frame_max } },
		{ "capabilities",
		    { .type = DLK_SPOP_STRING,
			.octets = dlk_bytes_str(hello->pipelining ? PIPELINING : "") } },
	};

	return put_pairs(buf, DLK_SPOP_AGENT_HELLO, pair, 3);
}

int
dlk_spop_put_disconnect(struct dlk_buf *buf, enum dlk_spop_status status)
{
	const struct dlk_spop_set pair[] = {
		{ "status-code", { .type = DLK_SPOP_UINT32, .number = (uint64_t)status } },
		{ "message", { .type = DLK_SPOP_STRING,
				 .octets = dlk_bytes_str(dlk_spop_status_str(status)) } },
	};

	return put_pairs(buf, DLK_SPOP_AGENT_DISCONNECT, pair, 2);
}

int
dlk_spop_put_ack(struct dlk_buf *buf, size_t frame_max, const struct dlk_spop_ack *ack)
{
	const uint8_t action[] = { SET_VAR, SET_VAR_N, (uint8_t)ack->scope };
	size_t begin = buf->n, limit = begin + DLK_SPOP_LENGTH + frame_max;
	int r = put_head(buf, limit, DLK_SPOP_ACK, ack->stream, ack->number);

	for (size_t i = 0; i < ack->n && r == 0; i++) {
		r = dlk_buf_add(buf, limit, DLK_BYTES(action, sizeof(action)));
		if (r == 0)
			r = put_pair(buf, limit, &ack->set[i]);
	}
	return seal(buf, begin, r);
}
