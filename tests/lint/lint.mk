# SPDX-License-Identifier: MIT
.PHONY: lint
lint:
	tests/deps build lint
	tests/lint/run $(CC) -std=c11 $(WARN) -D_GNU_SOURCE $(PATHS) -Iinclude -Ilib -Iagent -I. \
		$(shell $(PKG_CONFIG) --cflags p11-kit-1)
