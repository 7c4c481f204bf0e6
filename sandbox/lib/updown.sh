# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# up, down, status, env, paths.

cmd_up() {
    local want='' encap='' n p pids=() t0=$EPOCHREALTIME
    while (($#)); do
        case $1 in
            --nodes) want=${2:-}; shift ;;
            --encap) encap=${2:-none}; shift ;;
            *) die "unknown option $1 (usage: sandbox up [--nodes N] [--encap geneve|vxlan])" ;;
        esac
        shift
    done
    [[ -z $want ]] || [[ $want =~ ^[1-9][0-9]?$ && $want -le 32 ]] || die "--nodes: 1 to 32"
    [[ $encap =~ ^(|geneve|vxlan)$ ]] || die "--encap: geneve or vxlan"
    need_abilities
    missing_packages >/dev/null || cmd_install
    check_owner
    take_lock
    if load_conf && [[ -f $STATE/complete ]] && namespaces_there; then
        [[ -z $want || $want == "$NODES" ]] ||
            die "the sandbox is up with $NODES nodes (run: sandbox down)"
        [[ -z $encap || $encap == "$ENCAP" ]] ||
            die "the sandbox is up with $ENCAP tunnels (run: sandbox down)"
        repair || die "the sandbox is up but broken (try: sandbox down, then up)"
        say "sandbox '$PREFIX' is up ($NODES nodes)"
        return
    fi
    # Whatever a crash left behind.
    wipe || die "leftovers of an earlier sandbox could not be removed"
    mkdir -p "$STATE" && chmod 755 "$STATE"
    NODES=${want:-2} ENCAP=${encap:-geneve}
    printf '%s\n' "prefix=$PREFIX" "nodes=$NODES" "encap=$ENCAP" >"$STATE/conf"
    printf '%s\n' "$STATE" >"$OWNER_FILE"
    make_networks || die "the network namespaces could not be made"
    for n in $(node_list); do make_node "$n" & pids+=($!); done
    make_central && make_topology || die "central did not start"
    for p in "${pids[@]}"; do wait "$p" || die "a node did not start (state left in $STATE)"; done
    pids=()
    for n in $(node_list); do finish_node "$n" & pids+=($!); done
    for p in "${pids[@]}"; do wait "$p" || die "a node did not become ready (state left in $STATE)"; done
    sync_hv || exit 1
    : >"$STATE/complete"
    say "sandbox '$PREFIX' is up: $NODES nodes in $(elapsed "$t0") s"
}

elapsed() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }

finish_node() {
    local n=$1
    start_one "$n" ovn-controller || return 1
    reach_peers "$n" || return 1
    wait_for 20 "ovn-controller on $n to connect" "$(log_of "$n" ovn-controller)" connected "$n" || return 1
    ovs-vsctl --timeout=30 "--db=unix:$STATE/$n/run/db.sock" \
        wait-until Interface ovn0 external_ids:ovn-installed=true ||
        { say "sandbox: waited 30 s for ovn0 on $n; see $(log_of "$n" ovn-controller)"; return 1; }
}

namespaces_there() {
    local n
    for n in central $(node_list); do [[ -e /run/netns/$(node_ns "$n") ]] || return 1; done
}

repair() { # start whatever does not run
    local n d
    for n in central $(node_list); do
        for d in $(daemons_of "$n"); do
            pid_of "$n" "$d" >/dev/null && continue
            say "sandbox: starting $d on $n"
            start_one "$n" "$d" || return 1
        done
    done
    for n in $(node_list); do settle_node "$n" || return 1; done
}

# Two state folders must not use one prefix: the namespaces' names are global.
check_owner() {
    local other
    [[ -f $OWNER_FILE ]] && read -r other <"$OWNER_FILE" || return 0
    [[ $other == "$STATE" || ! -f $other/conf ]] ||
        die "prefix '$PREFIX' is in use by the sandbox in $other (choose another --prefix)"
}

wipe() {
    local ns=() x
    end_all || return 1
    mapfile -t ns < <(our_netns)
    for x in "${ns[@]}"; do
        ip netns del "$x" 2>/dev/null || rm -f "/run/netns/$x" || return 1
    done
    # Only a folder that we made, known by its conf, is removed.
    [[ ! -f $STATE/conf ]] || rm -rf -- "${STATE:?}" || return 1
}

