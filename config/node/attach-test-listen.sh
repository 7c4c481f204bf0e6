# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC2154,SC2317,SC2034 # attach-test sets the variables and calls the functions
#
# The tests of --listen: rows that let a controller dial in, and nothing else changed by them.

mark=external_ids:flowmirror=attach

# All entries of all bridges, hidden ones too, and groups.
pipeline() {
    for bridge in br-int br-ext; do
        ovs-appctl -t "$dir/vs.ctl" bridge/dump-flows "$bridge"
        ovs-ofctl -O OpenFlow15 dump-groups "$bridge"
    done | sed 's/duration=[^ ]*, n_packets=[0-9]*, n_bytes=[0-9]*, //' | sort
}
same_pipeline() { [ "$(pipeline)" = "$planted" ]; }

# Another bridge, entries and a group as OVN might have them, and rows of other people.
plant() {
    vsctl add-br br-ext -- set Bridge br-ext datapath_type=netdev \
        -- --id=@m create Manager 'target="ptcp:7640:127.0.0.1"' external_ids:of=others \
        -- add Open_vSwitch . manager_options @m \
        -- --id=@c create Controller 'target="ptcp:7653:127.0.0.1"' type=service \
        -- add Bridge br-int controller @c -- set Bridge br-int fail_mode=secure || exit 1
    plant_flows
}
plant_flows() {
    ovs-ofctl -O OpenFlow15 del-groups br-int # and the entries that use them
    ovs-ofctl -O OpenFlow15 del-flows br-int
    ovs-ofctl -O OpenFlow15 add-group br-int group_id=7,type=select,bucket=actions=drop
    for flow in 'table=0,priority=100,in_port=1 actions=load:3->OXM_OF_METADATA[],resubmit(,8)' \
        'table=8,priority=50,metadata=0x3 actions=group:7' \
        'cookie=0xabc,table=65,priority=100,reg15=0x1,metadata=0x3 actions=output:1'; do
        ovs-ofctl -O OpenFlow15 add-flow br-int "$flow" || exit 1
    done
    planted=$(pipeline)
}
# What ovs-vsctl has written to the database so far, by any hand.
transactions() { ovsdb-tool show-log "$dir/conf.db" | grep -c ovs-vsctl; }
wrote() { [ $(($(transactions) - before_transactions)) -eq "$1" ]; } # HOW OFTEN

marked() { vsctl -f csv -d bare --no-headings --columns=target find "$1" "$mark"; } # TABLE
rows_are() { # MANAGER CONTROLLER: the targets of our rows
    [ "$(marked Manager)" = "$1" ] && [ "$(marked Controller)" = "$2" ]
}
no_rows() { rows_are '' ''; }
of_target() { vsctl -d bare --no-headings --columns=_uuid find Controller "target=\"$1\""; }
row() { vsctl -d bare --no-headings --columns="$2" find "$1" "$mark"; } # TABLE COLUMN
row_has() { [ "$(row "$1" "$2")" = "$3" ]; } # TABLE COLUMN VALUE
nobody_at() { # ADDRESS:PORT...
    for at in "$@"; do
        within ss -Hltn | grep -qF " $at " && return 1
    done
    return 0
}
database_at() { # ADDRESS:PORT
    within ovs-vsctl --timeout=5 --db="tcp:$1" get Open_vSwitch . _uuid >/dev/null 2>&1
}
bridge_at() { within ovs-ofctl -O OpenFlow13 --timeout=5 show "tcp:$1" >/dev/null 2>&1; }
not() { ! "$@"; }

test_listen_usage() {
    for address in '' 10.1 10.1.2.3.4 10.1.2.256 010.1.2.3 10.1.2.3. node1 1::2::3 :1 12345:: \
        1:2:3:4:5:6:7:8:9 ::ffff:0:0 ::ffff:127.0.0.1 fe80::1%lo; do
        check "wrong usage: --listen '$address'" exits 2 --listen "$address"
    done
    check "... is said" says "'fe80::1%lo' is no IPv4 or IPv6 address"
    for port in '' 0 65536 066 6640x -1; do
        check "wrong usage: --ovsdb-port '$port'" exits 2 --listen 127.0.0.1 --ovsdb-port "$port"
    done
    check "wrong usage: --openflow-port" exits 2 --listen 127.0.0.1 --openflow-port=openflow
    check "wrong usage: one port for both" exits 2 --listen ::1 --ovsdb-port 6653
    check "wrong usage: a port and no --listen" exits 2 --ovsdb-port 6640
    check "wrong usage: --insecure and no --listen" exits 2 --insecure
    check "wrong usage: --listen with --undo" exits 2 --listen 127.0.0.1 --undo
}

