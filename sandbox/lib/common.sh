# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Names, paths, waiting and process control. Sourced by ../sandbox.

POD_MTU=1400          # Geneve over IPv4 costs 58 bytes of an underlay's 1500
UNDERLAY_NET=172.30.0 # node i has .(10+i) on br-phy
MGMT_NET=172.31.0     # node i has .(10+i) on mgmt, central .1; OVS has no part in it

say() { printf '%s\n' "$*" >&2; }
die() { printf 'sandbox: %s\n' "$*" >&2; exit 1; }

# ---- names and paths --------------------------------------------------------

set_names() {
    [[ $PREFIX =~ ^[a-z][a-z0-9]{0,9}$ ]] ||
        die "prefix '$PREFIX': a small letter, then at most 9 letters or digits"
    [[ $STATE =~ ^/[A-Za-z0-9_./-]*[A-Za-z0-9_]/?$ ]] ||
        die "state folder '$STATE': an absolute path of letters, digits, and _ . - is needed"
    STATE=${STATE%/}
    # A unix socket's path holds 107 characters; this is the longest one made.
    local longest=$STATE/central/run/ovn-controller.4194304.ctl
    ((${#longest} <= 107)) ||
        die "state folder '$STATE' is $((${#longest} - 107)) characters too long for unix sockets"
    CENTRAL_NS=$PREFIX-central
    NB_SOCK=$STATE/central/run/ovnnb_db.sock
    SB_SOCK=$STATE/central/run/ovnsb_db.sock
    OWNER_FILE=$BASE/$PREFIX.owner
}

node_ns() { printf '%s-%s' "$PREFIX" "$1"; }
sink_ns() { printf '%s-s-%s' "$PREFIX" "$1"; } # far ends of a node's dummy ports
run_dir() { printf '%s/%s/run' "$STATE" "$1"; }
log_of() { # NODE DAEMON
    printf '%s/%s/log/%s.log' "$STATE" "$1" "$2"
}
pidfile_of() { printf '%s/%s/run/%s.pid' "$STATE" "$1" "$2"; }

# Values of STATE/conf, one key=value a line.
load_conf() {
    NODES=0 ENCAP=geneve
    [[ -f $STATE/conf ]] || return 1
    local k v
    while IFS='=' read -r k v; do
        case $k in
            prefix) [[ $v == "$PREFIX" ]] || die "$STATE belongs to a sandbox with prefix '$v'" ;;
            nodes) NODES=$v ;;
            encap) ENCAP=$v ;;
        esac
    done <"$STATE/conf"
}

need_up() {
    load_conf && [[ -f $STATE/complete ]] ||
        die "no sandbox '$PREFIX' is up in $STATE (run: sandbox up)"
}

node_list() { local i; for ((i = 1; i <= NODES; i++)); do printf 'n%d\n' "$i"; done; }

check_node() {
    [[ $1 =~ ^n([0-9]+)$ ]] && ((BASH_REMATCH[1] >= 1 && BASH_REMATCH[1] <= NODES)) ||
        die "no node '$1' (there are n1 to n$NODES)"
}

daemons_of() {
    if [[ $1 == central ]]; then
        printf '%s\n' ovsdb-nb ovsdb-sb ovn-northd
    else
        printf '%s\n' ovsdb-server ovs-vswitchd ovn-controller
    fi
}

# One sandbox command at a time changes the state; readers do not lock.
take_lock() {
    mkdir -p "$BASE" "$STATE" || die "cannot make $STATE"
    local file=$BASE/$PREFIX.lock
    while :; do
        exec 9>"$file"
        flock -w 120 9 || die "another sandbox command has held $file for 120 s"
        # "down" removes the file: a lock on the removed one locks nobody out.
        [[ $file -ef /proc/self/fd/9 ]] && return
        mkdir -p "$BASE" "$STATE"
    done
}

# ---- running things ---------------------------------------------------------