cmd_down() {
    (($# == 0)) || die "usage: sandbox down"
    need_root
    check_owner
    take_lock
    load_conf || true
    wipe || die "not everything could be removed"
    rm -f -- "$OWNER_FILE" "$BASE/$PREFIX.lock"
    rmdir -- "$STATE" 2>/dev/null || true
    rmdir -- "$BASE" 2>/dev/null || true
}

# ---- status -----------------------------------------------------------------

cmd_status() {
    local all='' n d pid bad=0 line shown=0 total=0 max=24
    [[ ${1:-} == --all ]] && all=1
    need_root
    if ! load_conf || [[ ! -f $STATE/complete ]]; then
        echo "sandbox '$PREFIX' ($STATE): down"
        return 1
    fi
    echo "sandbox '$PREFIX' ($STATE): $NODES nodes"
    for n in central $(node_list); do
        line=''
        for d in $(daemons_of "$n"); do
            if pid=$(pid_of "$n" "$d"); then line+=" $d($pid)"; else line+=" $d(DOWN)" bad=1; fi
        done
        if [[ $n != central ]]; then
            if connected "$n" 2>/dev/null; then line+=" sb:connected"; else line+=" sb:NOT-CONNECTED" bad=1; fi
            if has_flows "$n" 2>/dev/null; then line+=" flows:ok"; else line+=" flows:NONE" bad=1; fi
        fi
        printf '%-8s%s\n' "$n" "$line"
    done
    declare -A port=() inst=()
    local name ofport id f state
    for n in $(node_list); do
        while read -r name ofport id; do
            port[$name]=$ofport inst[$name]=$id
        done < <(vsctl "$n" --timeout=5 -f table -d bare --no-headings --columns=name,ofport,external_ids \
            list Interface 2>/dev/null | sed -n 's/^\(\S*\) *\([0-9-]*\) .*ovn-installed="\?true.*/\1 \2 true/p;t
                s/^\(\S*\) *\([0-9-]*\) .*/\1 \2 false/p')
    done
    for f in "$STATE"/pods/*; do
        [[ -e $f ]] || continue
        f=${f##*/}
        load_pod "${f%%.*}/${f#*.}"
        ((++total))
        state=ok
        if [[ ! ${port[$P_ifname]:-} =~ ^[0-9]+$ ]]; then
            state=NO-PORT
        elif [[ ${inst[$P_ifname]} != true ]]; then
            state=NOT-INSTALLED
        elif [[ $P_netns && ! -e /run/netns/$P_netns ]]; then
            state=NO-NETNS
        fi
        [[ $state == ok ]] || bad=1
        [[ $all || $shown -lt $max || $state != ok ]] || continue
        ((shown++)) || printf '%-28s %-4s %-12s %-13s %-18s %-15s %6s %s\n' POD NODE SUBNET IP4 IP6 INTERFACE OFPORT STATE
        printf '%-28s %-4s %-12s %-13s %-18s %-15s %6s %s\n' "$P_namespace/$P_name" "$P_node" "$P_subnet" \
            "$P_ip4" "$P_ip6" "$P_ifname" "${port[$P_ifname]:--}" "$state"
    done
    echo "$total pods$( ((shown < total)) && echo ", $shown shown (--all for all)")"
    if ((bad)); then echo UNHEALTHY; else echo healthy; fi
    return $bad
}

# ---- for scripts and tests --------------------------------------------------

cmd_env() {
    local n=${1:?usage: sandbox env NODE} e v
    need_up
    [[ $n == central ]] || check_node "$n"
    printf 'NETNS=%q\n' "$(node_ns "$n")"
    if [[ $n != central ]]; then
        printf 'OVSDB=%q\nBR_INT_MGMT=%q\nBR_INT=br-int\n' \
            "unix:$STATE/$n/run/db.sock" "$STATE/$n/run/br-int.mgmt"
    fi
    printf 'RUN_DIR=%q\nLOG_DIR=%q\n' "$STATE/$n/run" "$STATE/$n/log"
    while IFS= read -r -d '' e; do
        v=${e#*=}
        printf 'export %s=%q\n' "${e%%=*}" "$v"
    done < <(node_env "$n")
}

cmd_paths() {
    local n d
    need_up
    printf '%s\n' "prefix=$PREFIX" "state=$STATE" "nodes=$(node_list | paste -sd,)" \
        "nb=unix:$NB_SOCK" "sb=unix:$SB_SOCK" "vip4=$VIP4" "vip6=$VIP6" "central.netns=$CENTRAL_NS" \
        "central.mgmt_ip4=$MGMT_NET.1"
    for n in $(node_list); do
        printf '%s\n' "$n.netns=$(node_ns "$n")" "$n.rundir=$STATE/$n/run" "$n.logdir=$STATE/$n/log" \
            "$n.ovsdb=unix:$STATE/$n/run/db.sock" "$n.br_int_mgmt=$STATE/$n/run/br-int.mgmt" \
            "$n.underlay=$UNDERLAY_NET.$((10 + ${n#n}))" "$n.mgmt_ip4=$(mgmt_ip4 "${n#n}")" \
            "$n.ovn0_ip4=$(join_ip4 "${n#n}")" "$n.ovn0_ip6=$(join_ip6 "${n#n}")"
    done
    for n in central $(node_list); do
        for d in $(daemons_of "$n"); do
            printf '%s\n' "$n.$d.log=$(log_of "$n" "$d")" "$n.$d.pid=$(pid_of "$n" "$d" || echo '')"
        done
    done
}

cmd_exec() { # NS/NAME [--] CMD...
    local pod=${1:?usage: sandbox exec NS/NAME -- CMD}
    shift
    [[ ${1:-} != -- ]] || shift
    (($#)) || die "usage: sandbox exec NS/NAME -- CMD"
    need_up
    load_pod "$pod"
    [[ $P_netns ]] || die "pod $pod is a dummy port without a namespace"
    exec ip netns exec "$P_netns" "$@"
}

cmd_node_exec() { # NODE [--] CMD...
    local n=${1:?usage: sandbox node-exec NODE -- CMD} env=()
    shift
    [[ ${1:-} != -- ]] || shift
    (($#)) || die "usage: sandbox node-exec NODE -- CMD"
    need_up
    [[ $n == central ]] || check_node "$n"
    mapfile -d '' env < <(node_env "$n")
    exec ip netns exec "$(node_ns "$n")" env "${env[@]}" "$@"
}
