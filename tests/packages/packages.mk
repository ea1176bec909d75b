# SPDX-License-Identifier: MIT
# Packages and what is tried with them. They are built in a copy of what git knows.
.PHONY: deb rpm check-packages
deb:
	@tests/deps build deb
	@tests/packages/build-deb $(B)/deb
	@ls $(B)/deb/*.deb
