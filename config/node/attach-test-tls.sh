# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC2154,SC2317,SC2034 # attach-test sets the variables and calls the functions
#
# The tests of --tls: ports that ask for a certificate, and the one row for all of Open vSwitch.

certify() {
    mkdir "$dir/tls" && (
        cd "$dir/tls" && ovs-pki --dir="$dir/pki" --log="$dir/pki.log" init &&
            ovs-pki --dir="$dir/pki" --log="$dir/pki.log" req+sign n1 switch &&
            ovs-pki --dir="$dir/pki" --log="$dir/pki.log" req+sign fm controller
    ) >/dev/null 2>&1 || exit 1
    key=$dir/tls/n1-privkey.pem
    cert=$dir/tls/n1-cert.pem
    ca=$dir/pki/controllerca/cacert.pem
    files="--private-key $key --certificate $cert --ca-certificate $ca"
}

# As a controller; or with the files of somebody else's.
database_by_tls() { # ADDRESS:PORT [KEY CERTIFICATE]
    within ovs-vsctl --timeout=2 --db="ssl:$1" -p "${2:-$dir/tls/fm-privkey.pem}" \
        -c "${3:-$dir/tls/fm-cert.pem}" -C "$dir/pki/switchca/cacert.pem" \
        get Open_vSwitch . _uuid >/dev/null 2>&1
}
bridge_by_tls() {
    within ovs-ofctl -O OpenFlow13 --timeout=5 show "ssl:$1" -p "${2:-$dir/tls/fm-privkey.pem}" \
        -c "${3:-$dir/tls/fm-cert.pem}" -C "$dir/pki/switchca/cacert.pem" >/dev/null 2>&1
}
ssl_is() { # PRIVATE-KEY MARK
    [ "$(vsctl --bare --columns=private_key,external_ids list SSL | tr '\n' ' ')" = "$1 $2 " ]
}
no_ssl() { [ "$(vsctl get Open_vSwitch . ssl)" = '[]' ]; }

test_tls_usage() {
    check "wrong usage: --tls and no --listen" exits 2 --tls
    check "wrong usage: --tls and --insecure" exits 2 --listen 127.0.0.1 --tls --insecure
    check "wrong usage: files without --tls" exits 2 --listen 127.0.0.1 --private-key /k
    check "wrong usage: a key alone" exits 2 --listen 127.0.0.1 --tls --private-key /k
    check "wrong usage: a relative path" exits 2 --listen 127.0.0.1 --tls --private-key k.pem
    check "wrong usage: a path with odd characters" \
        exits 2 --listen 127.0.0.1 --tls --private-key '/a b'
    refuses_to_listen "Open vSwitch has no key and no certificate" --listen 10.5.0.1 --tls
    refuses_to_listen "/none.pem cannot be read" --listen 10.5.0.1 --tls --force \
        --private-key /none.pem --certificate "$cert" --ca-certificate "$ca"
}

# shellcheck disable=SC2086 # $files is several words
test_tls() {
    certify
    plant
    nic node0
    within ip link set dev node0 up
    within ip address add 10.5.0.1/24 dev node0
    test_tls_usage

    attach
    before=$(everything)
    check "tls: dry run" exits 0 --listen 10.5.0.1 --tls $files --dry-run
    check "... says what would be done" says "create SSL private_key=\"$key\""
    check "... and changes nothing" unchanged
    check "tls: listens" exits 0 --listen 10.5.0.1 --tls $files
    check "... with our rows" rows_are pssl:6640:10.5.0.1 pssl:6653:10.5.0.1
    check "... the Controller a service" row_has Controller type service
    check "... out of band" row_has Controller connection_mode out-of-band
    check "... and our key" ssl_is "$key" flowmirror=attach
    check "... so that the database answers a controller" database_by_tls 10.5.0.1:6640
    check "... and the bridge" bridge_by_tls 10.5.0.1:6653
    check "... and neither without a certificate" \
        eval "not database_at 10.5.0.1:6640 && not bridge_at 10.5.0.1:6653"
    check "... nor another node" \
        eval "not database_by_tls 10.5.0.1:6640 $key $cert &&
            not bridge_by_tls 10.5.0.1:6653 $key $cert"
    check "... and all entries are as they were" same_pipeline
    with=$(everything)
    check "tls: listens twice" exits 0 --listen 10.5.0.1 --tls $files
    check "... and without naming the files" exits 0 --listen 10.5.0.1 --tls
    check "... which changes nothing" eval '[ "$(everything)" = "$with" ]'

    cp "$key" "$dir/tls/new.pem"
    check "tls: other files" exits 0 --listen 10.5.0.1 --tls \
        --private-key "$dir/tls/new.pem" --certificate "$cert" --ca-certificate "$ca"
    check "... replace ours" ssl_is "$dir/tls/new.pem" flowmirror=attach
    check "tls: from TLS to none, at the same ports" exits 0 --listen 10.5.0.1 --insecure
    check "... replaces the rows" rows_are ptcp:6640:10.5.0.1 ptcp:6653:10.5.0.1
    check "... which answer" eval "database_at 10.5.0.1:6640 && bridge_at 10.5.0.1:6653"
    check "... and takes the key back" no_ssl
    check "tls: and back to TLS" exits 0 --listen 10.5.0.1 --tls $files
    check "... which answers" eval "database_by_tls 10.5.0.1:6640 && bridge_by_tls 10.5.0.1:6653"
    check "... and all entries are as they were" same_pipeline
    check "tls: undo" exits 0 --undo
    check "... leaves what was there before" no_rows
    check "... of keys, too" no_ssl
    check "... and nobody who answers" nobody_at 10.5.0.1:6640 10.5.0.1:6653
    check "... and all entries" same_pipeline

    check "tls: no address of this machine" exits 1 --listen 10.99.0.1 --tls $files
    check "... is said" says "the database does not answer at ssl:10.99.0.1:6640"
    check "... and everything is taken back" eval "no_rows && no_ssl"
    ip netns exec "$ns" socat TCP-LISTEN:6640,bind=10.5.0.1,reuseaddr,fork PIPE &
    old=$!
    wait_for not nobody_at 10.5.0.1:6640
    refuses_to_listen "somebody else listens at port 6640" --listen 10.5.0.1 --tls $files
    end "$old"
    old=

    attach --listen 10.5.0.1 --tls $files
    vsctl -- --id=@m create Manager 'target="ssl:10.5.0.9:6640"' \
        -- add Open_vSwitch . manager_options @m >/dev/null
    check "tls: undo when somebody else uses the key" exits 0 --undo
    check "... leaves it" ssl_is "$key" flowmirror=attach
    check "... and says so" says "somebody else uses ssl: by now"
    vsctl remove Open_vSwitch . manager_options \
        "$(vsctl --bare --columns=_uuid find Manager 'target="ssl:10.5.0.9:6640"')"
    check "... undo once more" exits 0 --undo
    check "... takes it" no_ssl

    vsctl set-ssl "$key" "$cert" "$ca"
    before=$(everything)
    refuses_to_listen "a key and a certificate of somebody else's" --listen 10.5.0.1 --tls \
        --private-key "$dir/tls/new.pem" --certificate "$cert" --ca-certificate "$ca"
    check "tls: with somebody else's key" exits 0 --listen 10.5.0.1 --tls
    check "... listens" eval "database_by_tls 10.5.0.1:6640 && bridge_by_tls 10.5.0.1:6653"
    check "... and does not mark it" ssl_is "$key" ''
    check "... nor take it back" exits 0 --undo
    check "... nor change it" wait_for unchanged
}
