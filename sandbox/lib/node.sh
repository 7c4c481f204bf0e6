# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The central databases and the nodes: making, starting, restarting.

OVS_SCHEMAS=${OVS_PKGDATADIR:-/usr/share/openvswitch}
OVN_SCHEMAS=${OVN_PKGDATADIR:-/usr/share/ovn}

node_index() { printf '%s' "${1#n}"; }
hex2() { printf '%02x' "$1"; }

make_dirs() { mkdir -p "$STATE/$1"/{run,log,db,etc,tmp}; }

# ---- network namespaces, the underlay and the management network ------------

# A Linux bridge in the central namespace is the underlay's switch, another one
# the management network's. Each veth is made inside the namespaces at once, so
# that the root one never sees it.
make_networks() {
    local n ns
    {
        echo "netns add $CENTRAL_NS"
        for n in $(node_list); do echo "netns add $(node_ns "$n")"; done
    } | ip -batch - || return 1
    {
        echo "link set lo up"
        echo "link add underlay type bridge"
        echo "link set underlay up"
        echo "link add mgmt type bridge"
        echo "link set mgmt up"
        echo "addr add $MGMT_NET.1/24 dev mgmt"
        for n in $(node_list); do
            ns=$(node_ns "$n")
            echo "link add $n mtu 1500 type veth peer name ul mtu 1500 netns $ns"
            echo "link set $n master underlay up"
            echo "link add $n-mgmt type veth peer name mgmt netns $ns"
            echo "link set $n-mgmt master mgmt up"
        done
    } | ip -n "$CENTRAL_NS" -batch - || return 1
    in_node central sysctl -qw net.ipv6.conf.underlay.disable_ipv6=1 \
        net.ipv6.conf.mgmt.disable_ipv6=1 || return 1
    for n in $(node_list); do
        in_node "$n" sh -c '
            sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
                net.ipv6.conf.ul.disable_ipv6=1 net.ipv6.conf.mgmt.disable_ipv6=1 \
                net.ipv4.conf.ul.arp_ignore=8 # or it answers for br-phy, and OVS sends tunnels there
            ethtool -K ul gro off tx off
            ip addr add "$1/24" dev mgmt && ip link set mgmt up &&
                ip link set lo up && ip link set ul up' \
            sh "$(mgmt_ip4 "$(node_index "$n")")" >/dev/null 2>&1 || return 1
    done
}

# ---- central ----------------------------------------------------------------

make_central() {
    local x
    make_dirs central
    for x in nb sb; do
        ovsdb-tool create "$STATE/central/db/ovn${x}_db.db" "$OVN_SCHEMAS/ovn-$x.ovsschema" || return 1
    done
    start_one central ovsdb-nb & local p=$!
    start_one central ovsdb-sb && wait $p || return 1
    ovn-nbctl --timeout=10 "--db=unix:$NB_SOCK" init || return 1
    ovn-sbctl --timeout=10 "--db=unix:$SB_SOCK" init || return 1
    start_one central ovn-northd
}

# ---- nodes ------------------------------------------------------------------

