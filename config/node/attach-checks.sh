# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC2154 # the variables of attach, which reads this file
#
# What attach asks of the database and the kernel, and for what it refuses.

# ---- asking -----------------------------------------------------------------

vsctl() {
    ovs-vsctl --timeout=10 ${db:+"--db=$db"} "$@"
}

# A column or key of a row without OVSDB's quotes; empty if it is unset.
column() { # TABLE COLUMN
    vsctl --if-exists get "$1" "$iface" "$2" 2>/dev/null | tr -d '"' | sed 's/^\[\]$//'
}

link_exists() { ip link show dev "$iface" >/dev/null 2>&1; }

# The word that follows KEY in the link's line.
link_word() { # KEY
    # shellcheck disable=SC2046 # words are what is wanted
    set -- "$1" $(ip -o link show dev "$iface" 2>/dev/null)
    lw_key=$1
    shift
    while [ $# -gt 1 ]; do
        [ "$1" = "$lw_key" ] && { printf '%s' "$2"; return; }
        shift
    done
}

link_is_up() {
    case $(ip -o link show dev "$iface" 2>/dev/null) in
        *[\<,]UP[,\>]*) return 0 ;;
    esac
    return 1
}

ipv6_switch() { printf '/proc/sys/net/ipv6/conf/%s/disable_ipv6' "$iface"; }

ipv6_disabled() { # 0, 1, or none if the kernel has no IPv6
    cat "$(ipv6_switch)" 2>/dev/null || echo none
}

# Addresses other than link-local ones, as address/length.
addresses() { # -4 | -6
    ip "$1" -o address show dev "$iface" 2>/dev/null | while read -r _ _ _ address _; do
        case $address in
            169.254.* | fe80:*) ;;
            *) printf '%s\n' "$address" ;;
        esac
    done
}

# Routes that use the link, without those that the kernel makes for link-local addresses.
routes() { # -4 | -6
    ip "$1" -o route show table all 2>/dev/null | while read -r route; do
        case $route in
            fe80:* | 'local fe80:'* | 'anycast fe80:'* | 'multicast ff00:'* | ff00:*) ;;
            169.254.* | 'local 169.254.'* | 'broadcast 169.254.'*) ;;
            *" dev $iface "* | *" dev $iface") printf '%s\n' "$route" ;;
        esac
    done
}

# Devices on top of the link, such as VLANs.
devices_on_top() {
    for dt_type in vlan macvlan macvtap ipvlan; do
        ip -o link show type "$dt_type" 2>/dev/null | while read -r _ device _; do
            case $device in
                *"@$iface:") printf '%s\n' "${device%@*}" ;;
            esac
        done
    done
}

# ovn-encap-ip may hold several addresses, and each chassis of the machine may have its own.
geneve_addresses() {
    ga_id=$(vsctl --if-exists get Open_vSwitch . external_ids:system-id 2>/dev/null | tr -d '"')
    for ga_key in ovn-encap-ip "ovn-encap-ip-$ga_id"; do
        vsctl --if-exists get Open_vSwitch . "external_ids:$ga_key" 2>/dev/null
    done | tr -d '"' | tr , '\n'
}

# The largest MTU of the pods' interfaces on the bridge; without pods, of what else OVN has bound
# there (the node's own ovn0). Empty if there is neither.
pods_mtu() {
    pm_here=" $(vsctl list-ifaces "$bridge" 2>/dev/null | tr '\n' ' ')"
    for pm_key in pod_name iface-id; do
        pm_largest=$(
            vsctl -f csv -d bare --no-headings --columns=name,mtu \
                find Interface "external_ids:$pm_key!=\"\"" 2>/dev/null | {
                largest=0
                while IFS=, read -r name mtu; do
                    name=${name#\"}
                    case $pm_here in
                        *" ${name%\"} "*) [ "${mtu:-0}" -gt "$largest" ] && largest=$mtu ;;
                    esac
                done
                echo "$largest"
            }
        )
        [ "$pm_largest" -gt 0 ] && { echo "$pm_largest"; return; }
    done
}

# ---- refusing ---------------------------------------------------------------

refusals=0
hopeless=false

refuse() { # REASON COMMAND-THAT-SHOWS-IT
    refusals=$((refusals + 1))
    if $force; then
        warn "forced, although $1 (see: $2)"
    else
        warn "refused: $1 (see: $2)"
    fi
}

# What no --force can help against: the port cannot be added, or is not one to be touched.
refuse_always() {
    hopeless=true
    warn "refused: $1 (see: $2)"
}

