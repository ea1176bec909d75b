/* SPDX-License-Identifier: MIT */
/* metrics.c - counters and their text. It sees no request and no name of a person. */
#include "agent/metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/request.h"

/* milliseconds; a 1 ms decision is a good one, 2.5 s is the patience of a gateway */
static const int64_t bounds[] = { 1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500 };
#define BOUNDS (sizeof(bounds) / sizeof(bounds[0]))

struct series {
	char service[DLK_NAME_MAX + 1];
	uint64_t count[DLK_REASON_COUNT];
};

struct dlk_metrics {
	struct series series[DLK_METRICS_SERVICES];
	size_t n;
	uint64_t other[DLK_REASON_COUNT];
	uint64_t bucket[BOUNDS + 1];
	uint64_t tls[DLK_METRICS_TLS_COUNT];
	uint64_t sum_ms, decisions;
};

struct dlk_metrics *
dlk_metrics_new(void)
{
	return calloc(1, sizeof(struct dlk_metrics));
}

void
dlk_metrics_free(struct dlk_metrics *metrics)
{
	free(metrics);
}

static uint64_t *
counters(struct dlk_metrics *m, const char *service)
{
	if (!service)
		return m->other;
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->series[i].service, service) == 0)
			return m->series[i].count;
	if (m->n == DLK_METRICS_SERVICES ||
	    !dlk_text_copy(m->series[m->n].service, sizeof(m->series[m->n].service), service))
		return m->other;
	return m->series[m->n++].count;
}

void
dlk_metrics_count(struct dlk_metrics *metrics, const char *service, enum dlk_reason reason,
    int64_t milliseconds)
{
	size_t i = 0;

	counters(metrics, service)[(unsigned)reason < DLK_REASON_COUNT ? reason : 0]++;
	while (i < BOUNDS && milliseconds > bounds[i])
		i++;
	metrics->bucket[i]++;
	metrics->sum_ms += milliseconds > 0 ? (uint64_t)milliseconds : 0;
	metrics->decisions++;
}

void
dlk_metrics_count_tls(struct dlk_metrics *metrics, enum dlk_metrics_tls what)
{
	metrics->tls[what]++;
}

struct text {
	struct dlk_buf *buf;
	int error;
};

static void __attribute__((format(printf, 2, 3)))
print(struct text *text, const char *format, ...)
{
	char line[2 * DLK_NAME_MAX + 256];
	va_list args;

	va_start(args, format);
	int n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (text->error == 0 && n > 0 && (size_t)n < sizeof(line))
		text->error =
		    dlk_buf_add(text->buf, DLK_METRICS_TEXT_MAX, dlk_bytes_str(line));
}

/* What a label's quotes may hold; what is too long is cut. */
static void
quote(const char *value, char *out, size_t size)
{
	size_t n = 0;

	for (const char *c = value; *c && n + 2 < size; c++) {
		if (*c == '"' || *c == '\\')
			out[n++] = '\\';
		out[n++] = *c;
	}
	out[n] = '\0';
}

static void
print_series(struct text *text, const char *service, const uint64_t *count)
{
	char shown[DLK_NAME_MAX + 1];

	quote(service, shown, sizeof(shown));
	for (int r = 0; r < DLK_REASON_COUNT; r++)
		if (count[r] > 0)
			print(text,
			    "doublelock_decisions_total{service=\"%s\",reason=\"%s\"} %" PRIu64
			    "\n",
			    shown, dlk_reason_str((enum dlk_reason)r), count[r]);
}

static void
print_decisions(struct text *text, const struct dlk_metrics *m)
{
	uint64_t upto = 0;

	print(text, "# HELP doublelock_decisions_total Decisions for gateways.\n"
		    "# TYPE doublelock_decisions_total counter\n");
	for (size_t i = 0; i < m->n; i++)
		print_series(text, m->series[i].service, m->series[i].count);
	print_series(text, "", m->other);
	print(text, "# HELP doublelock_decision_seconds From the request to its answer.\n"
		    "# TYPE doublelock_decision_seconds histogram\n");
	for (size_t i = 0; i < BOUNDS; i++) {
		upto += m->bucket[i];
		print(text, "doublelock_decision_seconds_bucket{le=\"%g\"} %" PRIu64 "\n",
		    (double)bounds[i] / 1000, upto);
	}
	print(text,
	    "doublelock_decision_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n"
	    "doublelock_decision_seconds_sum %.3f\n"
	    "doublelock_decision_seconds_count %" PRIu64 "\n",
	    m->decisions, (double)m->sum_ms / 1000, m->decisions);
}

static void
print_tls(struct text *text, const struct dlk_metrics *m)
{
	static const char *const result[] = { "begun", "limited", "unknown", "accepted",
		"refused" };

	print(text, "# HELP doublelock_tls_total Handshakes of gateways on other hosts, and "
		    "judgements of their certificates.\n"
		    "# TYPE doublelock_tls_total counter\n");
	for (size_t i = 0; i < DLK_METRICS_TLS_COUNT; i++)
		print(text, "doublelock_tls_total{result=\"%s\"} %" PRIu64 "\n", result[i],
		    m->tls[i]);
}

static void
print_gauge(struct text *text, const char *name, const char *help, uint64_t value)
{
	print(text,
	    "# HELP doublelock_%s %s\n# TYPE doublelock_%s gauge\ndoublelock_%s %" PRIu64 "\n",
	    name, help, name, name, value);
}

static void
print_lists(struct text *text, const struct dlk_lists *lists)
{
	char issuer[DLK_NAME_MAX + 1];

	print(text, "# HELP doublelock_crl_next_update_seconds When the list of an issuer "
		    "ends, grace included, in seconds since 1970.\n"
		    "# TYPE doublelock_crl_next_update_seconds gauge\n");
	for (size_t i = 0; lists && i < lists->n; i++) {
		quote(lists->list[i].issuer, issuer, sizeof(issuer));
		print(text, "doublelock_crl_next_update_seconds{issuer=\"%s\"} %" PRId64 "\n",
		    issuer, lists->list[i].until);
	}
}

int
dlk_metrics_text(const struct dlk_metrics *metrics, const struct dlk_metrics_gauges *gauges,
    struct dlk_buf *buf)
{
	struct text text = { .buf = buf };

	print_decisions(&text, metrics);
	print_tls(&text, metrics);
	print_lists(&text, gauges->lists);
	print_gauge(&text, "store_up", "The record can be written.", gauges->store);
	if (gauges->store)
		print_gauge(&text, "events_pending", "Events that the webhook has not got.",
		    gauges->pending);
	print_gauge(&text, "config_rejected",
	    "A newer configuration was rejected; the one before is in force.",
	    gauges->rejected);
	print_gauge(&text, "connections", "Connections of gateways.", gauges->connections);
	print(&text,
	    "# HELP doublelock_webhook_deliveries_total Tries to deliver an event.\n"
	    "# TYPE doublelock_webhook_deliveries_total counter\n"
	    "doublelock_webhook_deliveries_total{result=\"delivered\"} %" PRIu64 "\n"
	    "doublelock_webhook_deliveries_total{result=\"failed\"} %" PRIu64 "\n",
	    gauges->delivered, gauges->failed);
	print(&text, "# HELP doublelock_build_info What this is.\n"
		     "# TYPE doublelock_build_info gauge\n"
		     "doublelock_build_info{version=\"" DLK_VERSION "\"} 1\n");
	return text.error;
}
