base_sources := $(addprefix restore/base/, \
	err.c guid.c utf.c crc32c.c log.c block-source.c source-file.c source-memory.c \
	source-slice.c tree.c tree-local.c)
base_tests :=
