/* SPDX-License-Identifier: MIT */
/* qr.c - QR codes: libqrencode makes them, this draws them. */
#include "qr.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>
#include <qrencode.h>

#define QUIET 4 /* modules around it, ISO/IEC 18004 */
#define SCALE 8 /* pixels of a module */

static void
qr_cleanup(QRcode **qr)
{
	if (*qr)
		explicit_bzero((*qr)->data, (size_t)(*qr)->width * (size_t)(*qr)->width);
	QRcode_free(*qr);
}
#define AUTO_QR __attribute__((cleanup(qr_cleanup))) QRcode

static QRcode *
encode(struct dlk_bytes text)
{
	return QRcode_encodeData((int)text.n, text.p, 0, QR_ECLEVEL_L);
}

static bool
is_dark(const QRcode *qr, int x, int y)
{
	if (x < 0 || y < 0 || x >= qr->width || y >= qr->width)
		return false;
	return qr->data[y * qr->width + x] & 1;
}

/* Two modules above each other are one character; light is what is drawn. */
static void
print_blocks(const QRcode *qr, bool colours, FILE *out)
{
	static const char *const block[] = { "\xe2\x96\x88", "\xe2\x96\x80", "\xe2\x96\x84",
		" " };

	for (int y = -QUIET; y < qr->width + QUIET; y += 2) {
		fputs(colours ? "\033[97;40m" : "", out);
		for (int x = -QUIET; x < qr->width + QUIET; x++)
			fputs(block[2 * is_dark(qr, x, y) + is_dark(qr, x, y + 1)], out);
		fputs(colours ? "\033[0m\n" : "\n", out);
	}
}

static void
print_ascii(const QRcode *qr, FILE *out)
{
	for (int y = -QUIET; y < qr->width + QUIET; y++) {
		for (int x = -QUIET; x < qr->width + QUIET; x++)
			fputs(is_dark(qr, x, y) ? "  " : "##", out);
		fputc('\n', out);
	}
}

int
ctl_qr_print(struct dlk_bytes text, enum ctl_qr_style style, FILE *out)
{
	AUTO_QR *qr = encode(text);

	if (!qr)
		return -errno;
	switch (style) {
	case CTL_QR_BLOCKS:
	case CTL_QR_COLOURS:
		print_blocks(qr, style == CTL_QR_COLOURS, out);
		break;
	case CTL_QR_ASCII:
		print_ascii(qr, out);
		break;
	}
	return ferror(out) ? -EIO : 0;
}

int
ctl_qr_png(struct dlk_bytes text, FILE *out)
{
	AUTO_QR *qr = encode(text);

	if (!qr)
		return -errno;
	size_t side = ((size_t)qr->width + 2 * QUIET) * SCALE;
	DLK_AUTO_BUF pixels = { 0 };
	png_image image = { .version = PNG_IMAGE_VERSION,
		.width = (png_uint_32)side,
		.height = (png_uint_32)side,
		.format = PNG_FORMAT_GRAY };
	if (dlk_buf_reserve(&pixels, side * side) < 0)
		return -ENOMEM;
	for (size_t y = 0; y < side; y++)
		for (size_t x = 0; x < side; x++)
			pixels.p[y * side + x] =
			    is_dark(qr, (int)(x / SCALE) - QUIET, (int)(y / SCALE) - QUIET)
				? 0
				: 255;
	int done = png_image_write_to_stdio(&image, out, 0, pixels.p, (png_int_32)side, NULL);
	png_image_free(&image);
	return done && fflush(out) == 0 ? 0 : -EIO;
}
