# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC2154,SC2034 # attach, which reads this file, has the variables
#
# The two rows by which a controller on another machine dials this node: a Manager for the database,
# a Controller of type service for the bridge. Rows are added to sets and taken off them, never set.

ANSWER=5 # seconds that a port has for its answer

# ---- the address ------------------------------------------------------------

# IPv4 as it is, IPv6 as RFC 5952 writes it, so that one address has one target; fails if it is
# neither.
canonical_address() { # ADDRESS
    case $1 in
        *[!0-9A-Fa-f:.]*) return 1 ;;
    esac
    awk -v address="$1" 'BEGIN {
        if (address ~ /^[0-9.]*$/) {
            n = split(address, part, ".")
            for (i = 1; i <= n; i++)
                if (part[i] !~ /^(0|[1-9][0-9]?[0-9]?)$/ || part[i] > 255) exit 1
            if (n != 4) exit 1
            print address
            exit
        }
        halves = split(tolower(address), half, "::")
        left = split(half[1], part, ":")
        right = split(half[2], tail, ":")
        if (halves > 2 || (halves == 2 ? left + right > 7 : left != 8)) exit 1
        for (i = left + 1; i <= 8; i++)
            part[i] = i > 8 - right ? tail[i - 8 + right] : "0"
        longest = 1 # a single zero is written out
        for (i = 1; i <= 8; i++) {
            if (part[i] !~ /^[0-9a-f][0-9a-f]?[0-9a-f]?[0-9a-f]?$/) exit 1
            sub(/^0+/, "", part[i])
            zeros = part[i] == "" ? zeros + 1 : 0
            if (zeros > longest) { longest = zeros; last = i }
            if (i == 6 && part[6] == "ffff" && longest == 5) exit 1 # IPv4 in disguise
        }
        for (i = 1; i <= 8; i++) {
            if (last && i == last - longest + 1) { text = text "::"; i = last; continue }
            text = text (i == 1 || text ~ /::$/ ? "" : ":") (part[i] == "" ? "0" : part[i])
        }
        print text
    }'
}

is_port_number() {
    case $1 in
        '' | 0* | *[!0-9]* | ??????*) return 1 ;;
    esac
    [ "$1" -le 65535 ]
}

# From the options: the rows' targets, and where to try them.
set_targets() {
    case $listen in
        *:*) host=[$listen] every=[::] here=[::1] ;;
        *) host=$listen every=0.0.0.0 here=127.0.0.1 ;;
    esac
    [ "$host" = "$every" ] || here=$host
    ovsdb_port=${ovsdb_port:-6640} openflow_port=${openflow_port:-6653}
    [ "$ovsdb_port" != "$openflow_port" ] || bad_usage "the two ports are the same"
    if $tls; then kind=ssl; else kind=tcp; fi
    manager=p$kind:$ovsdb_port:$host
    controller=p$kind:$openflow_port:$host
}

is_loopback() {
    case $listen in
        127.* | ::1) return 0 ;;
    esac
    return 1
}

# ---- the rows ---------------------------------------------------------------

# Of each Manager, or each Controller of the bridge, a line: UUID, ours or theirs, type, target.
listeners() { # TABLE
    ls_columns=_uuid,target
    case $1 in
        Manager) ls_set=$(vsctl get Open_vSwitch . manager_options) ;;
        Controller)
            ls_set=$(vsctl --if-exists get Bridge "$bridge" controller 2>/dev/null)
            ls_columns=$ls_columns,type
            ;;
    esac
    ls_marked=$(vsctl --columns=_uuid find "$1" "external_ids:$MARK=$MARK_VALUE")
    vsctl -f csv -d bare --no-headings --columns="$ls_columns" find "$1" |
        while IFS=, read -r uuid target type; do
            case $ls_set in
                *"$uuid"*) ;;
                *) continue ;; # another bridge's
            esac
            # If nothing is said, Open vSwitch takes a passive one for a service.
            [ -n "$type" ] || case $target in
                p*) type=passive ;;
                *) type=primary ;;
            esac
            owner=theirs
            case $type:$ls_marked in
                # What somebody made a primary is not ours any more: if it went, so would all flows.
                primary:*) ;;
                *"$uuid"*) owner=ours ;;
            esac
            printf '%s %s %s %s\n' "$uuid" "$owner" "$type" "$target"
        done
}

