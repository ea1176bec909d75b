# SPDX-License-Identifier: MIT
# What revocation costs at a million entries, beside libcrypto's X509_STORE.
BENCH_CRL := $(B)/tests/bench/bench_crl
$(BENCH_CRL): $(B)/obj/tests/bench/bench_crl.o $(B)/obj/tests/unit/crlmake.o \
		$(B)/obj/tests/unit/pki.o $(B)/libdoublelock.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^ -lcmocka $(JUDGE_LIBS)
.PHONY: bench-crl
bench-crl:
	@tests/deps build
	@+$(BUILD) $(BENCH_CRL)
	@$(BENCH_CRL)
bench: bench-crl
