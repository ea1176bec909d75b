# SPDX-License-Identifier: MIT
# Real gateways in front of a real agent, each with its file of packaging/examples. Not a part
# of `make check`: it installs their packages.
GATEWAYS_BUILT := $(B)/tests/gateways/echo
$(B)/tests/gateways/%: $(B)/obj/tests/gateways/%.o
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^
GATEWAYS := $(sort $(wildcard tests/gateways/test_*.sh))
# the slow ones first: then it is about two minutes on two cores
SLOW_GATEWAYS := $(filter %_openvpn.sh %_openvpn_scripts.sh %_spop.sh,$(GATEWAYS))
.PHONY: gateways-built check-gateways
gateways-built: $(GATEWAYS_BUILT)
check-gateways:
	@tests/deps build run gateways
	@+$(BUILD) tests $(GATEWAYS_BUILT)
	@tests/run $(SLOW_GATEWAYS) $(filter-out $(SLOW_GATEWAYS),$(GATEWAYS))
# what OpenVPN's plugin costs who connects, and others' tunnels
BENCH_OPENVPN := $(addprefix $(B)/tests/bench/,since relay sync nothing.so)
$(B)/tests/bench/nothing.so: $(B)/obj/tests/bench/nothing.o
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK) -shared -o $@ $^
$(B)/tests/bench/since $(B)/tests/bench/relay $(B)/tests/bench/sync: $(B)/tests/bench/%: $(B)/obj/tests/bench/%.o
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^
.PHONY: bench-openvpn
bench-openvpn:
	@tests/deps build run gateways
	@+$(BUILD) all $(GATEWAYS_BUILT) $(BENCH_OPENVPN)
	@tests/gateways/bench_openvpn
bench: bench-openvpn
