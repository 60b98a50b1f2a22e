net_sources := \
	net/credentials.c \
	net/host.c \
	net/http.c \
	net/http-talk.c \
	net/link-settings.c \
	net/links.c \
	net/links-dhcp.c \
	net/location.c \
	net/nt-status.c \
	net/smb.c \
	net/smb-client.c \
	net/smb-error.c \
	net/smb-frames.c \
	net/smb-hello.c \
	net/smb-negotiate.c \
	net/smb-previous.c \
	net/smb-relay-process.c \
	net/smb-relay.c \
	net/smb-settings.c \
	net/smb-store.c \
	net/smb-url.c \
	net/smb-write.c \
	net/tls.c \
	net/watchdog.c
net_tests := \
	net/tests/test-credentials.c \
	net/tests/test-http.c \
	net/tests/test-http-fetched.c \
	net/tests/test-link-settings.c \
	net/tests/test-location.c \
	net/tests/test-nt-status.c \
	net/tests/test-smb-frames.c \
	net/tests/test-smb-negotiate.c \
	net/tests/test-smb-previous.c
net_fuzz := net/fuzz/fuzz-http.c net/fuzz/fuzz-smb-frames.c net/fuzz/fuzz-smb-negotiate.c net/fuzz/fuzz-smb-previous.c