# The environment that makes plain ovs-* and ovn-* commands hit one node.
node_env() {
    local d=$STATE/$1
    printf '%s\0' "OVS_RUNDIR=$d/run" "OVS_LOGDIR=$d/log" "OVS_DBDIR=$d/db" \
        "OVS_SYSCONFDIR=$d/etc" "OVN_RUNDIR=$d/run" "OVN_LOGDIR=$d/log" \
        "OVN_DBDIR=$d/db" "OVN_SYSCONFDIR=$d/etc" \
        "OVN_NB_DB=unix:$NB_SOCK" "OVN_SB_DB=unix:$SB_SOCK"
}

# in_node NODE CMD...  The lock's descriptor must not reach a daemon: it would
# hold the lock for as long as it lives.
in_node() {
    local n=$1 env=()
    shift
    mapfile -d '' env < <(node_env "$n")
    ip netns exec "$(node_ns "$n")" env "${env[@]}" "$@" 9>&-
}

# The databases' clients need no network namespace: the sockets are files.
vsctl() {
    local n=$1
    shift
    ovs-vsctl --timeout=30 "--db=unix:$STATE/$n/run/db.sock" "$@"
}
nbctl() { ovn-nbctl --timeout=60 "--db=unix:$NB_SOCK" "$@"; }
sbctl() { ovn-sbctl --timeout=60 "--db=unix:$SB_SOCK" "$@"; }
ofctl() { # NODE COMMAND BRIDGE [ARGS]
    local n=$1 cmd=$2 br=$3
    shift 3
    ovs-ofctl --timeout=10 "$cmd" "unix:$STATE/$n/run/$br.mgmt" "$@"
}
appctl() { # NODE DAEMON ARGS, by the daemon's own control socket
    local n=$1 d=$2 pid
    shift 2
    pid=$(pid_of "$n" "$d") || return 1
    ovs-appctl --timeout=5 -t "$STATE/$n/run/$d.$pid.ctl" "$@"
}

# wait_for SECONDS WHAT LOG CMD...  Polls CMD until it succeeds.
wait_for() {
    local end=$((SECONDS + $1)) what=$2 log=$3
    shift 3
    until "$@" >/dev/null 2>&1; do
        if ((SECONDS > end)); then
            say "sandbox: waited in vain for $what; see $log"
            return 1
        fi
        sleep 0.05
    done
}

# ---- processes --------------------------------------------------------------

# Is PID alive, no zombie, and the daemon with this pid file? A number alone
# proves nothing: it may have been given to somebody else's process since.
is_daemon() { # PID PIDFILE
    local args=() a
    mapfile -d '' args <"/proc/$1/cmdline" || return 1
    for a in "${args[@]}"; do # a zombie has no arguments
        [[ $a == "--pidfile=$2" ]] && return 0
    done
    return 1
} 2>/dev/null

pid_of() { # NODE DAEMON: prints the pid when it runs
    local f pid
    f=$(pidfile_of "$1" "$2")
    read -r pid <"$f" || return 1
    is_daemon "$pid" "$f" || return 1
    printf '%s\n' "$pid"
} 2>/dev/null

# A process that ends loses its arguments before its files, and the locks on them.
gone() { # PID PIDFILE
    local args
    is_daemon "$1" "$2" && return 1
    args=$(tr -d '\0' <"/proc/$1/cmdline") || return 0
    [[ $args ]] || ! alive "$1"
} 2>/dev/null

# start_daemon NODE DAEMON PROGRAM ARGS...
start_daemon() {
    local n=$1 d=$2 log
    shift 2
    log=$(log_of "$n" "$d")
    in_node "$n" "$@" "--pidfile=$(pidfile_of "$n" "$d")" --detach --no-chdir \
        "--log-file=$log" -vconsole:off -vsyslog:off </dev/null >/dev/null 2>>"$log.stderr" ||
        { say "sandbox: $d on $n did not start; see $log and $log.stderr"; return 1; }
    wait_for 10 "$d on $n to run" "$log" pid_of "$n" "$d"
}

