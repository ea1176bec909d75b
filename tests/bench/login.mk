# SPDX-License-Identifier: MIT
# What a login costs, beside google-authenticator and pam_oath. Needs root, for the sandbox.
BENCH_LOGIN := $(B)/tests/bench/pamlogins $(B)/tests/bench/fill
$(B)/tests/bench/pamlogins: $(B)/obj/tests/bench/pamlogins.o
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $^ -lpam -loath
$(B)/tests/bench/fill: $(B)/obj/tests/bench/fill.o $(B)/libdoublelock.a
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $^ $(JUDGE_LIBS)
.PHONY: bench bench-login
bench-login:
	@tests/deps build run bench
	@+$(BUILD) all $(BENCH_LOGIN)
	@tests/e2e/bench_login
	@tests/e2e/bench_carried
bench: bench-login
