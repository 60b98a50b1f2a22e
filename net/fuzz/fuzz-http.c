/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a web server answers, and addresses. */
#include <net/http.h>

#include <string.h>

#include <base/cleanup.h>

#include "fuzz/fuzz.h"

static void look_at_address(const uint8_t *bytes, size_t length)
{
	AUTO_FREE char *text = strndup((const char *)bytes, length);
	AUTO(http_url_clear) struct http_url url = { 0 };
	struct err err = { 0 };

	if (text && http_url_parse(text, &url, &err) == 0) {
		fuzz_require(url.host[0] && url.path[0] == '/',
			     "an address without a part");
		fuzz_require(url.port >= 1 && url.port <= 65535, "no port");
	} else {
		fuzz_require(err.text[0], "an error without a text");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const char *body = NULL, *start = (const char *)bytes;
	size_t body_length = 0;
	struct err err = { 0 };
	int r = http_answer_parse(start, length, &body, &body_length, &err);

	fuzz_require(r == 0 || err.text[0], "an error without a text");
	fuzz_require(r < 0 || (body >= start && body_length <= length &&
			       (size_t)(body - start) <= length - body_length),
		     "a body outside of the answer");
	look_at_address(bytes, length);
	return 0;
}
