/* SPDX-License-Identifier: MIT */
/* qr.h - a text as a QR code, in a terminal or as PNG. What it carries may be a secret. */
#ifndef DLK_AGENT_CTL_QR_H
#define DLK_AGENT_CTL_QR_H

#include <stdio.h>

#include "base/bytes.h"

enum ctl_qr_style { CTL_QR_BLOCKS = 0, CTL_QR_COLOURS, CTL_QR_ASCII };

/* All 0 or -errno. BLOCKS are UTF-8 half blocks for a dark terminal; COLOURS besides sets
 * both colours, so that any terminal shows them right. */
int ctl_qr_print(struct dlk_bytes text, enum ctl_qr_style style, FILE *out);
int ctl_qr_png(struct dlk_bytes text, FILE *out);

#endif