make_node() {
    local n=$1 i run
    i=$(node_index "$n") run=$STATE/$1/run
    make_dirs "$n"
    ovsdb-tool create "$STATE/$n/db/conf.db" "$OVS_SCHEMAS/vswitch.ovsschema" || return 1
    start_one "$n" ovsdb-server || return 1
    # hwaddr: otherwise the datapath id follows the lowest MAC among the ports.
    # br-int is made here, before ovn-controller could make one itself with the
    # kernel datapath. ovn-controller reaches the southbound database by a unix
    # socket, not by the underlay, which a restart of ovs-vswitchd cuts.
    vsctl "$n" --no-wait -- init -- set Open_vSwitch . \
        ovs_version="$(ovs-vswitchd --version | sed -n '1s/.* //p')" \
        system-type=sandbox system-version=1 \
        external_ids:system-id="$n" external_ids:hostname="$n" \
        "external_ids:rundir=\"$run\"" \
        "external_ids:ovn-remote=\"unix:$SB_SOCK\"" \
        external_ids:ovn-encap-type="$ENCAP" \
        external_ids:ovn-encap-ip="$UNDERLAY_NET.$((10 + i))" \
        external_ids:ovn-bridge=br-int \
        external_ids:ovn-bridge-datapath-type=netdev \
        -- add-br br-int -- set Bridge br-int datapath_type=netdev fail_mode=secure \
        other_config:disable-in-band=true \
        "other_config:hwaddr=\"02:00:00:00:01:$(hex2 "$i")\"" \
        -- add-br br-phy -- set Bridge br-phy datapath_type=netdev fail_mode=standalone \
        "other_config:hwaddr=\"02:00:00:00:02:$(hex2 "$i")\"" \
        -- add-port br-phy ul \
        -- add-port br-int ovn0 -- set Interface ovn0 type=internal \
        "mac=\"02:00:00:00:03:$(hex2 "$i")\"" mtu_request="$POD_MTU" \
        external_ids:iface-id="node-$n" external_ids:ip="$(join_ip4 "$i")" ||
        { say "sandbox: ovs-vsctl on $n failed; see $(log_of "$n" ovsdb-server)"; return 1; }
    start_one "$n" ovs-vswitchd
}

join_ip4() { printf '100.64.0.%d' $((1 + $1)); }
mgmt_ip4() { printf '%s.%d' "$MGMT_NET" $((10 + $1)); }
join_ip6() { printf 'fd00:100:64::%x' $((1 + $1)); }

# ---- one daemon -------------------------------------------------------------

# start_one NODE DAEMON: nothing when it runs already.
start_one() {
    local n=$1 d=$2 run=$STATE/$1/run db=$STATE/$1/db
    pid_of "$n" "$d" >/dev/null && return 0
    case $d in
        ovsdb-nb | ovsdb-sb)
            local x=${d#ovsdb-}
            start_daemon "$n" "$d" ovsdb-server "--remote=punix:$run/ovn${x}_db.sock" \
                "--unixctl=$run/ovn${x}_db.ctl" "$db/ovn${x}_db.db"
            ;;
        ovn-northd)
            start_daemon "$n" "$d" ovn-northd "--ovnnb-db=unix:$NB_SOCK" "--ovnsb-db=unix:$SB_SOCK"
            ;;
        ovsdb-server)
            # Managers and TLS material come from the database, as ovs-ctl has it.
            start_daemon "$n" "$d" ovsdb-server "--remote=punix:$run/db.sock" \
                --remote=db:Open_vSwitch,Open_vSwitch,manager_options \
                --private-key=db:Open_vSwitch,SSL,private_key \
                --certificate=db:Open_vSwitch,SSL,certificate \
                --bootstrap-ca-cert=db:Open_vSwitch,SSL,ca_cert "$db/conf.db"
            ;;
        ovs-vswitchd)
            start_daemon "$n" "$d" ovs-vswitchd "unix:$run/db.sock" &&
                restore_node_net "$n"
            ;;
        ovn-controller)
            start_daemon "$n" "$d" ovn-controller "unix:$run/db.sock"
            ;;
        *) die "no daemon '$d' on $n (there are: $(daemons_of "$n" | paste -sd' '))" ;;
    esac
}

