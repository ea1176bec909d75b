# SPDX-License-Identifier: MIT
# Tests of the agent: programs linked with its parts, some of which start the whole agent.
RECEIVER := $(B)/tests/receiver
DEMO_BUILT += $(RECEIVER)
AGENT_PARTS = $(filter-out $(B)/obj/agent/main.o,$(AGENT)) \
	$(call obj,agent/gateways/password.c agent/outward/bounds.c agent/outward/files.c \
	agent/outward/reach.c)
AGENT_TESTS := $(patsubst tests/agent/%.c,$(B)/tests/%,$(wildcard tests/agent/test_*.c))
AGENT_SHARED := $(filter-out $(B)/obj/tests/agent/test_%,$(call obj,tests/agent/*.c))
CHECKS += $(AGENT_TESTS)

$(RECEIVER): $(B)/obj/tests/e2e/receiver.o
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^ $(shell $(PKG_CONFIG) --libs libevent libevent_openssl libssl libcrypto)
$(AGENT_TESTS): $(B)/tests/test_%: $(B)/obj/tests/agent/test_%.o $(AGENT_SHARED) $(AGENT_PARTS) $(B)/libdoublelock.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^ $(TEST_LIBS)
$(B)/tests/test_held: $(B)/obj/tests/unit/pki.o
$(AGENT_TESTS): | $(B)/doublelockd $(B)/doublelock-outward $(RECEIVER)
$(B)/tests/test_confine: $(B)/obj/agent/prove/confine.o
# the prover, and once more with short deadlines
$(B)/obj/tests/agent/hasty.o: agent/prove/main.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -DDLK_LIST_MS=300 -DDLK_SIGN_MS=300 -c $< -o $@
$(B)/tests/prove-hasty: $(filter-out %/prove/main.o,$(PROVE)) $(B)/obj/tests/agent/hasty.o
	@mkdir -p $(@D)
	$(Q)$(LINK) -o $@ $^
$(B)/tests/test_prove: $(B)/obj/tests/unit/sshsign.o | $(B)/doublelock-prove $(B)/tests/prove-hasty
# the library once more, behind the parts that need it
FUZZ_AGENT := $(B)/fuzz/fuzz_gateway $(B)/fuzz/fuzz_spop $(B)/fuzz/fuzz_fcgi $(B)/fuzz/fuzz_http
$(FUZZ_AGENT): $(AGENT_PARTS)
$(FUZZ_AGENT): TEST_LIBS += $(B)/libdoublelock.a
$(B)/fuzz/fuzz_password: $(call obj,agent/gateways/password.c)
$(B)/fuzz/fuzz_password: TEST_LIBS += $(B)/libdoublelock.a
$(B)/fuzz/fuzz_sshagent: $(call obj,agent/prove/environ.c agent/prove/identities.c)
$(B)/fuzz/fuzz_sshagent: TEST_LIBS += $(B)/libdoublelock.a
$(B)/fuzz/fuzz_outward: $(call obj,agent/outwire.c)
$(B)/fuzz/fuzz_outward: TEST_LIBS += $(B)/libdoublelock.a