check_open_vswitch() {
    if vsctl br-exists "$iface"; then
        refuse_always "$iface is an OVS bridge" "ovs-vsctl list-br"
        return
    fi
    co_bridge=$(vsctl iface-to-br "$iface" 2>/dev/null) || return
    if [ "$co_bridge" != "$bridge" ]; then
        refuse_always "$iface is a port of the OVS bridge $co_bridge" "ovs-vsctl iface-to-br $iface"
        return
    fi
    if ! vsctl port-to-br "$iface" >/dev/null 2>&1; then
        refuse_always "$iface is a member of a bond of $bridge" "ovs-vsctl list Port"
    fi
    case $(column Interface type) in
        '' | system | internal) ;;
        *) refuse_always "$iface is a tunnel or patch port" "ovs-vsctl get Interface $iface type" ;;
    esac
    co_pod=$(column Interface external_ids:iface-id)$(column Interface external_ids:pod_name)
    if [ -n "$co_pod" ]; then
        refuse "$iface is the port of a pod or of the node" \
            "ovs-vsctl get Interface $iface external_ids"
    fi
}

check_link() {
    link_exists || return
    for cl_address in $(addresses -4; addresses -6); do
        refuse "$iface has the address $cl_address, which would stop working" \
            "ip address show dev $iface"
    done
    cl_route=$({ routes -4; routes -6; } | { read -r first && echo "$first"; })
    [ -z "$cl_route" ] ||
        refuse "$iface is used by the route '$cl_route'" "ip route show table all dev $iface"
    cl_master=$(link_word master)
    case $cl_master in
        '' | ovs-system) ;; # a port of OVS has been looked at already
        *) refuse "$iface belongs to $cl_master" "ip link show dev $iface" ;;
    esac
    for cl_device in $(devices_on_top); do
        refuse "$iface carries the device $cl_device" "ip -d link show dev $cl_device"
    done
}

check_geneve() {
    link_exists || return
    for cg_ip in $(geneve_addresses); do
        case " $({ addresses -4; addresses -6; } | tr '\n' ' ')" in
            *" $cg_ip/"*)
                refuse "$iface has the node's Geneve address $cg_ip" \
                    "ovs-vsctl get Open_vSwitch . external_ids:ovn-encap-ip"
                ;;
        esac
        case $(ip -o route get "$cg_ip" 2>/dev/null) in
            *" dev $iface "*)
                refuse "$iface is the way to the node's Geneve address $cg_ip" "ip route get $cg_ip"
                ;;
        esac
    done
}

check_mtu() {
    link_exists || return
    # An internal port's MTU is ours to set.
    [ "$(column Interface type)" = internal ] && return
    cm_pods=$(pods_mtu)
    cm_mtu=$(link_word mtu)
    [ "${cm_pods:-0}" -le "$cm_mtu" ] ||
        refuse "$iface has an MTU of $cm_mtu and pods have $cm_pods: larger copies would be lost, \
and $bridge and ovn0 lowered to $cm_mtu" \
            "ip link show dev $iface; ovs-vsctl --columns=name,mtu find Interface"
}

check_mirror_port() {
    check_open_vswitch
    check_link
    check_geneve
    check_mtu
}

check_listen() {
    if $tls; then
        check_tls
    elif ! is_loopback && ! $insecure; then
        refuse_always "whoever reaches the ports of $listen controls the switch and its database, \
unencrypted. With certificates: --tls. If that is meant: --insecure" "ip address; ip route"
    fi
    if [ "$host" = "$every" ]; then
        refuse "$listen is every address of the node, those that pods reach, too" \
            "ip -brief address"
    fi
    # Before Open vSwitch 2.12 nobody can say what kind of a controller a row is.
    if ! ovsdb-client --timeout=10 list-columns ${db:+"$db"} Open_vSwitch Controller 2>/dev/null |
        grep -q '^"\{0,1\}type[" ]'; then
        refuse_always "this database cannot tell a service Controller from a primary one, which \
would take all of OVN's flows away" "ovsdb-client list-columns Open_vSwitch Controller"
    fi
    case $(listeners Controller | taken "$controller") in
        *' primary '*)
            refuse_always "$controller is a primary Controller of $bridge already, and not ours: \
adding or removing one makes Open vSwitch flush all flows" "ovs-vsctl list Controller"
            ;;
    esac
}

end_if_refused() {
    $hopeless && exit 3
    [ "$refusals" -eq 0 ] || $force || { warn "--force goes on in spite of this"; exit 3; }
}