# Internal ports are tap devices of ovs-vswitchd: with it go their link state,
# addresses and routes.
restore_node_net() {
    local n=$1 i log
    i=$(node_index "$n") log=$(log_of "$n" ovs-vswitchd)
    wait_for 15 "the ports ovn0 and br-phy on $n" "$log" has_links "$n" ovn0 br-phy || return 1
    in_node "$n" sh -c '
        set -e
        ethtool -K br-phy tx off >/dev/null 2>&1
        ethtool -K ovn0 tx off >/dev/null 2>&1
        ip link set br-phy up
        ip addr replace "$1/24" dev br-phy
        ip link set ovn0 mtu "$2" up
        ip addr replace "$3/16" dev ovn0
        ip -6 addr replace "$4/112" dev ovn0 nodad
        for net in 10.16.0.0/16 10.17.0.0/16; do
            ip route replace "$net" via 100.64.0.1 dev ovn0 src "$3"
        done
        for net in fd00:10:16::/112 fd00:10:17::/112; do
            ip -6 route replace "$net" via fd00:100:64::1 dev ovn0 src "$4"
        done' sh "$UNDERLAY_NET.$((10 + i))" "$POD_MTU" "$(join_ip4 "$i")" "$(join_ip6 "$i")" ||
        { say "sandbox: the addresses of ovn0 and br-phy on $n could not be set; see $log"; return 1; }
}

has_links() {
    local ns d
    ns=$(node_ns "$1")
    shift
    for d in "$@"; do ip -n "$ns" link show "$d" || return 1; done
}

# ---- conditions -------------------------------------------------------------

connected() { [[ $(appctl "$1" ovn-controller connection-status) == connected ]]; }
has_flows() { # fail_mode=secure: an unprogrammed br-int has none at all
    local f
    f=$(ofctl "$1" dump-aggregate br-int) && [[ $f =~ flow_count=([0-9]+) ]] &&
        ((BASH_REMATCH[1] > 50))
}
all_running() {
    local n=$1 d
    for d in $(daemons_of "$n"); do pid_of "$n" "$d" >/dev/null || return 1; done
}

# The node's underlay ping makes the neighbours known to ovs-vswitchd too (it
# learns them from the ARP replies): the first packet of a tunnel is not lost.
reach_peers() {
    local n=$1 m
    for m in $(node_list); do
        [[ $m == "$n" ]] && continue
        pid_of "$m" ovs-vswitchd >/dev/null || continue
        wait_for 10 "$n to reach $m over the underlay" "$(log_of "$n" ovs-vswitchd)" \
            in_node "$n" ping -nqc1 -W1 "$UNDERLAY_NET.$((10 + ${m#n}))" || return 1
    done
}

# Wait until a node that was disturbed works again, as far as its daemons run.
settle_node() {
    local n=$1 log
    log=$(log_of "$n" ovn-controller)
    if pid_of "$n" ovs-vswitchd >/dev/null; then reach_peers "$n" || return 1; fi
    all_running "$n" && all_running central || return 0
    wait_for 30 "ovn-controller on $n to connect to the southbound database" "$log" connected "$n" || return 1
    wait_for 30 "OVN's flows in br-int of $n" "$log" has_flows "$n" || return 1
    sync_hv
}

# Every running controller has applied what the northbound database says. A
# stopped one would never answer, so then wait for the others not at all.
sync_hv() {
    local n
    all_running central || return 0
    for n in $(node_list); do all_running "$n" || return 0; done
    nbctl --timeout=60 --wait=hv sync ||
        { say "sandbox: waited 60 s for every ovn-controller; see $STATE/n*/log/ovn-controller.log"; return 1; }
}

# ---- commands: start, stop, restart -----------------------------------------

parse_daemon() { # [NODE] DAEMON -> sets node, daemon
    if (($# == 1)); then
        node=central daemon=$1
    else
        node=$1 daemon=$2
    fi
    case $daemon in
        northd | ovn-northd) node=central daemon=ovn-northd ;;
        nb | sb) node=central daemon=ovsdb-$daemon ;;
        vswitchd) daemon=ovs-vswitchd ;;
    esac
    [[ $node == central ]] || check_node "$node"
    daemons_of "$node" | grep -qx -- "$daemon" ||
        die "no daemon '$daemon' on $node (there are: $(daemons_of "$node" | paste -sd' '))"
}

