/* SPDX-License-Identifier: MIT */
/* house.h - what the doors have in common: who decides, who delivers, what is in force. */
#ifndef DLK_AGENT_HOUSE_H
#define DLK_AGENT_HOUSE_H

#include "agent/courier.h"
#include "agent/fetch.h"
#include "agent/held.h"
#include "agent/mirror.h"
#include "agent/throttle.h"
#include "agent/memo.h"
#include "agent/metrics.h"
#include "agent/reload.h"
#include "agent/serve.h"

struct dlk_house {
	struct dlk_serve *serve;
	struct dlk_courier *courier;
	struct dlk_fetch *fetch;
	struct dlk_mirror *mirror;
	struct dlk_reload *reload;
	struct dlk_metrics *metrics;
	struct dlk_throttle *throttle;
	struct dlk_memo *memo;
	struct dlk_held *held;
};

#endif
