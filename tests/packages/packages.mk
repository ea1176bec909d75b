# SPDX-License-Identifier: MIT
# Packages, and what is tried with them on fresh machines. They are built in a copy of what git
# knows; check-packages needs root, and the first time a network for the bases of the machines.
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
	@tests/deps machines
	@LIMIT=900 tests/run tests/packages/check