# Filters of such lines.
ours() { awk '$2 == "ours"'; }
ours_with() { awk -v target="$1" '$2 == "ours" && $4 == target'; }
ours_without() { awk -v target="$1" '$2 == "ours" && $4 != target'; }
# What has the port of a target already; somebody's row for every address has it, too.
taken() { # ptcp:PORT:ADDRESS, pssl:PORT:ADDRESS
    awk -v target="$1" -v every="${1%"$host"}$every" '
        $4 == target || $2 == "theirs" && ($4 == every || $4 ":0.0.0.0" == every)'
}

# One transaction that takes rows off the sets, which deletes them, and adds new ones. Sets followed
# to whether ovs-vswitchd has taken it up.
change_rows() { # LINES OF MANAGERS, LINES OF CONTROLLERS, NEW MANAGERS' TARGETS, NEW CONTROLLERS'
    cr_managers=$1 cr_controllers=$2 cr_new_managers=$3 cr_new_controllers=$4
    if [ -n "$cr_controllers" ] && [ -n "$cr_new_controllers" ]; then
        # ovs-vswitchd opens the new socket before it closes the old one, and the two collide if one
        # has every address, or if they differ in TLS only.
        case $cr_controllers$cr_new_controllers in
            *:0.0.0.0* | *:\[::\]* | *ptcp:*pssl:* | *pssl:*ptcp:*)
                change_rows '' "$2" '' '' && change_rows "$1" '' "$3" "$4"
                return
                ;;
        esac
    fi
    cr_number=0
    set --
    for uuid in $(printf '%s\n' "$cr_managers" | cut -d' ' -f1); do
        set -- "$@" -- remove Open_vSwitch . manager_options "$uuid"
    done
    for uuid in $(printf '%s\n' "$cr_controllers" | cut -d' ' -f1); do
        set -- "$@" -- remove Bridge "$bridge" controller "$uuid"
    done
    for target in $cr_new_managers; do
        cr_number=$((cr_number + 1))
        set -- "$@" -- "--id=@new$cr_number" create Manager "target=\"$target\"" \
            connection_mode=out-of-band "external_ids:$MARK=$MARK_VALUE" \
            -- add Open_vSwitch . manager_options "@new$cr_number"
    done
    for target in $cr_new_controllers; do
        cr_number=$((cr_number + 1))
        set -- "$@" -- "--id=@new$cr_number" create Controller "target=\"$target\"" type=service \
            connection_mode=out-of-band "external_ids:$MARK=$MARK_VALUE" \
            -- add Bridge "$bridge" controller "@new$cr_number"
    done
    if $dry; then
        run vsctl "$@"
        return
    fi
    followed=false
    cr_error=$(vsctl "$@" 2>&1 >/dev/null)
    case $? in
        0) followed=true ;;
        # The database has it, as a rule; ovs-vsctl waited for ovs-vswitchd.
        12[89] | 1[3-9]? | 2??) ;;
        *) warn "$cr_error"; return 1 ;;
    esac
}

# ---- whether they answer ----------------------------------------------------

# It is this database that answers there, not another machine's or another program.
database_answers() {
    if $tls; then
        listens "$ovsdb_port"
        return
    fi
    da_id=$(vsctl get Open_vSwitch . _uuid)
    [ -n "$da_id" ] && [ "$(ovs-vsctl "--timeout=$ANSWER" "--db=tcp:$here:$ovsdb_port" \
        get Open_vSwitch . _uuid 2>/dev/null)" = "$da_id" ]
}

# The same of the bridge.
bridge_answers() {
    if $tls; then
        listens "$openflow_port"
        return
    fi
    ba_id=$(vsctl get Bridge "$bridge" datapath_id | tr -d '"')
    [ -n "$ba_id" ] || return 1
    case $(ovs-ofctl -O OpenFlow13 "--timeout=$ANSWER" \
        show "tcp:$here:$openflow_port" 2>/dev/null) in
        *"dpid:$ba_id"*) return 0 ;;
    esac
    return 1
}

# While ovs-vswitchd does not run, or has its flows restored, nobody listens for a Controller.
switch_is_ready() {
    case $(vsctl --if-exists get Open_vSwitch . other_config:flow-restore-wait) in
        *true*) return 1 ;;
    esac
    $followed || ovs-ofctl -O OpenFlow13 "--timeout=$ANSWER" show "$bridge" >/dev/null 2>&1
}

# ---- doing and undoing ------------------------------------------------------

pending=false # the rows are there, but the bridge cannot answer yet
silent=false  # it has been said that it does not answer

