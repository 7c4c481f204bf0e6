# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC2154 # the variables of attach, which reads this file
#
# The row of the table SSL, of which Open vSwitch has one for all, and the ports that it is for. It
# is added where there is none, and somebody else's stays as it is.

ssl_added=false # in this run

ssl_row() { vsctl get Open_vSwitch . ssl | tr -d '[]'; }

ssl_is_ours() { # UUID
    so_mark=$(vsctl --if-exists get SSL "$1" "external_ids:$MARK" 2>/dev/null | tr -d '"')
    [ "$so_mark" = "$MARK_VALUE" ]
}

# As the options are written.
ssl_files() { # UUID
    for sf_column in private_key certificate ca_cert; do
        vsctl get SSL "$1" "$sf_column" | tr -d '"'
    done | tr '\n' ' '
}

# Whether somebody listens at the address, or at all, and this port.
listening() { # PORT
    ss -Hltn "sport = :$1" | awk -v port="$1" -v host="$host" '
        { at = substr($4, 1, length($4) - length(port) - 1); sub(/%.*/, "", at) }
        at == host || at == "*" || at == "0.0.0.0" || at == "[::]" { found = 1 }
        END { exit !found }'
}

# Who asks must have a certificate, which attach has not: more than that cannot be asked.
listens() { # PORT
    li_second=0
    until listening "$1"; do
        li_second=$((li_second + 1))
        [ "$li_second" -le 2 ] || return 1
        sleep 1
    done
}

check_tls() {
    for ct_file in $private_key $certificate $ca_certificate; do
        [ -r "$ct_file" ] && [ -s "$ct_file" ] ||
            refuse_always "$ct_file cannot be read, or is empty" "ls -l $ct_file"
    done
    ct_row=$(ssl_row)
    if [ -z "$ct_row" ]; then
        [ -n "$private_key" ] ||
            refuse_always "Open vSwitch has no key and no certificate, and none is named: \
--private-key, --certificate, --ca-certificate" "ovs-vsctl get-ssl"
    elif ! ssl_is_ours "$ct_row" && [ -n "$private_key" ] &&
        [ "$(ssl_files "$ct_row")" != "$private_key $certificate $ca_certificate " ]; then
        refuse_always "Open vSwitch has a key and a certificate of somebody else's, which would \
count for these ports; without --private-key, --certificate and --ca-certificate they do" \
            "ovs-vsctl get-ssl"
    fi
    # The rows that are there already have the ports, if they are ours or may take their place.
    for ct_port in "$ovsdb_port" "$openflow_port"; do
        case $(listeners Manager; listeners Controller) in
            *":$ct_port:"* | *":$ct_port") ;;
            *)
                ! listening "$ct_port" ||
                    refuse_always "somebody else listens at port $ct_port" \
                        "ss -ltnp 'sport = :$ct_port'"
                ;;
        esac
    done
}

add_ssl() {
    as_row=$(ssl_row)
    if [ -z "$as_row" ]; then
        # "add" fails if somebody was faster: there is room for one.
        as_said=$(run vsctl --no-wait -- --id=@ssl create SSL "private_key=\"$private_key\"" \
            "certificate=\"$certificate\"" "ca_cert=\"$ca_certificate\"" \
            "external_ids:$MARK=$MARK_VALUE" -- add Open_vSwitch . ssl @ssl) || return 1
        ! $dry || printf '%s\n' "$as_said" # or else the row's UUID
        ssl_added=true
    elif ssl_is_ours "$as_row" && [ -n "$private_key" ] &&
        [ "$(ssl_files "$as_row")" != "$private_key $certificate $ca_certificate " ]; then
        run vsctl --no-wait set SSL "$as_row" "private_key=\"$private_key\"" \
            "certificate=\"$certificate\"" "ca_cert=\"$ca_certificate\""
    fi
}

# Whether anything but our own rows uses the key.
ssl_is_used() {
    { vsctl -f csv -d bare --no-headings --columns=target find Manager
        vsctl -f csv -d bare --no-headings --columns=target find Controller
        vsctl --if-exists get Open_vSwitch . external_ids:ovn-remote
    } 2>/dev/null | grep -q 'ssl:'
}

undo_ssl() {
    us_row=$(ssl_row)
    { [ -n "$us_row" ] && ssl_is_ours "$us_row"; } || return 0
    if ! $dry && ssl_is_used; then
        say "somebody else uses ssl: by now: key and certificate of Open vSwitch stay as they are"
        return
    fi
    run vsctl --no-wait remove Open_vSwitch . ssl "$us_row" || die "cannot take the row SSL back"
    $dry || say "removed key and certificate from Open vSwitch's database"
}