refuses_to_listen() { # REASON ARGUMENT...
    reason=$1
    shift
    before=$(everything)
    check "refuses: $*" exits 3 "$@"
    check "... and says why" says "$reason"
    check "... and changes nothing" unchanged
}

test_listen_refusals() {
    unencrypted="whoever reaches the ports of"
    refuses_to_listen "$unencrypted 10.5.0.1 controls the switch" --listen 10.5.0.1
    refuses_to_listen "$unencrypted fd00:5::1 controls" --listen fd00:5::1
    refuses_to_listen "$unencrypted 10.5.0.1 controls" --listen 10.5.0.1 --force
    refuses_to_listen "0.0.0.0 is every address of the node" --listen 0.0.0.0 --insecure
    refuses_to_listen ":: is every address of the node" --listen '[0::0]' --insecure
    refuses_to_listen "$unencrypted 0.0.0.0 controls" --listen 0.0.0.0 --force
}

test_listen() {
    check "dry run" exits 0 --listen 10.5.0.1 --insecure --dry-run
    check "... says what would be done" says 'create Manager target="ptcp:6640:10.5.0.1"'
    check "... and changes nothing" no_rows

    before=$(everything)
    attach
    before_transactions=$(transactions)
    check "listens" exits 0 --listen 10.5.0.1 --insecure
    check "... by one transaction" wrote 1
    check "... with our rows" rows_are ptcp:6640:10.5.0.1 ptcp:6653:10.5.0.1
    check "... the Controller a service" row_has Controller type service
    check "... out of band" row_has Controller connection_mode out-of-band
    check "... and the Manager" row_has Manager connection_mode out-of-band
    check "... so that the database answers" database_at 10.5.0.1:6640
    check "... and the bridge" bridge_at 10.5.0.1:6653
    check "... and neither at another address" nobody_at 127.0.0.1:6640 127.0.0.1:6653 0.0.0.0:6640
    check "... and other people's still do" \
        eval "database_at 127.0.0.1:7640 && bridge_at 127.0.0.1:7653"
    check "... and all entries are as they were" same_pipeline

    with=$(everything)
    before_transactions=$(transactions)
    check "listens twice" exits 0 --listen=10.5.0.1 --insecure
    check "... and writes nothing" wrote 0
    check "without --listen" exits 0
    check "... leaves the rows" eval '[ "$(everything)" = "$with" ]'
    uuid=$(row Controller _uuid)
    check "another database port" exits 0 --listen 10.5.0.1 --insecure --ovsdb-port 6641
    check "... replaces the Manager" rows_are ptcp:6641:10.5.0.1 ptcp:6653:10.5.0.1
    check "... by one transaction" wrote 1
    check "... and not the Controller" row_has Controller _uuid "$uuid"
    check "... and nobody answers at the old port" nobody_at 10.5.0.1:6640
    before_transactions=$(transactions)
    check "another address" exits 0 --listen 127.0.0.1
    check "... replaces both" rows_are ptcp:6640:127.0.0.1 ptcp:6653:127.0.0.1
    check "... by one transaction" wrote 1
    check "... and all entries are as they were" same_pipeline

    dry_before=$(everything)
    check "dry run of undo" exits 0 --undo --dry-run
    check "... says what would be done" says "remove Bridge br-int controller"
    check "... and changes nothing" eval '[ "$(everything)" = "$dry_before" ]'
    check "undo" exits 0 --undo
    check "... leaves what was there before" wait_for unchanged
    check "... and nobody who answers" nobody_at 127.0.0.1:6640 127.0.0.1:6653
    check "... other people's rows" eval "database_at 127.0.0.1:7640 && bridge_at 127.0.0.1:7653"
    check "... and all entries" same_pipeline

    check "listens at an IPv6 address" exits 0 --listen '[0:0:0:0:0:0:0:1]'
    check "... written as usual" rows_are 'ptcp:6640:[::1]' 'ptcp:6653:[::1]'
    check "... where both answer" eval "database_at '[::1]:6640' && bridge_at '[::1]:6653'"
    for address in 0.0.0.0 10.5.0.1 :: fd00:5::1; do
        check "listens at $address" exits 0 --listen $address --insecure --force
    done
    check "... in the end at one only" rows_are 'ptcp:6640:[fd00:5::1]' 'ptcp:6653:[fd00:5::1]'
    check "... where both answer" \
        eval "database_at '[fd00:5::1]:6640' && bridge_at '[fd00:5::1]:6653'"
    check "... and all entries are as they were" same_pipeline
    attach --undo

    attach --listen 127.0.0.1
    vsctl del-port br-int mirror0
    check "undo when the mirror port has gone" exits 0 --undo
    check "... takes the rows" no_rows
    vsctl add-port br-int mirror0 -- set Interface mirror0 type=internal
    attach --listen 127.0.0.1
    check "undo when the mirror port is not ours" exits 0 --undo
    check "... takes the rows" no_rows
    check "... and leaves the port" is_port mirror0
    vsctl del-port br-int mirror0
    wait_for no_link mirror0
}

