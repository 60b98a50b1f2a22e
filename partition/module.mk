partition_sources := $(addprefix partition/, \
	layout.c table-gpt.c table-mbr.c table-read.c)
partition_tests := $(addprefix partition/tests/, \
	test-table-read.c)
