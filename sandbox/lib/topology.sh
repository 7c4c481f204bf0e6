# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The logical network, shaped and named as Kube-OVN does it.

# name, IPv4 without its last two bytes, IPv6 without its last 16 bits
SUBNETS=(ovn-default subnet2)
declare -A NET4=([ovn-default]=10.16 [subnet2]=10.17 [join]=100.64)
declare -A NET6=([ovn-default]=fd00:10:16:: [subnet2]=fd00:10:17:: [join]=fd00:100:64::)
VIP4=10.96.0.10
VIP6=fd00:10:96::a

router_mac() { # by subnet
    case $1 in
        ovn-default) echo 02:00:00:00:04:01 ;;
        subnet2) echo 02:00:00:00:04:02 ;;
        join) echo 02:00:00:00:04:03 ;;
    esac
}

make_topology() {
    local s n i a=() lb
    a=(lr-add ovn-cluster)
    for s in "${SUBNETS[@]}" join; do
        a+=(-- ls-add "$s" -- set Logical_Switch "$s" external_ids:vendor=kube-ovn
            -- lrp-add ovn-cluster "ovn-cluster-$s" "$(router_mac "$s")" "${NET4[$s]}.0.1/16" "${NET6[$s]}1/112"
            -- lsp-add "$s" "$s-ovn-cluster"
            -- lsp-set-type "$s-ovn-cluster" router
            -- lsp-set-addresses "$s-ovn-cluster" router
            -- lsp-set-options "$s-ovn-cluster" "router-port=ovn-cluster-$s"
            -- lr-policy-add ovn-cluster 31000 "ip4.dst == ${NET4[$s]}.0.0/16" allow
            -- lr-policy-add ovn-cluster 31000 "ip6.dst == ${NET6[$s]}/112" allow)
    done
    # OVN asks the policies only about a packet that has a route; hence the
    # default route, to nowhere, and one policy per node's own address.
    a+=(-- lr-route-add ovn-cluster 0.0.0.0/0 100.64.0.1
        -- lr-route-add ovn-cluster ::/0 fd00:100:64::1)
    for n in $(node_list); do
        i=$(node_index "$n")
        a+=(-- lsp-add join "node-$n"
            -- lsp-set-addresses "node-$n" "02:00:00:00:03:$(hex2 "$i") $(join_ip4 "$i") $(join_ip6 "$i")"
            -- lr-policy-add ovn-cluster 30000 "ip4.dst == $UNDERLAY_NET.$((10 + i))" reroute "$(join_ip4 "$i")")
    done
    for lb in tcp udp; do
        a+=(-- "--id=@$lb" create Load_Balancer "name=cluster-$lb-loadbalancer" "protocol=$lb")
        for s in "${SUBNETS[@]}"; do
            a+=(-- add Logical_Switch "$s" load_balancer "@$lb")
        done
    done
    nbctl "${a[@]}" >/dev/null ||
        { say "sandbox: the logical network could not be made; see $(log_of central ovsdb-nb)"; return 1; }
    nbctl set Load_Balancer cluster-tcp-loadbalancer \
        "vips:\"$VIP4:80\"=\"\"" "vips:\"[$VIP6]:80\"=\"\"" \
        -- set Load_Balancer cluster-udp-loadbalancer \
        "vips:\"$VIP4:53\"=\"\"" "vips:\"[$VIP6]:53\"=\"\""
}

# ---- load balancer ----------------------------------------------------------

# A backend is ADDRESS:PORT, [ADDRESS]:PORT or NAMESPACE/POD:PORT; a pod gives
# the address of the VIP's family.
backend_list() { # VIP BACKENDS
    local vip=$1 b out=() list pod port
    IFS=, read -ra list <<<"$2"
    for b in "${list[@]}"; do
        if [[ $b == */* ]]; then
            pod=${b%:*} port=${b##*:}
            load_pod "$pod"
            if [[ $vip == \[* ]]; then out+=("[$P_ip6]:$port"); else out+=("$P_ip4:$port"); fi
        elif [[ $b ]]; then
            out+=("$b")
        fi
    done
    local IFS=,
    printf '%s' "${out[*]}"
}

cmd_lb() {
    local verb=${1:-list} vip=${2:-} proto=${3:-} lb backends
    need_up
    if [[ $verb == list ]]; then
        nbctl lb-list
        return
    fi
    [[ $proto == tcp || $proto == udp ]] && [[ $vip == *:* ]] ||
        die "usage: sandbox lb add|backends|del VIP:PORT tcp|udp [BACKEND,BACKEND...]"
    [[ $vip == \[*\]:* || $vip != *:*:* ]] || die "an IPv6 VIP is written [ADDRESS]:PORT"
    lb=cluster-$proto-loadbalancer
    case $verb in
        add | backends)
            backends=$(backend_list "$vip" "${4:-}") || exit 1
            nbctl set Load_Balancer "$lb" "vips:\"$vip\"=\"$backends\"" || exit 1
            ;;
        del) nbctl remove Load_Balancer "$lb" vips "\"$vip\"" || exit 1 ;;
        *) die "lb $verb: add, backends, del or list" ;;
    esac
    sync_hv || exit 1
}