# What the tests above compare does change when a controller is added as it must not be.
test_comparison() {
    vsctl set-controller br-ext tcp:10.5.0.2:6653
    check "a controller in band shows in the entries" not same_pipeline
    vsctl del-controller br-ext
    plant_flows
    vsctl -- --id=@c create Controller 'target="ptcp:6653:127.0.0.1"' type=primary \
        -- add Bridge br-int controller @c
    check "a primary controller does" not same_pipeline
    vsctl remove Bridge br-int controller "$(of_target ptcp:6653:127.0.0.1)"
    plant_flows
}

test_listen_beside_others() {
    vsctl -- --id=@m create Manager 'target="ptcp:6640:127.0.0.1"' \
        -- add Open_vSwitch . manager_options @m \
        -- --id=@c create Controller 'target="ptcp:6653:127.0.0.1"' \
        -- add Bridge br-int controller @c
    before=$(everything)
    check "somebody else listens already" exits 0 --listen 127.0.0.1
    check "... which is said of the Manager" says "somebody else's Manager ptcp:6640:127.0.0.1"
    check "... and the Controller" says "somebody else's Controller ptcp:6653:127.0.0.1"
    check "... who is not marked" no_rows
    check "... and not undone" exits 0 --undo
    check "... nor changed" wait_for unchanged
    vsctl set Controller "$(of_target ptcp:6653:127.0.0.1)" target='"ptcp:6653"' \
        -- set Manager ptcp:6640:127.0.0.1 target='"ptcp:6640:0.0.0.0"'
    check "somebody else listens at every address" exits 0 --listen 10.5.0.1 --insecure
    check "... which will do" no_rows

    # Of another bridge, or an address of somewhere else.
    vsctl clear Open_vSwitch . manager_options -- clear Bridge br-int controller \
        -- --id=@c create Controller 'target="ptcp:6653:127.0.0.1"' \
        -- add Bridge br-ext controller @c
    check "another bridge has the port" exits 1 --listen 127.0.0.1
    check "... which is said" says "br-int does not answer at tcp:127.0.0.1:6653"
    check "... and our rows are taken back" no_rows
    check "... and the other bridge keeps it" bridge_at 127.0.0.1:6653
    vsctl clear Bridge br-ext controller
    check "no address of this machine" exits 1 --listen 10.99.0.1 --insecure
    check "... of the database is said" says "the database does not answer at tcp:10.99.0.1:6640"
    check "... and of the bridge" says "br-int does not answer at tcp:10.99.0.1:6653"
    check "... and our rows are taken back" no_rows
    attach --listen 127.0.0.1
    check "no address of this machine, after one" exits 1 --listen 10.99.0.1 --insecure
    check "... our former rows are back" rows_are ptcp:6640:127.0.0.1 ptcp:6653:127.0.0.1
    check "... and answer" eval "database_at 127.0.0.1:6640 && bridge_at 127.0.0.1:6653"
    check "... and all entries are as they were" same_pipeline
    attach --undo

    vsctl -- --id=@c create Controller 'target="ptcp:6653:127.0.0.1"' type=primary \
        -- add Bridge br-int controller @c
    refuses_to_listen "is a primary Controller of br-int already" --listen 127.0.0.1
    refuses_to_listen "is a primary Controller of br-int already" --listen 127.0.0.1 --force
    vsctl set Controller "$(of_target ptcp:6653:127.0.0.1)" "$mark"
    refuses_to_listen "is a primary Controller of br-int already" --listen 127.0.0.1
    check "undo leaves a primary Controller, although it has our mark" exits 0 --undo
    check "... where it is" row_has Controller type primary
    vsctl clear Bridge br-int controller
    plant_flows
}

