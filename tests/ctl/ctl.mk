# SPDX-License-Identifier: MIT
# The command line as its users see it, on a configuration of its own; no root is needed.
CHECKS += $(sort $(wildcard tests/ctl/test_*.sh))
