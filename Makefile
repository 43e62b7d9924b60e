# SPDX-License-Identifier: GPL-2.0-or-later
#
# The short names of what people do; Meson and Ninja do the work.

BUILD ?= build
ASAN  ?= build-asan
NINJA ?= ninja

all: $(BUILD)/build.ninja
	@$(NINJA) -C $(BUILD)

# What is installed, without the tests.
programs: $(BUILD)/build.ninja
	@$(NINJA) -C $(BUILD) rhea rhea-system-x86_64 rhea-system-aarch64 rhea-img

asan: $(ASAN)/build.ninja
	@$(NINJA) -C $(ASAN)

$(BUILD)/build.ninja:
	@./configure --builddir=$(BUILD)

$(ASAN)/build.ninja:
	@./configure --builddir=$(ASAN) --enable-sanitizers

# Boots a Debian disk, which keeps what is written to it, to a login.
demo:
	@scripts/install-deps build demo image
	@$(MAKE) --no-print-directory programs
	@tests/guest/demo.sh $(BUILD)

# Makes the disk of the demo anew next time.
demo-reset:
	@tests/guest/demo.sh --reset $(BUILD)

# Boots a Debian kernel with a busybox initrd to a shell: starts in seconds.
demo-fast:
	@scripts/install-deps build demo
	@$(MAKE) --no-print-directory programs
	@tests/guest/demo.sh --fast $(BUILD)

# The quick tests, under the sanitizers: about a minute.
check-quick:
	@scripts/install-deps build
	@$(MAKE) --no-print-directory asan
	@scripts/run-tests --suite quick $(ASAN)

# Everything, in the normal and the sanitizer build.
check:
	@scripts/install-deps build demo image test
	@$(MAKE) --no-print-directory all
	@$(MAKE) --no-print-directory asan
	@scripts/run-tests --suite quick --suite slow $(BUILD) $(ASAN)

# What takes an hour or more: every machine, bus and firmware with a Debian disk.
check-long:
	@scripts/install-deps build demo image test
	@$(MAKE) --no-print-directory all
	@scripts/run-tests --suite long -j 1 $(BUILD)

# Disks against Debian's qemu-img and QEMU.
bench-disk:
	@scripts/install-deps build demo image test bench
	@$(MAKE) --no-print-directory all
	@tests/bench/disk $(BUILD)

bench:
	@scripts/install-deps build demo test bench
	@$(MAKE) --no-print-directory all
	@tests/bench/run $(BUILD)

install: all
	@$(NINJA) -C $(BUILD) install

# The disk of the demo is its user's: it stays.
clean:
	@if [ -e $(BUILD)/demo-disk.qcow2 ]; then echo "make clean: $(BUILD)/demo-disk.qcow2 stays (make demo-reset)"; fi
	@if [ -d $(BUILD) ]; then find $(BUILD) -mindepth 1 ! -path $(BUILD)/demo-disk.qcow2 -delete; fi
	rm -rf $(ASAN)

.PHONY: all programs asan demo demo-reset demo-fast check-quick check check-long bench bench-disk install clean