# A database of before Open vSwitch 2.12, as far as it matters.
test_old_schema() {
    sed '/"Controller": {/,/"target"/{
            /"type": {$/,/"max": 1}},/d
        }' "$schema" >"$dir/old.ovsschema"
    ovsdb-tool create "$dir/old.db" "$dir/old.ovsschema" || exit 1
    ovsdb-server "$dir/old.db" --remote="punix:$dir/old.sock" --unixctl="$dir/old.ctl" --no-chdir \
        -vconsole:off -vsyslog:off &
    old=$!
    wait_for test -S "$dir/old.ctl"
    ovs-vsctl --db="unix:$dir/old.sock" --no-wait init -- add-br br-int
    check "no Controller.type in the database" exits 3 --db "unix:$dir/old.sock" --listen 127.0.0.1
    check "... is why it refuses" says "cannot tell a service Controller from a primary one"
    check "... without a Controller" \
        test -z "$(ovs-vsctl --db="unix:$dir/old.sock" --columns=_uuid list Controller 2>/dev/null)"
    end "$old"
    old=
}

test_listen_too_early() {
    attach
    vsctl set Open_vSwitch . other_config:flow-restore-wait=true
    check "while flows are restored" exits 1 --listen 127.0.0.1
    check "... it cannot be checked" says "br-int does not listen yet"
    check "... but the rows are there" rows_are ptcp:6640:127.0.0.1 ptcp:6653:127.0.0.1
    vsctl remove Open_vSwitch . other_config flow-restore-wait
    check "... and after it all is well" exits 0 --listen 127.0.0.1
    check "... and answers" bridge_at 127.0.0.1:6653
    end "$vswitchd"
    check "without ovs-vswitchd" exits 1 --listen ::1
    check "... it cannot be checked" says "br-int does not listen yet"
    check "... but the rows are there" rows_are 'ptcp:6640:[::1]' 'ptcp:6653:[::1]'
}

end_watch() {
    kill "$watcher"
    wait "$watcher"
    watcher=
}

test_listen_watch() {
    recheck=1
    watch_attach --listen ::1
    check "watch: without ovs-vswitchd it waits" wait_for says "br-int does not listen yet"
    start_vswitchd
    check "watch: its port comes with it" wait_for usable
    check "watch: and it listens" wait_for bridge_at '[::1]:6653'
    check "watch: which is said" wait_for says "br-int listens at ptcp:6653:[::1]"
    end_watch
    check "watch: leaves the rows" rows_are 'ptcp:6640:[::1]' 'ptcp:6653:[::1]'

    watch_attach --listen 10.5.0.1 --insecure
    check "watch: at another address" wait_for says "br-int at ptcp:6653:10.5.0.1"
    end "$vswitchd"
    within ip address del 10.5.0.1/24 dev node0
    start_vswitchd
    check "watch: without the address nobody listens" \
        wait_for says "br-int does not answer at tcp:10.5.0.1:6653"
    check "... indeed" nobody_at 10.5.0.1:6653
    within ip address add 10.5.0.1/24 dev node0
    check "watch: when it comes the bridge listens" wait_for bridge_at 10.5.0.1:6653
    check "watch: which is said" wait_for says "br-int listens at ptcp:6653:10.5.0.1"
    end_watch

    attach --listen ::1
    end "$vswitchd"
    vsctl --no-wait del-port br-int mirror0
    check "undo without ovs-vswitchd" exits 0 --undo
    check "... takes the rows" no_rows
    start_vswitchd
    check "... for good" wait_for nobody_at '[::1]:6653'
    attach --listen ::1
    vsctl del-br br-int
    check "undo when the bridge has gone" exits 1 --undo
    check "... closes the database" no_rows
    check "... which is said" says "removed ptcp:6640:[::1]"
}
