/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A journal's slot, as any disk that is looked at may carry it. What is taken is text, in order, and
 * comes back when it is written again. */
#include <string.h>

#include <base/utf.h>

#include "engine/journal.h"
#include "fuzz/fuzz.h"

static void check_words(const struct journal *journal)
{
	const char *end;

	if (!journal->words_length)
		return;
	end = journal->words + journal->words_length;
	fuzz_require(!end[-1], "the last word has no end");
	for (const char *word = journal->words; word < end; word += strlen(word) + 1)
		fuzz_require(utf8_check(word, strlen(word)) == 0, "a word is no text");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static uint8_t slot[JOURNAL_SLOT_LENGTH];
	struct journal journal, again;
	struct err err = { 0 };

	if (journal_decode(bytes, length, &journal, &err) < 0) {
		fuzz_require(err.text[0], "an error without a text");
		return 0;
	}
	check_words(&journal);
	fuzz_require(memchr(journal.about.machine, 0, JOURNAL_NAME_SIZE) != NULL,
		     "a name has no end");
	for (size_t i = 1; i < journal.done.count; i++)
		fuzz_require(journal.done.ranges[i - 1].offset <
				     journal.done.ranges[i].offset,
			     "ranges are out of order");
	journal_encode(&journal, slot, sizeof(slot));
	fuzz_require(journal_decode(slot, sizeof(slot), &again, &err) == 0,
		     "what was read is not written as it was");
	fuzz_require(again.sequence == journal.sequence &&
			     again.words_length == journal.words_length,
		     "what was written is not read as it was");
	journal_clear(&again);
	journal_clear(&journal);
	return 0;
}
