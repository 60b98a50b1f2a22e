/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An INF file, and the headers of a driver's file. */
#include "fixups/inf.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	enum inf_machine machine;
	struct inf_driver driver;
	struct err err = { 0 };
	bool is_signed;

	if (inf_read(bytes, length, "x.inf", INF_AMD64, &driver, &err) == 0)
		fuzz_require(driver.service[0] && driver.file[0] && driver.id_count &&
				     driver.id_count <= INF_IDS &&
				     driver.value_count <= INF_VALUES,
			     "half a driver");
	else
		fuzz_require(err.text[0], "an error without a text");
	if (pe_look(bytes, length, "x.sys", &machine, &is_signed, &err) < 0)
		fuzz_require(err.text[0], "an error without a text");
	return 0;
}
