# SPDX-License-Identifier: GPL-2.0-or-later
#
# The short names of what people do; Meson and Ninja do the work.

BUILD ?= build
ASAN  ?= build-asan
NINJA ?= ninja

all: $(BUILD)/build.ninja
	@$(NINJA) -C $(BUILD)

asan: $(ASAN)/build.ninja
	@$(NINJA) -C $(ASAN)

$(BUILD)/build.ninja:
	@./configure --builddir=$(BUILD)

$(ASAN)/build.ninja:
	@./configure --builddir=$(ASAN) --enable-sanitizers

# Boots a Debian kernel to an interactive shell.
demo:
	@scripts/install-deps build demo
	@$(MAKE) --no-print-directory all
	@tests/guest/demo.sh $(BUILD)

# The quick tests, under the sanitizers: about a minute.
check-quick:
	@scripts/install-deps build
	@$(MAKE) --no-print-directory asan
	@scripts/run-tests --suite quick $(ASAN)

# Everything, in the normal and the sanitizer build.
check:
	@scripts/install-deps build demo test
	@$(MAKE) --no-print-directory all
	@$(MAKE) --no-print-directory asan
	@scripts/run-tests $(BUILD) $(ASAN)

bench:
	@scripts/install-deps build demo test bench
	@$(MAKE) --no-print-directory all
	@tests/bench/run $(BUILD)

install: all
	@$(NINJA) -C $(BUILD) install

clean:
	rm -rf $(BUILD) $(ASAN)

.PHONY: all asan demo check-quick check bench install clean
