# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the sandbox needs of the machine, and the Debian packages.

# command:package
NEEDS=(ovs-vswitchd:openvswitch-switch ovs-vsctl:openvswitch-switch ovsdb-tool:openvswitch-common
    ovn-northd:ovn-central ovn-nbctl:ovn-common ovn-controller:ovn-host
    ip:iproute2 ethtool:ethtool sysctl:procps tcpdump:tcpdump ping:iputils-ping
    arping:iputils-arping socat:socat iperf3:iperf3 flock:util-linux
    ovs-pki:openvswitch-common openssl:openssl)

# What no sandbox needs, and some test does.
TEST_NEEDS=(chromium:chromium qperf:qperf wrk:wrk nginx:nginx-light iperf3:iperf3 nft:nftables gnuplot:gnuplot-nox
    promtool:prometheus zsh:zsh)

# Prints them; success when there are none.
missing_packages() { # [COMMAND:PACKAGE...]
    local x p=()
    for x in "${NEEDS[@]}" "$@"; do
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

apt_install() { # PACKAGE...
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >&2
}

cmd_install() { # [--tests]
    local packages=() more=() had_ovs='' had_nginx='' had_prometheus='' rc=0
    while (($#)); do
        case $1 in
            --tests) more=("${TEST_NEEDS[@]}"); shift ;;
            *) die "usage: sandbox install [--tests]" ;;
        esac
    done
    need_root
    mapfile -t packages < <(missing_packages "${more[@]}")
    if ((${#packages[@]} == 0)); then
        say "sandbox: nothing to install"
        return
    fi
    command -v apt-get >/dev/null ||
        die "please install by hand (no apt-get here): ${packages[*]}"
    say "sandbox: installing ${packages[*]}"
    command -v ovs-vswitchd >/dev/null && had_ovs=1
    command -v nginx >/dev/null && had_nginx=1
    command -v prometheus >/dev/null && had_prometheus=1
    restore_policy # of an install that was killed
    trap 'restore_policy' EXIT
    trap 'exit 130' INT TERM HUP
    [[ ! -e $POLICY ]] || mv "$POLICY" "$POLICY.sandbox-saved"
    printf '#!/bin/sh\n# sandbox: start nothing\nexit 101\n' >"$POLICY"
    chmod 755 "$POLICY"
    # A list that is missing, or names what the mirror has replaced, is fetched once.
    apt_install "${packages[@]}" || { apt-get update >&2 && apt_install "${packages[@]}"; } || rc=$?
    restore_policy
    trap - EXIT INT TERM HUP
    ((rc == 0)) || die "apt-get install failed: ${packages[*]}"
    if command -v systemctl >/dev/null; then
        [[ $had_ovs ]] ||
            systemctl disable openvswitch-switch ovsdb-server ovs-vswitchd ovn-central ovn-host >/dev/null 2>&1 || true
        [[ $had_nginx ]] || systemctl disable nginx >/dev/null 2>&1 || true
        [[ $had_prometheus ]] || systemctl disable prometheus >/dev/null 2>&1 || true
    fi
    packages=()
    mapfile -t packages < <(missing_packages "${more[@]}")
    ((${#packages[@]} == 0)) || die "still missing after the installation: ${packages[*]}"
}
