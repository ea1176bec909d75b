# SPDX-License-Identifier: MIT
# make, make check, make check-e2e, make demo, make lint, make sanitized, make threads, make races, make fuzz, make
# bench, make deb, make install. V=1 shows commands.
ifeq ($(origin CC),default)
CC := gcc
endif
PKG_CONFIG ?= pkg-config
CFLAGS     ?= -O2 -g
B          ?= build
PREFIX     ?= /usr
SYSCONFDIR ?= /etc/doublelock
STATEDIR   ?= /var/lib/doublelock
RUNDIR     ?= /run/doublelock
BINDIR     ?= $(PREFIX)/bin
SBINDIR    ?= $(PREFIX)/sbin
LIBEXECDIR ?= $(PREFIX)/libexec/doublelock
MANDIR     ?= $(PREFIX)/share/man
DOCDIR     ?= $(PREFIX)/share/doc/doublelock
PAMDIR     ?= $(PREFIX)/lib/$(shell $(CC) -print-multiarch)/security
OPENVPNDIR ?= $(PREFIX)/lib/$(shell $(CC) -print-multiarch)/openvpn/plugins
UNITDIR    ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
VERSION    ?= 0.1.0
V          ?= 0
ifeq ($(V),0)
Q = @
say = @printf '  %-8s %s\n' $(1) '$(2)'
else
say = @:
endif

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wformat=2 -Wimplicit-fallthrough -Wswitch-enum -Wvla -Wcast-qual \
	-Wwrite-strings -Wundef
ifeq ($(findstring clang,$(CC)),)
WARN += -Wlogical-op -Wduplicated-cond -Wduplicated-branches
endif
ifdef WERROR
WARN += -Werror
endif
, := ,
ifdef SANITIZE
SANITIZERS := $(if $(filter thread,$(SANITIZE)),thread,address$(,)undefined)
HARDEN := -fsanitize=$(SANITIZERS) -fno-sanitize-recover=all -fno-omit-frame-pointer
LDHARDEN := -fsanitize=$(SANITIZERS)
else
# $(1) where this compiler, for what it compiles for, has it
has = $(shell printf 'int x;' | $(CC) -O2 -Werror $(1) -xc -c -o /dev/null - 2>/dev/null && echo '$(1)')
HARDEN := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong \
	$(call has,-fstack-clash-protection) $(call has,-fcf-protection) \
	$(call has,-mbranch-protection=standard)
LDHARDEN := -Wl,-z,relro,-z,now,-z,defs
endif
PATHS := -DDLK_SYSCONFDIR='"$(SYSCONFDIR)"' -DDLK_STATEDIR='"$(STATEDIR)"' \
	-DDLK_RUNDIR='"$(RUNDIR)"' -DDLK_SBINDIR='"$(SBINDIR)"' \
	-DDLK_LIBEXECDIR='"$(LIBEXECDIR)"' -DDLK_VERSION='"$(VERSION)"'
ALL_CFLAGS = -std=c11 $(CFLAGS) $(WARN) $(HARDEN) -fvisibility=hidden -ffunction-sections -fPIC -D_GNU_SOURCE \
	$(PATHS) -Iinclude -Ilib -Iagent -I. -MMD -MP
LINK = $(CC) $(CFLAGS) $(LDHARDEN) $(LDFLAGS)

JUDGE_LIBS  = $(shell $(PKG_CONFIG) --libs libcrypto liboath sqlite3 libseccomp) -linih
CTL_LIBS    = $(JUDGE_LIBS) $(shell $(PKG_CONFIG) --libs jansson libqrencode libcurl libpng) -lpam
AGENT_LIBS  = $(JUDGE_LIBS) $(shell $(PKG_CONFIG) --libs jansson libevent libssl)
OUTWARD_LIBS = $(shell $(PKG_CONFIG) --libs libcurl ldap lber libseccomp)
# tests link whatever the library may need
TEST_LIBS   = -lcmocka $(JUDGE_LIBS) $(shell $(PKG_CONFIG) --libs jansson libevent libssl libcurl ldap lber libqrencode libpng)

