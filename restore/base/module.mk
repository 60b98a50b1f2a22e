base_sources := $(addprefix restore/base/, \
	err.c guid.c utf.c crc32c.c log.c block-source.c source-file.c source-memory.c \
	source-slice.c text.c tree.c tree-local.c)
base_tests := $(addprefix restore/base/tests/, \
	test-text.c)
