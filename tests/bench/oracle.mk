# SPDX-License-Identifier: MIT
# Whether a wrong code takes longer for one name than for another. Needs root, for the sandbox.
$(B)/tests/bench/oracle: $(B)/obj/tests/bench/oracle.o
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $^ -lpam
.PHONY: bench-oracle
bench-oracle:
	@tests/deps build run
	@+$(BUILD) all $(B)/tests/bench/oracle
	@tests/e2e/bench_oracle
bench: bench-oracle