obj = $(patsubst %.c,$(B)/obj/%.o,$(sort $(wildcard $(1))))
LIB := $(call obj,lib/*/*.c)
# Who only asks sees these, and the module nothing else; -z defs and its version script prove it.
ASKER := $(call obj,lib/base/account.c lib/base/address.c lib/base/bytes.c lib/base/file.c \
	lib/base/secret.c lib/base/sshwire.c lib/base/text.c lib/model/*.c lib/wire/*.c)
PAM := $(call obj,pam/*.c) $(ASKER)
ASK := $(call obj,agent/gateways/ask*.c agent/gateways/inquiry.c agent/gateways/password.c lib/base/say.c) $(ASKER)
PROVE := $(call obj,agent/prove/*.c agent/sandbox.c agent/landlock.c lib/base/say.c) $(ASKER)
TOKEN := $(call obj,agent/token/*.c agent/prove/errand.c agent/sandbox.c agent/calls.c lib/base/say.c) $(ASKER)
CONFINED := agent/sandbox.c agent/confine.c agent/calls.c agent/landlock.c
HELPER_PARTS := agent/process.c agent/watch.c $(CONFINED)
HELPER := $(call obj,agent/helper.c $(HELPER_PARTS))
CTL    := $(filter-out $(B)/obj/agent/ctl/front.o $(B)/obj/agent/ctl/keys.o,$(call obj,agent/ctl/*.c $(CONFINED))) $(call obj,agent/process.c agent/outward/download.c agent/outward/reach.c agent/crlurls.c agent/export.c agent/exportkeys.c agent/exportlists.c agent/lists.c agent/refresh.c)
# what sshd starts twice in each login asks; what it becomes where nobody answers judges
FRONT  := $(call obj,agent/ctl/front.c agent/ctl/shown.c agent/process.c lib/base/say.c) $(ASKER)
KEYS   := $(call obj,agent/ctl/keys.c agent/ctl/sshkeys.c agent/ctl/shown.c agent/ctl/options.c \
	agent/ctl/privilege.c agent/ctl/speak.c agent/process.c $(CONFINED))
AGENT  := $(filter-out $(B)/obj/agent/helper.o,$(call obj,agent/*.c))
# the only one of the agent's that has the internet, and the libraries for it
OUTWARD := $(call obj,agent/outward/*.c agent/outwire.c agent/sandbox.c agent/landlock.c agent/calls.c)
# where OpenVPN's header is
OPENVPN_PLUGIN := $(if $(wildcard /usr/include/openvpn/openvpn-plugin.h /usr/include/openvpn-plugin.h),$(B)/openvpn-plugin-doublelock.so)
PLUGIN := $(call obj,agent/gateways/openvpn_*.c agent/gateways/inquiry.c agent/gateways/password.c) $(ASKER)
UNIT := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))
# what several tests share
SHARED := $(filter-out $(B)/obj/tests/unit/test_%,$(call obj,tests/unit/*.c))
PROGRAMS := $(if $(wildcard pam/*.c),$(B)/pam_doublelock.so) \
	$(if $(wildcard agent/helper.c),$(B)/doublelock-helper) \
	$(if $(wildcard agent/main.c),$(B)/doublelockd) \
	$(if $(wildcard agent/ctl/main.c),$(B)/doublelock) $(B)/doublelock-ask \
	$(B)/doublelock-prove $(B)/doublelock-prove-token $(B)/doublelock-outward $(OPENVPN_PLUGIN)

.PHONY: all check clean install tests FORCE
all: $(PROGRAMS)
# objects that were made with other flags are made again
FLAGS := $(filter-out -Werror,$(CC) $(ALL_CFLAGS))
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(FLAGS))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(FLAGS))' >$@
FORCE:
$(B)/obj/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -c $< -o $@
$(B)/libdoublelock.a: $(LIB)
	$(Q)rm -f $@ && ar rcs $@ $^
$(B)/pam_doublelock.so: $(PAM) pam/module.map
	$(call say,LD,$@)
	$(Q)$(LINK) -shared -Wl,--gc-sections,--version-script=pam/module.map -o $@ $(PAM) -lpam
$(B)/doublelock-helper: $(HELPER) $(B)/libdoublelock.a
	$(call say,LD,$@)
	$(Q)$(LINK) -pie -o $@ $^ $(JUDGE_LIBS)
$(B)/doublelockd: $(AGENT) $(B)/libdoublelock.a
	$(call say,LD,$@)
	$(Q)$(LINK) -pie -o $@ $^ $(AGENT_LIBS)
$(B)/doublelock-outward: $(OUTWARD) $(B)/libdoublelock.a
	$(call say,LD,$@)
	$(Q)$(LINK) -pie -Wl,--gc-sections -o $@ $^ $(OUTWARD_LIBS)
$(B)/doublelock-ctl: $(CTL) $(B)/libdoublelock.a
	$(call say,LD,$@)
	$(Q)$(LINK) -pie -o $@ $^ $(CTL_LIBS)
$(B)/doublelock-keys: $(KEYS) $(B)/libdoublelock.a
	$(call say,LD,$@)
	$(Q)$(LINK) -pie -Wl,--gc-sections -o $@ $^ $(JUDGE_LIBS) -ljansson
# no library but libc
$(B)/doublelock: $(FRONT) $(B)/doublelock-keys $(B)/doublelock-ctl
	$(call say,LD,$@)
	$(Q)$(LINK) -pie -Wl,--gc-sections -o $@ $(FRONT)
$(B)/doublelock-prove: $(PROVE)
	$(call say,LD,$@)
	$(Q)$(LINK) -pie -Wl,--gc-sections -o $@ $^
$(B)/openvpn-plugin-doublelock.so: $(PLUGIN) agent/gateways/openvpn.map
	$(call say,LD,$@)
	$(Q)$(LINK) -shared -Wl,--gc-sections,-z,nodelete,--version-script=agent/gateways/openvpn.map -o $@ $(PLUGIN)
$(B)/obj/agent/token/%.o: ALL_CFLAGS += $(shell $(PKG_CONFIG) --cflags p11-kit-1)
$(B)/doublelock-prove-token: $(TOKEN)
	$(call say,LD,$@)
	$(Q)$(LINK) -pie -Wl,--gc-sections -o $@ $^ $(shell $(PKG_CONFIG) --libs p11-kit-1 libseccomp)
$(B)/doublelock-ask: $(ASK)
	$(call say,LD,$@)
	$(Q)$(LINK) -pie -Wl,--gc-sections -o $@ $^
$(B)/tests/test_%: $(B)/obj/tests/unit/test_%.o $(SHARED) $(B)/libdoublelock.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^ $(TEST_LIBS)
include $(wildcard tests/*/*.mk)
tests: all $(UNIT) $(E2E) $(filter $(B)/%,$(CHECKS))
# the slow ones first
check:
	@tests/deps build run guides
	@+$(BUILD) tests
	@tests/run $(filter %.sh,$(CHECKS)) $(filter-out %.sh,$(CHECKS)) $(UNIT)
