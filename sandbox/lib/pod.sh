# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Pods. One file per pod in STATE/pods, named NAMESPACE.NAME (a namespace has
# no dots, a pod's name may have).

# Loops over many pods start no process per pod: with 300 that took 19 s.
# Sets key, the name of what belongs to a pod here, and lport, its logical port as Kube-OVN names it
# (pkg/ovs/util.go, PodNameToPortName): POD.NAMESPACE.
pod_key() {
    key=${1%%/*}.${1#*/}
    lport=${1#*/}.${1%%/*}
}

check_pod_name() {
    [[ $1 =~ ^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?/[a-z0-9]([a-z0-9.-]{0,200}[a-z0-9])?$ ]] ||
        die "pod '$1': NAMESPACE/NAME is needed, as Kubernetes allows them"
}

# load_pod NS/NAME -> P_node, P_subnet, P_ip4, P_ip6, P_mac, P_ifname, P_kind, P_netns
load_pod() {
    local f k v key lport
    pod_key "$1"
    f=$STATE/pods/$key
    [[ $1 == */* && -f $f ]] || die "no pod '$1' (see: sandbox status --all)"
    while IFS='=' read -r k v; do
        printf -v "P_$k" '%s' "$v"
    done <"$f"
}

save_pod() {
    local f=$STATE/pods/$1
    printf '%s=%s\n' name "$P_name" namespace "$P_namespace" node "$P_node" \
        subnet "$P_subnet" ip4 "$P_ip4" ip6 "$P_ip6" mac "$P_mac" ifname "$P_ifname" \
        kind "$P_kind" netns "$P_netns" port_security "$P_port_security" >"$f"
}

# ---- addresses --------------------------------------------------------------

# take_ip SUBNET [IP] -> P_ip4, P_ip6. Freed addresses are not given again
# before all others, which is Kube-OVN's order too.
take_ip() {
    local s=$1 want=${2:-} dir=$STATE/ipam/$1 last=1 tries
    [[ -d $dir ]] || mkdir -p "$dir"
    if [[ $want ]]; then
        [[ $want =~ ^([0-9]+\.[0-9]+)\.([0-9]+)\.([0-9]+)$ && ${BASH_REMATCH[1]} == "${NET4[$s]}" ]] ||
            die "address $want is not in $s (${NET4[$s]}.0.0/16)"
        last=$((BASH_REMATCH[2] * 256 + BASH_REMATCH[3]))
        ((last > 1 && last < 65535 && BASH_REMATCH[2] < 256 && BASH_REMATCH[3] < 256)) ||
            die "address $want is reserved"
        [[ ! -e $dir/$last ]] || die "address $want is in use"
    else
        [[ -f $dir/last ]] && read -r last <"$dir/last"
        for ((tries = 0; tries < 65534; tries++)); do
            last=$((last >= 65533 ? 2 : last + 1))
            [[ -e $dir/$last ]] || break
        done
        echo "$last" >"$dir/last"
    fi
    : >"$dir/$last"
    P_ip4=${NET4[$s]}.$((last / 256)).$((last % 256))
    printf -v P_ip6 '%s%x' "${NET6[$s]}" "$last"
}

ip_file() { # SUBNET IP4 -> F_ip
    local a b c d
    IFS=. read -r a b c d <<<"$2"
    F_ip=$STATE/ipam/$1/$((c * 256 + d))
}

random_hex() { # N bytes
    od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'
}

# ---- adding -----------------------------------------------------------------

# pod_add_all NODE SUBNET IP KIND PORT_SECURITY WAIT NS/NAME...
# One transaction per database and one ip batch per namespace kind, however
# many pods there are.
pod_add_all() {
    local node=$1 subnet=$2 ip=$3 kind=$4 psec=$5 wait=$6 pod hex a b c d
    shift 6
    local nb=() ports=() new=() links='' ns_add='' hostifs=() podns=() nns sink key lport line
    nns=$(node_ns "$node") sink=$(sink_ns "$node")
    declare -A seen=()
    for pod in "$@"; do
        check_pod_name "$pod"
        pod_key "$pod"
        [[ ! -e $STATE/pods/$key && -z ${seen[$key]:-} ]] || die "pod $pod exists already"
        seen[$key]=1
    done
    mkdir -p "$STATE/pods"
    hex=$(random_hex $((6 * $#)))
    for pod in "$@"; do
        pod_key "$pod"
        take_ip "$subnet" "$ip"
        P_namespace=${pod%%/*} P_name=${pod#*/} P_node=$node P_subnet=$subnet P_kind=$kind
        P_port_security=$psec
        # Kube-OVN names the host end after 12 digits of the container's id.
        P_ifname=${hex:0:12}_h
        hex=${hex:12}
        IFS=. read -r a b c d <<<"$P_ip4"
        printf -v P_mac '0a:58:%02x:%02x:%02x:%02x' "$a" "$b" "$c" "$d"
        P_netns=$PREFIX-p-$key
        [[ $kind == dummy ]] && P_netns=''
        save_pod "$key" || die "cannot write $STATE/pods/$key"
        new+=("$P_ifname")
        nb+=(-- lsp-add "$subnet" "$lport"
            -- lsp-set-addresses "$lport" "$P_mac $P_ip4 $P_ip6"
            -- set Logical_Switch_Port "$lport" "external_ids:pod=\"$pod\"" external_ids:vendor=kube-ovn)
        [[ $psec == yes ]] && nb+=(-- lsp-set-port-security "$lport" "$P_mac $P_ip4 $P_ip6")
        ports+=(-- add-port br-int "$P_ifname" -- set Interface "$P_ifname"
            "external_ids:iface-id=\"$lport\"" "external_ids:pod_name=\"$P_name\""
            "external_ids:pod_namespace=\"$P_namespace\"" "external_ids:ip=\"$P_ip4,$P_ip6\""
            external_ids:vendor=kube-ovn)
        hostifs+=("$P_ifname")
        if [[ $kind == dummy ]]; then
            links+="link add $P_ifname mtu $POD_MTU type veth peer name ${P_ifname%h}c mtu $POD_MTU address $P_mac netns $sink"$'\n'
            podns+=("${P_ifname%h}c")
            continue
        fi
        ports+=("external_ids:pod_netns=\"/var/run/netns/$P_netns\"")
        ns_add+="netns add $P_netns"$'\n'
        links+="link add $P_ifname mtu $POD_MTU type veth peer name eth0 mtu $POD_MTU address $P_mac netns $P_netns"$'\n'
        podns+=("$P_netns $subnet $P_ip4 $P_ip6")
    done
    if [[ $kind == dummy ]]; then
        make_sink "$sink" || return 1
    else
        ip -batch - <<<"${ns_add%$'\n'}" || return 1
    fi
    ip -n "$nns" -batch - <<<"${links%$'\n'}" || return 1
    # The host end must not answer for the node (ff02::1 would reach its kernel
    # past OVS), nor join frames that the pod sent one by one.
    in_node "$node" sh -c 'set -e
        for d; do echo 1 >"/proc/sys/net/ipv6/conf/$d/disable_ipv6"; done' sh "${hostifs[@]}" || return 1
    printf 'link set %s up\n' "${hostifs[@]}" | ip -n "$nns" -batch - || return 1
    if [[ $kind == dummy ]]; then
        printf 'link set %s up\n' "${podns[@]}" | ip -n "$sink" -batch - || return 1
    else
        in_node "$node" sh -c 'set -e; for d; do ethtool -K "$d" gro off; done' \
            sh "${hostifs[@]}" >/dev/null || return 1
        for line in "${podns[@]}"; do
            # shellcheck disable=SC2086 # four words
            pod_net_up $line || return 1
        done
    fi
    nbctl "${nb[@]:1}" || { say "sandbox: ovn-nbctl failed; see $(log_of central ovsdb-nb)"; return 1; }
    local nw=()
    pid_of "$node" ovs-vswitchd >/dev/null || nw=(--no-wait)
    vsctl "$node" "${nw[@]}" "${ports[@]}" ||
        { say "sandbox: ovs-vsctl failed on $node; see $(log_of "$node" ovs-vswitchd)"; return 1; }
    [[ $wait ]] || return 0
    wait_installed "$node" "${new[@]}"
}

# The far ends of a node's dummy ports are in one silent namespace: they count
# what is delivered to the port and answer nothing.
make_sink() {
    [[ ! -e /run/netns/$1 ]] || return 0
    ip netns add "$1" && ip netns exec "$1" sysctl -qw net.ipv4.conf.all.arp_ignore=8 \
        net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 9>&-
}

# Addresses and routes of eth0. Checksums must be whole on the wire: the
# userspace datapath does not complete those the kernel left to the NIC.
pod_net_up() { # NETNS SUBNET IP4 IP6
    ip netns exec "$1" sh -c '
        ethtool -K eth0 tx off >/dev/null 2>&1
        ip -batch -' sh 9>&- <<EOT
link set lo up
link set eth0 up
addr flush dev eth0 scope global
addr add $3/16 dev eth0
addr add $4/112 dev eth0 nodad
route replace default via ${NET4[$2]}.0.1
route replace ::/0 via ${NET6[$2]}1 dev eth0
EOT
}

# ovn-controller marks an interface when its flows are in place.
wait_installed() { # NODE IFNAME...
    local n=$1 i args=()
    shift
    all_running "$n" && all_running central || return 0
    for i in "$@"; do
        args+=(-- wait-until Interface "$i" external_ids:ovn-installed=true "ofport>0")
    done
    ovs-vsctl --timeout=60 "--db=unix:$STATE/$n/run/db.sock" "${args[@]:1}" ||
        { say "sandbox: waited 60 s for ovn-installed of $# interface(s) on $n; see $(log_of "$n" ovn-controller)"; return 1; }
    sync_hv
}

parse_pod_args() { # fills the caller's variables
    while (($#)); do
        case $1 in
            --node | --subnet | --ip | --namespace | --count)
                [[ ${2:-} ]] || die "$1 needs a value"
                printf -v "o_${1#--}" '%s' "$2"
                shift
                ;;
            --prefix | --name-prefix) o_prefix=${2:?$1 needs a value}; shift ;;
            --dummy) o_kind=dummy ;;
            --port-security) o_psec=yes ;;
            --no-port-security) o_psec=no ;;
            --no-wait) o_wait='' ;;
            --all) o_all=1 ;;
            -*) die "unknown option $1" ;;
            *) o_names+=("$1") ;;
        esac
        shift
    done
}

