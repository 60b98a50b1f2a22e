base_sources := $(addprefix restore/base/, \
	block-source.c block-target.c crc32c.c err.c full-io.c guid.c io-queue.c log.c overlay.c process.c sandbox.c \
	source-cached.c source-fault.c source-file.c source-memory.c source-slice.c spawn.c target-fault.c \
	target-file.c target-memory.c terminal.c text.c tree-listing.c tree-local.c tree.c utf.c)
base_tests := $(addprefix restore/base/tests/, \
	test-err.c test-log.c test-overlay.c test-process.c test-sandbox.c test-sorted.c test-source.c test-spawn.c \
	test-target.c test-target-device.c test-target-queue.c test-text.c test-tree.c test-utf.c test-values.c)

# What fuzz targets of all folders share, and what makes a unit test of one.
fuzz_header := restore/base/fuzz/fuzz.h
fuzz_support := restore/base/fuzz/fuzz.c
fuzz_driver := restore/base/fuzz/replay.c
