# From Debian packages to the recovery environment. IMAGE_FLAGS=--fast compresses quickly,
# FIRMWARE=DIR takes the firmware that drivers ask for from there, ANSWER=FILE and
# CREDENTIALS=FILE go to stick and ISO, KEY=FILE CERT=FILE sign for Secure Boot, DRIVERS=DIR and
# ANSWER_KEY=FILE, CA=FILE and SSH_KEYS=FILE go into the initramfs, KEYBOARD=de is another layout than us.

image_out     := $(top)/image
image_sysroot := $(top)/sysroot
image_builder := build/bmr-image

# PID 1 says the same version as the boot application.
$(out)/initramfs/session.o $(out)/image-builder/sbom.o $(out)/restore/cli/log-bundle.o: compile_flags += -DOPENBMR_VERSION='"$(openbmr_version)"'

image_options := $(IMAGE_FLAGS) $(if $(FIRMWARE),--firmware $(FIRMWARE)) \
	$(if $(ANSWER),--answer $(ANSWER)) $(if $(CREDENTIALS),--credentials $(CREDENTIALS)) \
	$(if $(KEY),--key $(KEY) --cert $(CERT)) $(if $(DRIVERS),--drivers $(DRIVERS)) \
	$(if $(ANSWER_KEY),--answer-key $(ANSWER_KEY)) $(if $(CA),--ca $(CA)) $(if $(SSH_KEYS),--ssh-keys $(SSH_KEYS)) \
	$(if $(KEYBOARD),--keyboard $(KEYBOARD)) $(if $(MENU_LANGUAGE),--language $(MENU_LANGUAGE))

image: $(image_out)/openbmr.img  ## Build build/image (ARCH=arm64: build/arm64/image): openbmr.img, openbmr.iso, pxe/, openbmr.efi

$(image_sysroot)/.complete: image-builder/packages.list image-builder/fetch-packages image-builder/unpack-packages
	$(if $(V),,@echo "  FETCH   $(image_sysroot)")
	$(Q)image-builder/fetch-packages image-builder/packages.list $(top)/packages $(image_sysroot) $(ARCH)
	$(Q)touch $@

# In the image nobody reads debug information.
$(top)/stripped/%: $(top)/%
	$(Q)mkdir -p $(@D)
	$(Q)$(cross)strip -o $@ $<

$(top)/stubs/.complete: $(image_sysroot)/.complete image-builder/stubs.list image-builder/make-stubs
	$(Q)image-builder/make-stubs image-builder/stubs.list $(image_sysroot) $(@D) $(cross)
	$(Q)touch $@

# What was built with other options must not be taken for what was asked for.
$(image_out)/.options: FORCE
	$(Q)mkdir -p $(@D)
	$(Q)echo '$(image_options)' | cmp -s - $@ || echo '$(image_options)' >$@

$(image_out)/openbmr.img: $(image_out)/.options $(image_sysroot)/.complete \
		$(top)/stripped/bmr $(top)/stripped/init $(top)/stubs/.complete \
		$(image_builder) $(top)/openbmr.efi image-builder/image.manifest \
		image-builder/cmdline $(wildcard image-builder/root/* image-builder/boot/*) $(FIRMWARE) $(ANSWER) \
		$(CREDENTIALS) $(DRIVERS) $(ANSWER_KEY) $(CA) $(SSH_KEYS)
	$(if $(V),,@echo "  IMAGE   $@")
	$(Q)$(image_builder) build --sysroot $(image_sysroot) --manifest image-builder/image.manifest \
		--programs $(top) --output $(image_out) $(image_options)

# The builder runs here, whatever it builds.
ifneq ($(cross),)
$(image_builder): FORCE
	$(Q)$(MAKE) --no-print-directory ARCH=amd64 CC=gcc AR=ar $@
endif

.PHONY: image FORCE
