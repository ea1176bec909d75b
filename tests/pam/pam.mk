# SPDX-License-Identifier: MIT
# The module once more, as the tests load it: it trusts what belongs to whoever builds, so that
# no root is needed. In the hasty one the judge has 300 ms, so that nobody waits for a deadline.
CHECKS += $(B)/tests/pam/test_module $(B)/tests/pam/test_host $(B)/tests/pam/test_login \
	$(B)/tests/pam/test_agent $(B)/tests/pam/test_sandbox tests/pam/test_links.sh
TEST_OWNER := $(shell id -u)
# whom the helper becomes: nobody where root builds, else there is nothing to become
TEST_USER := $(if $(filter 0,$(TEST_OWNER)),nobody,$(shell id -un))
AS_TEST := -DDLK_OWNER=$(TEST_OWNER) -DDLK_USER='"$(TEST_USER)"'
PAM_TEST := $(patsubst $(B)/obj/%,$(B)/obj/tests/pam/as/%,$(PAM))
$(B)/obj/tests/pam/as/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(AS_TEST) -c $< -o $@
$(B)/obj/tests/pam/as/hasty.o: pam/ask.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(AS_TEST) -DDLK_ASK_MS=300 -c $< -o $@
$(B)/obj/tests/pam/as/hasty-prove.o: pam/prove.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(AS_TEST) -DDLK_PROVE_MS=300 -c $< -o $@
$(B)/tests/pam/pam_doublelock.so: $(PAM_TEST)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK) -shared -Wl,--gc-sections,--version-script=pam/module.map -o $@ $^ -lpam
$(B)/tests/pam/hasty/pam_doublelock.so: $(filter-out %/pam/ask.o %/pam/prove.o,$(PAM_TEST)) \
		$(addprefix $(B)/obj/tests/pam/as/,hasty.o hasty-prove.o)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK) -shared -Wl,--gc-sections,--version-script=pam/module.map -o $@ $^ -lpam
$(B)/tests/pam/pam_stub.so: $(B)/obj/tests/pam/stub.o
	@mkdir -p $(@D)
	$(Q)$(LINK) -shared -o $@ $^ -lpam
$(B)/tests/pam/judge: $(B)/obj/tests/pam/judge.o $(B)/libdoublelock.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^
$(B)/tests/pam/prover: $(B)/obj/tests/pam/prover.o $(B)/libdoublelock.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^
$(B)/tests/pam/test_module $(B)/tests/pam/test_host: | $(B)/tests/pam/prover
$(B)/tests/pam/test_module $(B)/tests/pam/test_host: $(B)/tests/pam/%: $(B)/obj/tests/pam/%.o $(B)/obj/tests/pam/login.o \
		$(B)/libdoublelock.a | $(B)/tests/pam/judge $(B)/tests/pam/pam_doublelock.so \
		$(B)/tests/pam/hasty/pam_doublelock.so $(B)/tests/pam/pam_stub.so
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^ -lcmocka -lpam
# the helper that becomes TEST_USER, and the logins that it judges
$(B)/obj/tests/pam/helper.o: agent/helper.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(AS_TEST) -c $< -o $@
$(B)/tests/pam/doublelock-helper: $(B)/obj/tests/pam/helper.o $(call obj,$(HELPER_PARTS)) \
		$(B)/libdoublelock.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^ $(JUDGE_LIBS)
$(B)/tests/pam/helper-frail: $(B)/obj/tests/pam/frail.o $(B)/obj/tests/pam/helper.o \
		$(call obj,$(HELPER_PARTS)) $(B)/libdoublelock.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^ $(JUDGE_LIBS)
# the agent, as it is installed, with the same frailty
$(B)/tests/pam/doublelockd-frail: $(B)/obj/tests/pam/frail.o $(AGENT) $(B)/libdoublelock.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK) -pie -o $@ $^ $(AGENT_LIBS)
PAM_MACHINE := $(addprefix $(B)/obj/tests/pam/,machine.o login.o)
$(B)/obj/tests/pam/machine.o $(B)/obj/tests/pam/test_agent.o \
		$(B)/obj/tests/pam/test_sandbox.o: ALL_CFLAGS += $(AS_TEST)
$(B)/tests/pam/test_login $(B)/tests/pam/test_agent: $(B)/tests/pam/%: $(B)/obj/tests/pam/%.o \
		$(PAM_MACHINE) $(B)/libdoublelock.a | $(B)/tests/pam/test_module \
		$(B)/tests/pam/doublelock-helper $(B)/tests/pam/helper-frail $(B)/doublelockd
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^ $(TEST_LIBS) -lpam
$(B)/tests/pam/test_sandbox: $(B)/obj/tests/pam/test_sandbox.o $(B)/obj/agent/sandbox.o
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^ -lcmocka
$(B)/fuzz/fuzz_answer: $(B)/obj/pam/code.o
$(B)/fuzz/fuzz_answer: TEST_LIBS += $(B)/libdoublelock.a
