/* SPDX-License-Identifier: MIT */
/* metrics.h - what was decided since the start, counted. For the loop's thread alone. */
#ifndef DLK_AGENT_METRICS_H
#define DLK_AGENT_METRICS_H

#include <doublelock/reason.h>

#include "agent/lists.h"

#define DLK_METRICS_SERVICES 64 /* those after are counted together */
#define DLK_METRICS_TEXT_MAX (4 * 1024 * 1024)
#define DLK_METRICS_TYPE     "text/plain; version=0.0.4; charset=utf-8"

struct dlk_metrics;
struct dlk_metrics *dlk_metrics_new(void); /* NULL: no memory */
void dlk_metrics_free(struct dlk_metrics *metrics);

/* `service` is a name of the configuration; NULL where it has none of that name: a label is
 * never what a peer has sent. */
void dlk_metrics_count(struct dlk_metrics *metrics, const char *service,
    enum dlk_reason reason, int64_t milliseconds);

/* What becomes of gateways on other hosts. */
enum dlk_metrics_tls {
	DLK_METRICS_TLS_BEGUN = 0, /* a handshake was taken up */
	DLK_METRICS_TLS_LIMITED,   /* one was not: too many */
	DLK_METRICS_TLS_UNKNOWN,   /* its certificate is nobody's */
	DLK_METRICS_TLS_ACCEPTED,  /* a gateway's certificate was judged and holds */
	DLK_METRICS_TLS_REFUSED,
	DLK_METRICS_TLS_COUNT
};
void dlk_metrics_count_tls(struct dlk_metrics *metrics, enum dlk_metrics_tls what);

/* What others count. */
struct dlk_metrics_gauges {
	bool store; /* the record can be written, and `pending` is known */
	bool rejected;
	const struct dlk_lists *lists;
	uint64_t pending, delivered, failed, connections;
};
/* Appends the text of Prometheus. 0 or -errno. */
int dlk_metrics_text(const struct dlk_metrics *metrics,
    const struct dlk_metrics_gauges *gauges, struct dlk_buf *buf);

#endif
