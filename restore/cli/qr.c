/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Owns libqrencode: see qr.h. */
#include "qr.h"

#include <qrencode.h>
#include <stdbool.h>
#include <string.h>

#include <base/text.h>

/* Modules around the code. The standard wants 4; readers are content with 2, and 24 lines are few. */
#define MARGIN 2

DEFINE_FREEP(QRcode, qrcode, QRcode_free)

/* Outside of the code it is bright. */
static bool is_bright(const QRcode *code, int x, int y)
{
	if (x < 0 || y < 0 || x >= code->width || y >= code->width)
		return true;
	return !(code->data[y * code->width + x] & 1);
}

static char *draw(const QRcode *code)
{
	/* by the upper and the lower module */
	static const char *const blocks[2][2] = { { " ", "▄" }, { "▀", "█" } };
	int end = code->width + MARGIN;
	struct text out = { 0 };

	for (int y = -MARGIN; y < end; y += 2) {
		for (int x = -MARGIN; x < end; x++) {
			/* an odd number of rows leaves half a line, which stays dark */
			bool lower = y + 1 < end && is_bright(code, x, y + 1);

			text_add(&out, "%s", blocks[is_bright(code, x, y)][lower]);
		}
		text_add(&out, "\n");
	}
	return text_take(&out);
}

int qr_render(const char *text, char **ret, struct err *err)
{
	AUTO(qrcode_freep)
	QRcode *code = QRcode_encodeData((int)strlen(text), (const unsigned char *)text,
					 0, QR_ECLEVEL_L);
	char *drawn;

	if (!code && errno == ERANGE)
		return err_set(err, -EMSGSIZE, "%zu bytes are too much for a QR code",
			       strlen(text));
	if (!code)
		return err_errno(err, errno, "making a QR code");
	drawn = draw(code);
	if (!drawn)
		return err_nomem(err);
	*ret = drawn;
	return 0;
}