# ovs-vswitchd tries to listen when the database changes, and not again: if the address came after
# it, it has to be told. It does not look at external_ids, but at what ovs-vsctl does to wait for it.
tell_switch() {
    [ -n "$(ip -o address show to "$listen" 2>/dev/null)" ] || return 0
    for ts_row in $(listeners Controller | ours_with "$controller" | cut -d' ' -f1); do
        vsctl set Controller "$ts_row" "external_ids:$MARK-tried=$(date +%s)"
    done
}

listen() {
    followed=false
    li_managers=$(listeners Manager)
    li_controllers=$(listeners Controller)
    li_old_managers=$(printf '%s\n' "$li_managers" | ours_without "$manager")
    li_old_controllers=$(printf '%s\n' "$li_controllers" | ours_without "$controller")
    li_manager=$(printf '%s\n' "$li_managers" | taken "$manager")
    li_controller=$(printf '%s\n' "$li_controllers" | taken "$controller")
    li_new_manager=$manager li_new_controller=$controller
    [ -z "$li_manager" ] || li_new_manager=
    [ -z "$li_controller" ] || li_new_controller=
    case $li_manager in
        *' theirs '*) say "somebody else's Manager ${li_manager##* } is there: it stays as it is" ;;
    esac
    case $li_controller in
        *' theirs '*)
            say "somebody else's Controller ${li_controller##* } is there: it stays as it is"
            ;;
    esac
    li_changed=$li_old_managers$li_old_controllers$li_new_manager$li_new_controller
    if $tls; then add_ssl || die "cannot add the row for the certificates"; fi
    if [ -n "$li_changed" ]; then
        change_rows "$li_old_managers" "$li_old_controllers" \
            "$li_new_manager" "$li_new_controller" || die "cannot add the rows for $listen"
    fi
    $dry && return
    li_wrong=
    database_answers ||
        li_wrong="the database does not answer at $kind:$here:$ovsdb_port"
    case $(listeners Controller | taken "$controller") in
        *' ours service '* | *' theirs '*) ;;
        *) li_wrong="${li_wrong:+$li_wrong; }the Controller $controller has not become a service" ;;
    esac
    if ! switch_is_ready; then
        pending=true
    elif ! bridge_answers && { tell_switch; ! bridge_answers; }; then
        li_wrong="${li_wrong:+$li_wrong; }$bridge does not answer at $kind:$here:$openflow_port"
    fi
    if [ -n "$li_wrong" ]; then
        warn "$li_wrong (is the address this machine's, and the port free? \
see: ip address; ss -ltn)"
        if [ -z "$li_changed" ]; then
            [ "$action" = watch ] || exit 1
            # It may come: an address that is later than Open vSwitch, for one.
            silent=true
            return 0
        fi
        li_added_managers=$(listeners Manager | ours_with "$li_new_manager")
        li_added_controllers=$(listeners Controller | ours_with "$li_new_controller")
        change_rows "$li_added_managers" "$li_added_controllers" \
            "$(printf '%s\n' "$li_old_managers" | cut -d' ' -f4)" \
            "$(printf '%s\n' "$li_old_controllers" | cut -d' ' -f4)"
        ! $ssl_added || undo_ssl
        die "took the rows for $listen back"
    fi
    $tls || undo_ssl
    [ -z "$li_changed" ] || say "the database listens at $manager, $bridge at $controller"
    ! $pending || warn "ovs-vswitchd does not run or restores flows: $bridge does not listen yet"
}

MAX_TOLD=5 # each time ovs-vswitchd reads its whole configuration again
told=0

# For --watch.
listen_again() {
    followed=false
    if [ -z "$listen" ] || ! switch_is_ready; then return; fi
    if bridge_answers; then
        ! $pending && ! $silent || say "$bridge listens at $controller"
        pending=false silent=false told=0
        return
    fi
    $silent || warn "$bridge does not answer at $kind:$here:$openflow_port; will try again"
    silent=true
    if [ -z "$(ip -o address show to "$listen" 2>/dev/null)" ]; then
        told=0
    elif [ "$told" -lt "$MAX_TOLD" ]; then
        told=$((told + 1))
        tell_switch
    fi
}

undo_listen() {
    # What cannot be asked is not gone.
    vsctl show >/dev/null || die "the OVS database does not answer"
    ul_managers=$(listeners Manager | ours)
    ul_controllers=$(listeners Controller | ours)
    if [ -z "$ul_managers$ul_controllers" ]; then
        undo_ssl
        return
    fi
    change_rows "$ul_managers" "$ul_controllers" '' '' || die "cannot take the rows back"
    # shellcheck disable=SC2046 # words
    $dry || say removed $(printf '%s\n' "$ul_managers" "$ul_controllers" | cut -d' ' -f4)
    undo_ssl
}