MANUALS := $(wildcard docs/man/*.[1-8])
INSTALL = install -D -m
install: all
	$(INSTALL) 755 $(B)/doublelock $(DESTDIR)$(SBINDIR)/doublelock
	$(INSTALL) 755 $(B)/doublelock-ctl $(DESTDIR)$(LIBEXECDIR)/doublelock-ctl
	$(INSTALL) 755 $(B)/doublelock-keys $(DESTDIR)$(LIBEXECDIR)/doublelock-keys
	$(INSTALL) 755 $(B)/doublelock-ask $(DESTDIR)$(BINDIR)/doublelock-ask
	$(INSTALL) 755 $(B)/doublelockd $(DESTDIR)$(SBINDIR)/doublelockd
	$(INSTALL) 755 $(B)/doublelock-helper $(DESTDIR)$(LIBEXECDIR)/doublelock-helper
	$(INSTALL) 755 $(B)/doublelock-outward $(DESTDIR)$(LIBEXECDIR)/doublelock-outward
	$(INSTALL) 755 $(B)/doublelock-prove $(DESTDIR)$(LIBEXECDIR)/doublelock-prove
	$(INSTALL) 755 $(B)/doublelock-prove-token $(DESTDIR)$(LIBEXECDIR)/doublelock-prove-token
	$(INSTALL) 644 $(B)/pam_doublelock.so $(DESTDIR)$(PAMDIR)/pam_doublelock.so
	$(if $(OPENVPN_PLUGIN),$(INSTALL) 644 $(OPENVPN_PLUGIN) $(DESTDIR)$(OPENVPNDIR)/$(notdir $(OPENVPN_PLUGIN)))
	install -d -m 755 $(addprefix $(DESTDIR)$(SYSCONFDIR)/,conf.d trust.d intermediates.d crl.d certs.d)
	$(foreach m,$(MANUALS),$(INSTALL) 644 $m $(DESTDIR)$(MANDIR)/man$(subst .,,$(suffix $m))/$(notdir $m) &&) :
	$(foreach e,$(wildcard packaging/examples/*),$(INSTALL) 644 $e $(DESTDIR)$(DOCDIR)/examples/$(notdir $e) &&) :
	$(INSTALL) 644 packaging/systemd/doublelockd.socket $(DESTDIR)$(UNITDIR)/doublelockd.socket
	$(INSTALL) 644 packaging/systemd/doublelockd.service $(DESTDIR)$(UNITDIR)/doublelockd.service
	sed -i 's|/usr/sbin|$(SBINDIR)|' $(DESTDIR)$(UNITDIR)/doublelockd.service
	$(INSTALL) 644 packaging/systemd/doublelock.sysusers $(DESTDIR)$(SYSUSERSDIR)/doublelock.conf
	$(INSTALL) 644 packaging/systemd/doublelock.tmpfiles $(DESTDIR)$(TMPFILESDIR)/doublelock.conf
.SECONDARY:
clean:
	rm -rf build build-*
-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
