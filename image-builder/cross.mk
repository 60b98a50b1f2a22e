# Building for another architecture than this machine's: Debian's cross compiler, and the
# development packages that .ci/install-packages names, those of the other architecture, unpacked
# beside what is built. The rule below runs before anything else is looked at.

CC        := $(cross)gcc
AR        := $(cross)ar
cross_dev := $(top)/dev

ifneq ($(filter-out efi clean help,$(or $(MAKECMDGOALS),all)),)
CC += --sysroot=$(abspath $(cross_dev))
pkg_config := PKG_CONFIG_SYSROOT_DIR=$(abspath $(cross_dev)) \
	PKG_CONFIG_LIBDIR=$(abspath $(cross_dev))/usr/lib/$(triplet)/pkgconfig:$(abspath $(cross_dev))/usr/share/pkgconfig \
	pkg-config
$(if $(wildcard $(cross_dev)/.complete),,$(eval pkg_config := true))

$(top)/cross.mk: .ci/install-packages image-builder/fetch-packages image-builder/unpack-packages image-builder/cross.mk
	$(Q)mkdir -p $(top)
	$(if $(V),,@echo "  FETCH   $(cross_dev)")
	$(Q).ci/install-packages --libraries >$(top)/dev.list
	$(Q)image-builder/fetch-packages $(top)/dev.list $(top)/packages $(cross_dev) $(ARCH)
	$(Q)echo '# unpacked' >$@

include $(top)/cross.mk
endif