# stop_daemon NODE DAEMON [HOW]  HOW: exit (default), exit-clean, term, kill
stop_daemon() {
    local n=$1 d=$2 how=${3:-exit} pid f
    f=$(pidfile_of "$n" "$d")
    pid=$(pid_of "$n" "$d") || return 0
    case $how:$d in
        kill:*) kill -KILL "$pid" ;;
        # Without --restart ovn-controller takes its chassis and its bindings
        # out of the southbound database.
        exit:ovn-controller) appctl "$n" "$d" exit --restart >/dev/null 2>&1 || kill "$pid" ;;
        exit-clean:ovn-controller) appctl "$n" "$d" exit >/dev/null 2>&1 || kill "$pid" ;;
        exit*:ovs-vswitchd) appctl "$n" "$d" exit >/dev/null 2>&1 || kill "$pid" ;;
        exit*:* | term:*) kill "$pid" ;;
        *) die "how '$how': exit, exit-clean, term or kill" ;;
    esac
    if ! wait_for 10 "$d on $n (pid $pid) to end" "$(log_of "$n" "$d")" gone "$pid" "$f"; then
        kill -KILL "$pid" 2>/dev/null
        wait_for 5 "$d on $n (pid $pid) to die" "$(log_of "$n" "$d")" gone "$pid" "$f" || return 1
    fi
    rm -f "$f"
}

our_netns() { # the names of this sandbox's network namespaces
    local f
    for f in /run/netns/"$PREFIX"-*; do
        f=${f##*/}
        [[ ${f#"$PREFIX"-} =~ ^(central|n[0-9]+|[ps]-.+|probe[0-9]+)$ ]] && printf '%s\n' "$f"
    done
    return 0
}

# Everything that is ours: daemons by their exact pid file argument, and what
# runs in our network namespaces (never in the one we are in ourselves).
our_pids() {
    local p pid args a self=" $$ $BASHPID $PPID " ns=() ino name
    declare -A inodes=()
    local root
    root=$(stat -Lc '%d:%i' /proc/self/ns/net)
    mapfile -t ns < <(our_netns)
    if ((${#ns[@]})); then
        while read -r ino name; do [[ $ino == "$root" ]] || inodes[$ino]=$name; done \
            < <(stat -Lc '%d:%i %n' "${ns[@]/#//run/netns/}" 2>/dev/null)
        while read -r ino name; do
            [[ -n ${inodes[$ino]:-} ]] || continue
            pid=${name#/proc/} pid=${pid%%/*}
            [[ $self == *" $pid "* ]] || printf '%s\n' "$pid"
        done < <(stat -Lc '%d:%i %n' /proc/[0-9]*/ns/net 2>/dev/null)
    fi
    for p in /proc/[0-9]*; do
        args=()
        { mapfile -d '' args <"$p/cmdline"; } 2>/dev/null || continue
        for a in "${args[@]}"; do
            if [[ $a == "--pidfile=$STATE/"* ]]; then
                printf '%s\n' "${p#/proc/}"
                break
            fi
        done
    done
}

# A process that has ended but was not waited for by its parent is no business
# of ours, though kill -0 still answers for it.
alive() {
    local stat
    read -r stat <"/proc/$1/stat" || return 1
    [[ ${stat##*) } != [ZX]* ]]
} 2>/dev/null

none_alive() { local p; for p in "$@"; do alive "$p" && return 1; done; return 0; }

end_all() {
    local pids=()
    mapfile -t pids < <(our_pids | sort -un)
    ((${#pids[@]})) || return 0
    kill "${pids[@]}" 2>/dev/null || true
    if ! wait_for 2 "processes to end" /dev/null none_alive "${pids[@]}" 2>/dev/null; then
        # Collected anew: a number may have changed hands in the meantime.
        mapfile -t pids < <(our_pids | sort -un)
        ((${#pids[@]})) && kill -KILL "${pids[@]}" 2>/dev/null
        wait_for 5 "processes ${pids[*]} to die" "$STATE" none_alive "${pids[@]}" || return 1
    fi
}
