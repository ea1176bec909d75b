# SPDX-License-Identifier: MIT
# make races: 64 processes with one code, 50 rounds of each kind.
.PHONY: races races-store
races: races-store
races-store: $(B)/tests/test_races
	CMOCKA_MESSAGE_OUTPUT=TAP $(B)/tests/test_races 50
# make tokens: 10 000 random tokens, where oathtool and OpenSSL have to agree with each code.
.PHONY: tokens
tokens:
	@tests/deps build run
	@+$(BUILD) $(B)/tests/test_otp
	CMOCKA_MESSAGE_OUTPUT=TAP $(B)/tests/test_otp 10000
