# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # ip4, ip6 are ../demo's
# The traffic of the demo's table. All of it ends by itself, in seconds.
# Sourced by ../demo.

in_pod() { sb exec demo/web -- timeout 10 "$@"; }
pings() { # POD ARGS
    sb exec "demo/$1" -- timeout 10 ping -n -c3 -i0.2 -W1 "${@:2}"
}
pod_pings() { pings web "$@"; }
node_pings_pod() { sb node-exec "$1" -- ping -n -c3 -i0.2 -W1 "${ip4[web]}"; }
ask_tcp() { in_pod socat -u "TCP:$1,connect-timeout=3" OPEN:/dev/null; }
# socat's server now and then drops a question that comes while it forks.
ask_udp() { # until there are three answers
    in_pod sh -c 'n=0; while [ $n -lt 3 ]; do
        [ -z "$(echo question | socat -t0.5 - "UDP:$1")" ] || n=$((n + 1)); done' sh "$1"
}

TCP_BYTES=100000
VIP=10.96.0.10 VIP6=fd00:10:96::a HAIRPIN_VIP=10.96.0.20

# TCP port 8080: some full frames. UDP port 5353: an answer.
serve() { # POD
    sb exec "demo/$1" -- socat TCP6-LISTEN:8080,fork,reuseaddr,ipv6only=0 \
        EXEC:"head -c $TCP_BYTES /dev/zero" &
    sb exec "demo/$1" -- socat UDP6-RECVFROM:5353,fork,ipv6only=0 EXEC:'echo here' &
    until_true 10 serves "$1"
}
serves() { (($(sb exec "demo/$1" -- ss -Hlntu | grep -cE ':(8080|5353) ') == 2)); }

start_servers() {
    local pod
    for pod in web near far2; do serve "$pod" || return 1; done
    sb lb backends "$VIP:80" tcp demo/near:8080 &&
        sb lb backends "$VIP:53" udp demo/far2:5353 &&
        sb lb backends "[$VIP6]:80" tcp demo/near:8080 &&
        sb lb add "$HAIRPIN_VIP:80" tcp demo/web:8080
}

# ---- traffic of more than one command ---------------------------------------

both_ways() { pod_pings "${ip4[$1]}"; pings "$1" "${ip4[web]}"; }
own_node() { pod_pings 100.64.0.2; node_pings_pod n1; }
other_node() { pod_pings 100.64.0.3; node_pings_pod n2; }
gateway() { pod_pings 10.16.0.1; pod_pings -6 fd00:10:16::1; }
fragments() { pod_pings -s 4000 "${ip4[$1]}"; pod_pings -6 -s 4000 "${ip6[$1]}"; }

neighbours6() {
    in_pod ip -6 neigh flush dev eth0
    pod_pings -6 "${ip6[near]}"
    pod_pings -6 "${ip6[far]}"
    pod_pings -6 "${ip6[far2]}"
}

broadcast() {
    pod_pings -b 10.16.255.255
    pings near -b 10.16.255.255
    sb exec demo/far -- arping -c2 -w2 -I eth0 10.16.200.200 # which nobody has
}

multicast() {
    pod_pings 224.0.0.251
    pings far 224.0.0.251
    pod_pings -6 ff02::1%eth0
    pings near -6 ff02::1%eth0
}

# Pings from the pod that nobody answers, and pings to it that it never sees.
acl_drop() {
    sb nbctl acl-add ovn-default to-lport 2000 'outport == "near.demo" && icmp4' drop
    sb nbctl acl-add ovn-default to-lport 2000 "outport == \"web.demo\" && ip4.src == ${ip4[far]}" drop
    sb nbctl --wait=hv sync
    pod_pings "${ip4[near]}"
    pings far "${ip4[web]}"
    no_acl
}

acl_reject() {
    sb nbctl acl-add ovn-default to-lport 2000 'outport == "near.demo" && tcp' reject
    sb nbctl --wait=hv sync
    ask_tcp "${ip4[near]}:8080"
    no_acl
}

no_acl() { sb nbctl --wait=hv acl-del ovn-default; }

port_security() { # from an address that is not its own
    in_pod ip addr add 10.16.9.9/32 dev lo
    pod_pings -I 10.16.9.9 "${ip4[near]}"
    in_pod ip addr del 10.16.9.9/32 dev lo
}

others() {
    pings near "${ip4[far]}"
    pings far2 "${ip4[near]}"
    pod_pings "${ip4[far]}"
}

# ---- the table --------------------------------------------------------------

run_cases() {
    line '' seen copies missing surplus ''
    rule
    row 'ARP' 4 arp in_pod arping -c2 -w3 -I eth0 "${ip4[near]}"
    row 'ICMP, same node' 12 icmp both_ways near
    row 'ICMP, other node' 12 icmp both_ways far
    row 'ICMP, routed, same node' 12 icmp both_ways near2
    row 'ICMP, routed, other node' 12 icmp both_ways far2
    row 'ICMP, its own node' 12 icmp own_node
    row 'ICMP, the other node' 12 icmp other_node
    row 'ICMP and ICMPv6, the gateway (OVN answers)' 12 'icmp or icmp6' gateway
    row 'ICMP, time to live exceeded (OVN answers)' 6 icmp pod_pings -t1 "${ip4[far2]}"
    row 'IPv6 and neighbour discovery' 24 icmp6 neighbours6
    row 'TCP, same node' 75 tcp ask_tcp "${ip4[near]}:8080"
    row 'TCP, routed, other node' 75 tcp ask_tcp "${ip4[far2]}:8080"
    row 'TCP over IPv6' 75 'ip6 proto 6' ask_tcp "[${ip6[near]}]:8080"
    row 'UDP, same node' 6 udp ask_udp "${ip4[near]}:5353"
    row 'UDP, routed, other node' 6 udp ask_udp "${ip4[far2]}:5353"
    row 'VIP, TCP' 75 tcp ask_tcp "$VIP:80"
    row 'VIP, TCP over IPv6' 75 'ip6 proto 6' ask_tcp "[$VIP6]:80"
    row 'VIP, UDP, to another subnet on the other node' 6 udp ask_udp "$VIP:53"
    row 'VIP, TCP, back to the pod itself (hairpin)' 150 tcp ask_tcp "$HAIRPIN_VIP:80"
    row 'broadcast, from it and to it' 8 broadcast broadcast
    row 'multicast, from it and to it' 12 multicast multicast
    row 'full frames, same node' 6 icmp pod_pings -M 'do' -s 1372 "${ip4[near]}"
    row 'full frames, other node' 6 icmp pod_pings -M 'do' -s 1372 "${ip4[far]}"
    row 'fragments, same node' 36 'ip or ip6' fragments near
    row 'fragments, routed, other node' 36 'ip or ip6' fragments far2
    row 'dropped by an ACL, from it and to it' 3 icmp acl_drop
    row 'rejected by an ACL' 2 tcp acl_reject
    row 'dropped by port security' 3 'src host 10.16.9.9' port_security
    row "others' traffic, which it does not see, and own pings" 6 icmp others
}
