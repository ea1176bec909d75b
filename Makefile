# SPDX-License-Identifier: MIT
CC     ?= gcc
CFLAGS ?= -O2 -g
B      ?= build
WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wformat=2 -Wswitch-enum -Wvla -Wcast-qual -Wwrite-strings -Wundef
ifdef WERROR
WARN += -Werror
endif
ALL_CFLAGS = -std=c11 $(CFLAGS) $(WARN) -fstack-protector-strong -fvisibility=hidden -fPIC \
	-D_GNU_SOURCE -Iinclude -Ilib -MMD -MP
LIB := $(patsubst %.c,$(B)/obj/%.o,$(wildcard lib/*/*.c))
UNIT := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))

.PHONY: all check clean
all: $(B)/libdoublelock.a
$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c $< -o $@
$(B)/libdoublelock.a: $(LIB)
	rm -f $@ && ar rcs $@ $^
$(B)/tests/%: $(B)/obj/tests/unit/%.o $(B)/libdoublelock.a
	@mkdir -p $(@D)
	$(CC) -o $@ $^ -lcmocka
check: $(UNIT)
	tests/run $(UNIT)
.SECONDARY:
clean:
	rm -rf build build-*
-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
