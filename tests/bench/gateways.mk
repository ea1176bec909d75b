# SPDX-License-Identifier: MIT
# What a question of a gateway costs: nginx by itself, with an authoriser that does nothing, and
# with the agent, side by side. Needs root, for the sandbox.
BENCH_GATEWAYS := $(B)/tests/bench/load $(B)/tests/bench/stub $(B)/tests/bench/mint \
	$(B)/tests/bench/hostile
$(B)/tests/bench/load: $(B)/obj/tests/bench/load.o
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $^ -lssl -lcrypto
$(B)/tests/bench/mint: $(B)/obj/tests/bench/mint.o
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $^ -lcrypto
$(B)/tests/bench/stub: $(B)/obj/tests/bench/stub.o
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $^ -levent
$(B)/tests/bench/hostile: $(B)/obj/tests/bench/hostile.o
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $^
.PHONY: bench-gateways stress
bench-gateways:
	@tests/deps build run gateways
	@+$(BUILD) all $(BENCH_GATEWAYS)
	@tests/gateways/bench_gateways
	@tests/gateways/bench_haproxy
bench: bench-gateways
# CHECKS=10000000 looks longer for what grows.
stress:
	@tests/deps build run gateways
	@+$(BUILD) all $(BENCH_GATEWAYS)
	@tests/gateways/stress
