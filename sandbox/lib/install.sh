# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the sandbox needs of the machine, and the Debian packages.

# command:package
NEEDS=(ovs-vswitchd:openvswitch-switch ovs-vsctl:openvswitch-switch ovsdb-tool:openvswitch-common
    ovn-northd:ovn-central ovn-nbctl:ovn-common ovn-controller:ovn-host
    ip:iproute2 ethtool:ethtool sysctl:procps tcpdump:tcpdump ping:iputils-ping
    arping:iputils-arping socat:socat iperf3:iperf3 flock:util-linux)

missing_packages() { # prints them; success when there are none
    local x p=()
    for x in "${NEEDS[@]}"; do
        command -v "${x%%:*}" >/dev/null || p+=("${x#*:}")
    done
    ((${#p[@]})) || return 0
    printf '%s\n' "${p[@]}" | sort -u
    return 1
}

need_root() {
    ((EUID == 0)) || die "root is needed (network namespaces, tap and veth devices)"
}

need_abilities() {
    local t=$PREFIX-probe$$
    need_root
    [[ -c /dev/net/tun ]] || die "/dev/net/tun is missing: the userspace datapath makes tap devices by it"
    command -v ip >/dev/null || return 0 # to be installed
    ip netns add "$t" 2>/dev/null ||
        die "network namespaces cannot be made here (CAP_SYS_ADMIN is needed, and a kernel with CONFIG_NET_NS)"
    local ok=1
    ip -n "$t" link add v0 type veth peer name v1 2>/dev/null &&
        ip -n "$t" link add b0 type bridge 2>/dev/null || ok=''
    ip netns del "$t"
    [[ $ok ]] || die "veth and bridge devices cannot be made here (kernel modules veth and bridge)"
}

# Debian's packages start their daemons, in the root namespace. A policy-rc.d
# that says no is put in place for as long as apt runs, and the units are
# disabled afterwards so that the next boot does not start them either.
POLICY=/usr/sbin/policy-rc.d

restore_policy() {
    if [[ -e $POLICY.sandbox-saved ]]; then
        mv -f "$POLICY.sandbox-saved" "$POLICY"
    elif [[ -f $POLICY ]] && grep -q 'sandbox: start nothing' "$POLICY"; then
        rm -f "$POLICY"
    fi
}

cmd_install() {
    local packages=() units=(openvswitch-switch ovsdb-server ovs-vswitchd ovn-central ovn-host) had_ovs='' rc=0
    need_root
    mapfile -t packages < <(missing_packages)
    if ((${#packages[@]} == 0)); then
        say "sandbox: nothing to install"
        return
    fi
    command -v apt-get >/dev/null ||
        die "please install by hand (no apt-get here): ${packages[*]}"
    say "sandbox: installing ${packages[*]}"
    command -v ovs-vswitchd >/dev/null && had_ovs=1
    restore_policy # of an install that was killed
    trap 'restore_policy' EXIT
    trap 'exit 130' INT TERM HUP
    [[ ! -e $POLICY ]] || mv "$POLICY" "$POLICY.sandbox-saved"
    printf '#!/bin/sh\n# sandbox: start nothing\nexit 101\n' >"$POLICY"
    chmod 755 "$POLICY"
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${packages[@]}" >&2 || rc=$?
    restore_policy
    trap - EXIT INT TERM HUP
    ((rc == 0)) || die "apt-get install failed (try apt-get update first): ${packages[*]}"
    if [[ -z $had_ovs ]] && command -v systemctl >/dev/null; then
        systemctl disable "${units[@]}" >/dev/null 2>&1 || true
    fi
    packages=()
    mapfile -t packages < <(missing_packages)
    ((${#packages[@]} == 0)) || die "still missing after the installation: ${packages[*]}"
}
