# SPDX-License-Identifier: MIT
# Packages, and what is tried with them on fresh machines. They are built in a copy of what git
# knows; check-packages needs root, and the first time a network for the bases of the machines.
# check-arm64: cross-built on such a machine, its unit tests run by qemu.
.PHONY: deb rpm check-packages
deb:
	@tests/deps build deb
	@rm -rf $(B)/deb
	@tests/packages/build-deb $(B)/deb
	@ls $(B)/deb/*.deb
rpm:
	@tests/deps build rpm
	@rm -rf $(B)/rpm
	@tests/packages/build-rpm $(B)/rpm
	@ls $(B)/rpm/*.rpm
check-packages: deb rpm
	@tests/deps build machines
	@+$(BUILD) all $(B)/tests/e2e/pamlogin
	@tests/packages/build-deb-in trixie $(B)/deb-trixie
	@LIMIT=1500 tests/run tests/packages/test_bookworm tests/packages/test_trixie \
		tests/packages/arm64 tests/packages/test_static
# Packages that were built on Debian 12 need its libldap, which Debian 13 has not: those for Debian
# 13 are built there.
.PHONY: check-trixie
check-trixie: rpm
	@tests/deps build machines
	@tests/packages/build-deb-in trixie $(B)/deb-trixie
	@LIMIT=1500 tests/run tests/packages/test_trixie
.PHONY: check-arm64
check-arm64:
	@tests/deps machines
	@LIMIT=1500 tests/run tests/packages/arm64
