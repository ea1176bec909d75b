/* SPDX-License-Identifier: MIT */
/*
 * spopframe.h - the frames of SPOP 2.0 (HAProxy, doc/SPOE.txt section 3.2): what HAProxy says
 * is read, what an agent says is written. Pure functions.
 */
#ifndef DLK_AGENT_SPOPFRAME_H
#define DLK_AGENT_SPOPFRAME_H

#include "agent/spopdata.h"

#define DLK_SPOP_LENGTH    4            /* octets before a frame: how long it is */
#define DLK_SPOP_FRAME_MIN 256          /* nobody may ask for less */
#define DLK_SPOP_FRAME_MAX (128 * 1024) /* more is not agreed to */

enum dlk_spop_kind {
	DLK_SPOP_HAPROXY_HELLO = 1,
	DLK_SPOP_HAPROXY_DISCONNECT = 2,
	DLK_SPOP_NOTIFY = 3,
	DLK_SPOP_AGENT_HELLO = 101,
	DLK_SPOP_AGENT_DISCONNECT = 102,
	DLK_SPOP_ACK = 103
};

/* Why a connection ends; the numbers are the protocol's. */
enum dlk_spop_status {
	DLK_SPOP_NORMAL = 0,
	DLK_SPOP_TOO_BIG = 3,
	DLK_SPOP_INVALID = 4,
	DLK_SPOP_NO_VERSION = 5,
	DLK_SPOP_NO_FRAME_SIZE = 6,
	DLK_SPOP_NO_CAPABILITIES = 7,
	DLK_SPOP_BAD_VERSION = 8,
	DLK_SPOP_BAD_FRAME_SIZE = 9,
	DLK_SPOP_FRAGMENTED = 10,
	DLK_SPOP_NO_RESOURCE = 13
};
const char *dlk_spop_status_str(enum dlk_spop_status status);

struct dlk_spop_frame {
	unsigned kind; /* of enum dlk_spop_kind, or any other octet */
	uint64_t stream, number;
	struct dlk_bytes payload; /* borrowed */
};
/* What stands behind the length. Fragments are refused. */
enum dlk_spop_status dlk_spop_frame_parse(
    struct dlk_bytes octets, struct dlk_spop_frame *ret_frame);

struct dlk_spop_hello {
	uint32_t frame_max; /* octets, length aside */
	bool pipelining;
	bool health; /* HAProxy only wants to know whether somebody is there */
};
/* What HAProxy offers, brought down to what is supported here. */
enum dlk_spop_status dlk_spop_hello_parse(
    struct dlk_bytes payload, struct dlk_spop_hello *ret_hello);

/* Whole frames, their lengths included, appended to `buf`; one exceeds no `frame_max`. 0,
 * -EMSGSIZE, -ENOMEM. */
int dlk_spop_put_hello(struct dlk_buf *buf, const struct dlk_spop_hello *hello);
int dlk_spop_put_disconnect(struct dlk_buf *buf, enum dlk_spop_status status);

enum dlk_spop_scope { DLK_SPOP_SESSION = 1, DLK_SPOP_TRANSACTION = 2 };
struct dlk_spop_set {
	const char *name;
	struct dlk_spop_value value;
};
/* An ACK that sets variables. */
struct dlk_spop_ack {
	uint64_t stream, number;
	enum dlk_spop_scope scope;
	const struct dlk_spop_set *set;
	size_t n;
};
int dlk_spop_put_ack(struct dlk_buf *buf, size_t frame_max, const struct dlk_spop_ack *ack);

#endif
