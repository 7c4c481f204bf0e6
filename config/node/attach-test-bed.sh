# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC2154,SC2317,SC2034 # attach-test sets the variables and calls the functions
#
# What attach-test needs: a switch in a network namespace, things to attach, and judgement.

# ---- the switch -------------------------------------------------------------

within() { ip netns exec "$ns" "$@"; }
vsctl() { ovs-vsctl --timeout=20 --db="$db" "$@"; }
# shellcheck disable=SC2086 # the shell may come with an argument
attach() { within ${ATTACH_SHELL:-sh} "$here/attach" --db="$db" "$@" >"$output" 2>&1; }

end() { # PID
    [ -n "$1" ] || return
    kill "$1" 2>/dev/null
    wait "$1" 2>/dev/null
}

start_server() { # as ovs-ctl does it: with the remotes that the database says
    ip netns exec "$ns" ovsdb-server "$dir/conf.db" --remote="p$db" \
        --remote=db:Open_vSwitch,Open_vSwitch,manager_options --unixctl="$dir/db.ctl" --no-chdir \
        --private-key=db:Open_vSwitch,SSL,private_key \
        --certificate=db:Open_vSwitch,SSL,certificate \
        --bootstrap-ca-cert=db:Open_vSwitch,SSL,ca_cert \
        -vconsole:off -vsyslog:off &
    server=$!
    wait_for test -S "$dir/db.ctl" || exit 1
}

start_vswitchd() {
    # ip netns exec replaces itself, so that this is the switch's own process id.
    ip netns exec "$ns" ovs-vswitchd "$db" --unixctl="$dir/vs.ctl" --no-chdir --disable-system \
        -vconsole:off -vsyslog:off &
    vswitchd=$!
}

clean_up() {
    end "$watcher"
    end "$vswitchd"
    end "$server"
    end "$old"
    ip netns del "$ns" 2>/dev/null
    rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

wait_for() { # COMMAND...: until it succeeds, at most 30 s
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || return 1
        sleep 0.05
    done
}

set_up() {
    ip netns add "$ns" && within ip link set dev lo up || exit 1
    ovsdb-tool create "$dir/conf.db" "$schema" || exit 1
    start_server
    vsctl --no-wait init -- set Open_vSwitch . external_ids:system-id=n1
    start_vswitchd
    vsctl add-br br-int -- set Bridge br-int datapath_type=netdev || exit 1
}

# ---- things to attach -------------------------------------------------------

nic() { # NAME [MTU]
    within ip link del dev "$1" 2>/dev/null
    within ip link add name "$1" mtu "${2:-1500}" type veth peer name "$1-far"
    within ip link set dev "$1-far" up
}

pod() { # NAME MTU
    nic "$1" "$2"
    vsctl add-port br-int "$1" -- set Interface "$1" "external_ids:iface-id=$1.shop" \
        "external_ids:pod_name=$1" external_ids:pod_namespace=shop
    wait_for mtu_in_database "$1" "$2"
}

mtu_in_database() { [ "$(vsctl get Interface "$1" mtu)" = "$2" ]; }

remove() { # NAME...
    for port in "$@"; do
        vsctl --if-exists del-port "$port"
        within ip link del dev "$port" 2>/dev/null
    done
}

# ---- judging ----------------------------------------------------------------

result() { # STATUS TEXT
    number=$((number + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $number - $2"
    else
        echo "not ok $number - $2"
        sed 's/^/#   /' "$output"
        failed=1
    fi
}

check() { # TEXT COMMAND...
    text=$1
    shift
    "$@"
    result $? "$text"
}

is_port() { [ "$(vsctl port-to-br "$1" 2>/dev/null)" = br-int ]; }
no_port() { ! is_port "$1"; }
no_link() { ! within ip link show dev "$1" >/dev/null 2>&1; }
is_up() { within ip -o link show dev "$1" up 2>/dev/null | grep -q "$1"; }
is_down() { ! is_up "$1"; }
link_mtu() { within ip -o link show dev "$1" | grep -q " mtu $2 "; }
ipv6() { # NAME VALUE
    [ "$(within cat "/proc/sys/net/ipv6/conf/$1/disable_ipv6")" = "$2" ]
}
has_address() { within ip -o address show dev "$1" | grep -q " $2"; }
column() { vsctl --if-exists get "$1" "$2" "$3" | tr -d '"'; }
is() { # TABLE NAME COLUMN VALUE
    [ "$(column "$1" "$2" "$3")" = "$4" ]
}
says() { grep -qF -- "$1" "$output"; }
says_not() { ! says "$1"; }
exits() { # STATUS ARGUMENT...
    wanted=$1
    shift
    attach "$@"
    [ $? -eq "$wanted" ]
}
everything() {
    vsctl list Port
    vsctl --columns=name,type,mtu_request,external_ids list Interface
    vsctl --columns=name,controller,fail_mode,protocols,other_config list Bridge
    vsctl get Open_vSwitch . manager_options
    vsctl list SSL
    vsctl --columns=_uuid,target,connection_mode,external_ids list Manager
    vsctl --columns=_uuid,target,type,connection_mode,external_ids list Controller
    within ip -o link show | sed 's/^[0-9]*: //'
}
unchanged() { [ "$(everything)" = "$before" ]; }

refuses() { # NIC REASON WHAT-SHOWS-IT
    before=$(everything)
    check "refuses: $2" exits 3 --iface "$1"
    check "... and says so" says "$2"
    check "... and how to see it" says "(see: $3"
    check "... and changes nothing" unchanged
}
