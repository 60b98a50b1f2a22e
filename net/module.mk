net_sources := \
	net/credentials.c \
	net/location.c
net_tests := \
	net/tests/test-credentials.c \
	net/tests/test-location.c
