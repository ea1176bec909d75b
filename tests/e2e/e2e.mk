# SPDX-License-Identifier: MIT
# check, demo and the heavier runs. A room adds what it has to CHECKS in its own .mk: programs
# that speak TAP; those below $(B)/ are built first, any other (a script) is run as it is.
CHECKS += $(sort $(wildcard tests/e2e/test_*.sh))
export B
# what the scripts need besides what is installed
E2E = $(B)/tests/e2e/pamlogin $(B)/tests/e2e/flood $(B)/tests/e2e/clock.so \
	$(B)/tests/e2e/card.so $(B)/tests/e2e/touch.so $(B)/tests/e2e/leaks.so \
	$(B)/tests/pam/doublelockd-frail $(RECEIVER)
$(B)/tests/e2e/%.so: $(B)/obj/tests/e2e/%.o
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK) -shared -o $@ $^ $(E2E_LIBS)
$(B)/tests/e2e/%: $(B)/obj/tests/e2e/%.o
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^ $(E2E_LIBS)
$(B)/obj/tests/e2e/card.o: ALL_CFLAGS += $(shell $(PKG_CONFIG) --cflags p11-kit-1) \
	-DSOFTHSM='"$(shell sed -n 's/^module: *//p' /usr/share/p11-kit/modules/softhsm2.module 2>/dev/null)"'
$(B)/tests/e2e/touch.so: E2E_LIBS = -lcrypto
# other people's programs load these, with no sanitizer in them
$(addprefix $(B)/obj/tests/e2e/,card.o touch.o leaks.o): HARDEN :=
$(addprefix $(B)/tests/e2e/,card.so touch.so leaks.so): LDHARDEN :=
$(B)/tests/e2e/pamlogin: E2E_LIBS = -lpam
$(B)/tests/e2e/flood: E2E_LIBS = -lssl -lcrypto

# As root in somebody's tree, what is built belongs to them.
TREE_UID := $(shell stat -c %u .)
ifneq ($(filter-out 0,$(TREE_UID)),)
ifeq ($(shell id -u),0)
AS_OWNER = env -u MAKEFLAGS -u MAKELEVEL setpriv --reuid=$(TREE_UID) --regid=$(shell stat -c %g .) --clear-groups
endif
endif
BUILD = $(AS_OWNER) $(MAKE) --no-print-directory $(if $(filter -j%,$(if $(AS_OWNER),,$(MAKEFLAGS))),,-j$(shell nproc))

.PHONY: demo sanitized threads threads-run
demo:
	@tests/e2e/sandbox --able
	@tests/deps build run
	@+$(BUILD) all $(E2E)
	@tests/e2e/sandbox tests/e2e/demo
# real logins on this machine's OpenSSH, and on Debian 13's (OpenSSH 10), built there
.PHONY: check-e2e e2e-built
e2e-built: $(E2E)
check-e2e:
	@tests/e2e/sandbox --able
	@tests/deps build run machines
	@+$(BUILD) all $(E2E)
	@tests/run $(sort $(wildcard tests/e2e/test_*.sh))
	@tests/e2e/on_release trixie $(sort $(wildcard tests/e2e/test_*.sh))
# everything once more, with the sanitizers looking on
sanitized:
	@+$(MAKE) --no-print-directory check B=build-san SANITIZE=1 CFLAGS='-O1 -g'
# the agent's threads under ThreadSanitizer, which needs addresses where it expects them
threads:
	@tests/deps build run
	@+$(MAKE) --no-print-directory threads-run B=build-tsan SANITIZE=thread CFLAGS='-O1 -g'
threads-run: all $(AGENT_TESTS) $(RECEIVER)
	@setarch -R tests/run $(AGENT_TESTS)
# helper and agent mixed, through libpam
.PHONY: races races-e2e
races: races-e2e
races-e2e:
	@tests/deps build run
	@+$(BUILD) all $(E2E)
	@tests/e2e/races