cmd_pod() { # pod|pods VERB ...
    local o_node='' o_subnet=ovn-default o_ip='' o_kind=pod o_psec=yes o_wait=1 o_all='' \
        o_prefix='' o_count='' o_namespace=default o_names=() verb=${1:-} i
    (($#)) && shift
    parse_pod_args "$@"
    need_up
    [[ ${NET4[$o_subnet]:-} && $o_subnet != join ]] || die "subnet '$o_subnet': ovn-default or subnet2"
    [[ $verb == list ]] || take_lock
    case $verb in
        add)
            if [[ $o_count ]]; then
                [[ $o_count =~ ^[1-9][0-9]*$ && $o_prefix ]] || die "usage: sandbox pods add --count N --prefix NAME --node nX"
                for ((i = 1; i <= o_count; i++)); do o_names+=("$o_namespace/$o_prefix$i"); done
            fi
            ((${#o_names[@]})) && [[ $o_node ]] || die "usage: sandbox pod add NS/NAME... --node nX"
            check_node "$o_node"
            [[ -z $o_ip || ${#o_names[@]} == 1 ]] || die "--ip goes with one pod"
            pod_add_all "$o_node" "$o_subnet" "$o_ip" "$o_kind" "$o_psec" "$o_wait" "${o_names[@]}" || {
                    pod_del_all "${o_names[@]}" >/dev/null 2>&1 # nothing half made stays
                    exit 1
                }
            ;;
        del)
            if [[ $o_all || $o_prefix ]]; then
                for i in "$STATE"/pods/*; do
                    [[ -e $i ]] || continue
                    i=${i##*/}
                    [[ $o_all || $i == "$o_namespace.$o_prefix"* ]] && o_names+=("${i%%.*}/${i#*.}")
                done
                ((${#o_names[@]})) || return 0
            fi
            ((${#o_names[@]})) || die "usage: sandbox pod del NS/NAME... | --all | --name-prefix P"
            pod_del_all "${o_names[@]}" || exit 1
            [[ -z $o_wait ]] || sync_hv || exit 1
            ;;
        move)
            ((${#o_names[@]} == 1)) || die "usage: sandbox pod move NS/NAME --subnet S [--ip IP]"
            pod_move "${o_names[0]}" "$o_subnet" "$o_ip" "$o_wait" || exit 1
            ;;
        detach | attach)
            ((${#o_names[@]})) || die "usage: sandbox pod $verb NS/NAME..."
            for i in "${o_names[@]}"; do "pod_$verb" "$i" "$o_wait" || exit 1; done
            ;;
        annotate)
            [[ ${#o_names[@]} == 2 && ${o_names[1]} =~ ^mirror=(true|false)$ ]] ||
                die "usage: sandbox pod annotate NS/NAME mirror=true|false"
            pod_mirror "${o_names[0]}" "${BASH_REMATCH[1]}" || exit 1
            ;;
        list)
            for i in "$STATE"/pods/*; do
                [[ -e $i ]] || continue
                i=${i##*/}
                load_pod "${i%%.*}/${i#*.}"
                printf '%s\n' "$P_namespace/$P_name $P_node $P_subnet $P_ip4 $P_ip6 $P_mac $P_ifname ${P_netns:--}"
            done
            ;;
        *) die "pod '$verb': add, del, move, detach, attach, annotate or list" ;;
    esac
}

# ---- removing, moving, taking off and putting back --------------------------

pod_del_all() {
    local pod key lport nb=() node rm_ns='' rm_if=() files=() F_ip pids
    declare -A gone_ports=()
    for pod in "$@"; do
        load_pod "$pod"
        pod_key "$pod"
        nb+=(-- --if-exists lsp-del "$lport")
        gone_ports[$P_node]+="$P_ifname "
        if [[ $P_netns ]]; then rm_ns+="netns del $P_netns"$'\n'; else rm_if+=("$P_node $P_ifname"); fi
    done
    local name args nw
    for node in "${!gone_ports[@]}"; do
        args=() nw=()
        for name in ${gone_ports[$node]}; do args+=(-- --if-exists del-port br-int "$name"); done
        pid_of "$node" ovs-vswitchd >/dev/null || nw=(--no-wait)
        vsctl "$node" "${nw[@]}" "${args[@]}" || return 1
    done
    nbctl "${nb[@]:1}" || return 1
    if [[ $rm_ns ]]; then
        # Whatever still runs in the pod ends with it.
        for pod in "$@"; do
            load_pod "$pod"
            [[ $P_netns ]] || continue
            pids=$(ip netns pids "$P_netns" 2>/dev/null)
            # shellcheck disable=SC2086 # a list of numbers
            [[ -z $pids ]] || kill -KILL $pids 2>/dev/null || true
        done
        ip -batch - <<<"${rm_ns%$'\n'}" || return 1
    fi
    ((${#rm_if[@]})) && for node in "${!gone_ports[@]}"; do
        # As one group they go at once; one by one each waits for the kernel.
        printf '%s\n' "${rm_if[@]}" | sed -n "s/^$node \(.*\)/link set \1 group 4242/p
            \$a link del group 4242" | ip -n "$(node_ns "$node")" -batch - || return 1
    done
    for pod in "$@"; do
        load_pod "$pod"
        pod_key "$pod"
        ip_file "$P_subnet" "$P_ip4"
        files+=("$F_ip" "$STATE/pods/$key")
    done
    rm -f "${files[@]}"
}

# The logical port moves to another switch under the same name; the interface
# in br-int stays, its keys change. In two steps: deleted and made anew in one
# transaction, the port is now and then left without a conntrack zone by
# ovn-controller 23.03 (no reg13 in tables 0 and 40, replies are dropped as
# invalid) until it recomputes.
pod_move() { # NS/NAME SUBNET IP WAIT
    local key lport old_ip4 old_subnet F_ip psec=()
    load_pod "$1"
    pod_key "$1"
    old_ip4=$P_ip4 old_subnet=$P_subnet
    take_ip "$2" "$3"
    P_subnet=$2
    [[ $P_port_security == yes ]] && psec=(-- lsp-set-port-security "$lport" "$P_mac $P_ip4 $P_ip6")
    nbctl lsp-del "$lport" && sync_hv || return 1
    nbctl lsp-add "$P_subnet" "$lport" \
        -- lsp-set-addresses "$lport" "$P_mac $P_ip4 $P_ip6" \
        -- set Logical_Switch_Port "$lport" "external_ids:pod=\"$1\"" external_ids:vendor=kube-ovn \
        "${psec[@]}" || return 1
    save_pod "$key" || return 1
    ip_file "$old_subnet" "$old_ip4"
    rm -f "$F_ip"
    vsctl "$P_node" set Interface "$P_ifname" "external_ids:ip=\"$P_ip4,$P_ip6\"" || return 1
    if [[ $P_netns ]]; then
        pod_net_up "$P_netns" "$P_subnet" "$P_ip4" "$P_ip6" || return 1
    fi
    [[ $4 ]] || return 0
    all_running "$P_node" && all_running central || return 0
    sync_hv || return 1
    ovn-sbctl --timeout=30 "--db=unix:$SB_SOCK" wait-until Port_Binding "$lport" up=true ||
        { say "sandbox: waited 30 s for the port binding of $lport; see $(log_of "$P_node" ovn-controller)"; return 1; }
    sync_hv
}

# What kube-ovn-cni does about a pod's annotation (kube-ovn, pkg/ovs/ovs-vsctl.go,
# ConfigInterfaceMirror): only what goes to the pod is mirrored.
pod_mirror() { # NS/NAME true|false
    local verb=remove
    load_pod "$1"
    vsctl "$P_node" get Mirror m0 name >/dev/null 2>&1 ||
        { say "sandbox: there is no mirror m0 on $P_node (see: sandbox kube-ovn-mirror $P_node on)"; return 1; }
    [[ $2 == true ]] && verb=add
    vsctl "$P_node" -- --id=@p get Port "$P_ifname" -- "$verb" Mirror m0 select_dst_port @p
}

# The interface leaves br-int and returns: the logical port and the pod stay.
pod_detach() {
    load_pod "$1"
    vsctl "$P_node" del-port br-int "$P_ifname" && { [[ -z $2 ]] || sync_hv; }
}

pod_attach() {
    local key lport netns=()
    load_pod "$1"
    pod_key "$1"
    [[ $P_netns ]] && netns=("external_ids:pod_netns=\"/var/run/netns/$P_netns\"")
    vsctl "$P_node" --may-exist add-port br-int "$P_ifname" -- set Interface "$P_ifname" \
        "external_ids:iface-id=\"$lport\"" "external_ids:pod_name=\"$P_name\"" \
        "external_ids:pod_namespace=\"$P_namespace\"" "external_ids:ip=\"$P_ip4,$P_ip6\"" \
        external_ids:vendor=kube-ovn "${netns[@]}" || return 1
    [[ -z $2 ]] || wait_installed "$P_node" "$P_ifname"
}
