# SPDX-License-Identifier: MIT
# Every tests/fuzz/fuzz_NAME.c runs FUZZ_SECONDS from its seeds in tests/fuzz/seeds/NAME. What
# libFuzzer finds on the way stays in build-fuzz/corpus/NAME, what breaks in build-fuzz/NAME-*.
FUZZ_SECONDS ?= 60
FUZZERS := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
$(B)/fuzz/fuzz_%: $(B)/obj/tests/fuzz/fuzz_%.o $(B)/libdoublelock.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK) -fsanitize=fuzzer -o $@ $^ $(TEST_LIBS)
$(B)/fuzz/fuzz_setup: $(call obj,agent/ctl/setup_take.c agent/ctl/setup_files.c)
$(B)/fuzz/fuzz_setup: TEST_LIBS += $(B)/libdoublelock.a
.PHONY: fuzz fuzzers
fuzzers: $(FUZZERS)
fuzz:
	@tests/deps build fuzz
	@+$(MAKE) --no-print-directory fuzzers CC=clang B=build-fuzz SANITIZE=1 \
		CFLAGS='-O1 -g -fsanitize=fuzzer-no-link'
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run build-fuzz $(notdir $(FUZZERS))