cmd_daemon() { # VERB [NODE] DAEMON [--how HOW] [--kube-ovn] [--no-wait]
    local verb=$1 how=exit kube='' wait=1 args=() node daemon
    shift
    while (($#)); do
        case $1 in
            --how) how=${2:?--how needs a value}; shift ;;
            --kube-ovn) kube=1 ;;
            --no-wait) wait='' ;;
            -*) die "unknown option $1" ;;
            *) args+=("$1") ;;
        esac
        shift
    done
    ((${#args[@]} >= 1 && ${#args[@]} <= 2)) || die "usage: sandbox $verb NODE DAEMON"
    need_up
    take_lock
    if [[ ${args[1]:-} == ovs && $verb == restart ]]; then
        check_node "${args[0]}"
        node=${args[0]}
        restart_ovs "$node" "$how" "$kube" || exit 1
    else
        [[ -z $kube ]] || die "--kube-ovn goes with: restart NODE ovs"
        parse_daemon "${args[@]}"
        [[ $verb == start ]] || stop_daemon "$node" "$daemon" "$how" || exit 1
        [[ $verb == stop ]] || start_one "$node" "$daemon" || exit 1
    fi
    [[ $verb != stop && $wait ]] || return 0
    if [[ $node == central ]]; then
        for node in $(node_list); do settle_node "$node" || exit 1; done
    else
        settle_node "$node" || exit 1
    fi
}

# ovsdb-server and ovs-vswitchd together; with --kube-ovn in the steps of
# "ovs-ctl restart", which Kube-OVN's pod runs: save the flows, restart the
# database, stop the switch, start it under flow-restore-wait, put the saved
# flows back by replace-flows, clear flow-restore-wait.
restart_ovs() {
    local n=$1 how=$2 kube=$3 script=$STATE/$1/tmp/restore-flows
    if [[ $kube ]]; then
        in_node "$n" env TMPDIR="$STATE/$n/tmp" "$OVS_SCHEMAS/scripts/ovs-save" \
            save-flows br-int br-phy >"$script" ||
            { say "sandbox: ovs-save failed on $n"; return 1; }
    fi
    stop_daemon "$n" ovsdb-server "$how" && start_one "$n" ovsdb-server &&
        stop_daemon "$n" ovs-vswitchd "$how" || return 1
    if [[ $kube ]]; then
        vsctl "$n" --no-wait set Open_vSwitch . other_config:flow-restore-wait=true || return 1
    fi
    start_one "$n" ovs-vswitchd || return 1
    if [[ $kube ]]; then
        # add-tlv-map fails when the bridge had no map; ovs-ctl ignores it too.
        in_node "$n" sh "$script" >>"$STATE/$n/log/restore-flows.log" 2>&1 || true
        vsctl "$n" --if-exists remove Open_vSwitch . other_config flow-restore-wait=true || return 1
    fi
}

# ---- Kube-OVN's own mirror -------------------------------------------------

# Kube-OVN's own mirror, as its daemon sets it up at its start (pkg/daemon,
# configureMirror): a port mirror0 and a Mirror m0 that outputs to it.
cmd_kube_ovn_mirror() { # NODE on|off
    local n=${1:-} netns
    [[ $n && ${2:-} =~ ^(on|off)$ ]] || die "usage: sandbox kube-ovn-mirror NODE on|off"
    need_up
    check_node "$n"
    take_lock
    if [[ $2 == off ]]; then
        vsctl "$n" clear Bridge br-int mirrors -- --if-exists del-port br-int mirror0 || exit 1
        return
    fi
    netns=$(node_ns "$n")
    vsctl "$n" --may-exist add-port br-int mirror0 -- set Interface mirror0 type=internal || exit 1
    vsctl "$n" get Mirror m0 name >/dev/null 2>&1 ||
        vsctl "$n" -- --id=@p get Port mirror0 -- --id=@m create Mirror name=m0 output_port=@p \
            -- add Bridge br-int mirrors @m >/dev/null || exit 1
    ip -n "$netns" link set mirror0 up || exit 1
}
