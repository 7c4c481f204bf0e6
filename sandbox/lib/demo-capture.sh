# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # work and sandbox are ../demo's
# Captures at both ends, and their comparison. Sourced by ../demo.
#
# Frames are compared whole, byte by byte, as multisets: order and time do not
# count, the number of equal frames does. Two captures run all the time; a case
# is a piece of each file, from where the last case ended.

SETTLE=4     # seconds for the last copy of a case to arrive
SNAPLEN=2000 # more than a frame has here, and little, as the buffer is cut into pieces of it

declare -A capture=() at=() # by end: the process, and where in the file the case begins

start_capture() { # END CMD...
    local end=$1
    shift
    # A frame is written when it arrives. The buffer, in KiB, holds a burst.
    "$@" -U -n -s "$SNAPLEN" -B 8192 --immediate-mode -Z root -w "$work/$end.pcap" 2>"$work/$end.log" </dev/null &
    capture[$end]=$!
}

start_captures() {
    start_capture pod "${sandbox[@]}" exec demo/web -- tcpdump -i eth0
    start_capture mirror "${sandbox[@]}" node-exec n1 -- tcpdump -i mirror0
    until_true 10 listening || die "tcpdump did not start; see $work/pod.log and $work/mirror.log"
    # Frames between the two starts are in one capture only.
    until_true 10 quiet || die "the pod is never quiet; captures: $work"
    at=([pod]=$(size pod) [mirror]=$(size mirror))
}

listening() { grep -qs listening "$work/pod.log" && grep -qs listening "$work/mirror.log"; }
size() { stat -c %s "$work/$1.pcap"; }
quiet() {
    local before
    before=$(size pod)+$(size mirror)
    sleep 0.5
    [[ $before == "$(size pod)+$(size mirror)" ]]
}

stop_captures() {
    local end
    for end in "${!capture[@]}"; do
        kill "${capture[$end]}"
        wait "${capture[$end]}"
    done 2>/dev/null
    capture=()
}

# The frames in a piece of a capture, one a line: bytes, a tab, tcpdump's words.
frames() { # END FROM TO [FILTER]
    {
        head -c 24 "$work/$1.pcap" # the file's header
        tail -c "+$(($2 + 1))" "$work/$1.pcap" | head -c "$(($3 - $2))"
    } | tcpdump -nn -t -xx -r - ${4:+"$4"} 2>/dev/null | awk '
        function put() { if (bytes != "") print bytes "\t" words }
        /^\t0x/ {
            if ($1 == "0x0000:") { put(); bytes = ""; words = next_words }
            sub(/^[^:]*:/, ""); gsub(/ /, ""); bytes = bytes $0
            next
        }
        { next_words = $0 }
        END { put() }'
}

# Prints "seen copies missing surplus", then a line for each frame that is
# missing or surplus.
compare() { # FILE OF FRAMES, FILE OF COPIES
    awk -F '\t' '
        FILENAME == ARGV[1] { seen++; left[$1]++; words[$1] = $2; next }
        { copies++; left[$1]--; words[$1] = $2 }
        END {
            for (bytes in left) {
                for (n = left[bytes]; n > 0; n--) { missing++; list = list "\nmissing  " words[bytes] }
                for (n = left[bytes]; n < 0; n++) { surplus++; list = list "\nsurplus  " words[bytes] }
            }
            print seen + 0, copies + 0, missing + 0, surplus + 0 list
        }' "$1" "$2"
}

read_piece() {
    frames pod "${at[pod]}" "${to[pod]}" >"$work/seen"
    frames mirror "${at[mirror]}" "${to[mirror]}" >"$work/copies"
    result=$(compare "$work/seen" "$work/copies")
}

of_its_kind() { # FILTER
    frames pod "${at[pod]}" "${to[pod]}" "$1" | wc -l
}

# Whether the case is over, and all is there.
settled() { # MINIMUM FILTER
    to=([pod]=$(size pod) [mirror]=$(size mirror))
    # Equal multisets have equal sizes; this saves reading the files in vain.
    ((to[pod] - at[pod] == to[mirror] - at[mirror])) || return 1
    local kind
    kind=$(of_its_kind "$2")
    ((${kind:-0} >= $1)) || return 1
    read_piece
    [[ ${result%%$'\n'*} == *' 0 0' ]]
}

# One row of the table. It is right when the pod saw at least MINIMUM frames
# that the filter lets through, and the copies are all that it saw.
row() { # WHAT MINIMUM FILTER CMD...
    local what=$1 minimum=$2 filter=$3 result='' remark='' kind
    local -A to=()
    shift 3
    "$@" >>"$log" 2>&1 </dev/null
    if ! until_true "$SETTLE" settled "$minimum" "$filter"; then
        read_piece
        kind=$(of_its_kind "$filter")
        if ((kind == 0)); then
            remark='NOTHING was seen'
        elif ((kind < minimum)); then
            remark="ONLY $kind of the kind, not $minimum"
        fi
    fi
    at=([pod]=${to[pod]} [mirror]=${to[mirror]})
    tell "$what" "$remark" "$result"
}

cases=0 wrong=0 total=(0 0 0 0)

line() {
    local text
    printf -v text '  %-52s %7s %7s %8s %8s  %s' "$@"
    printf '%s\n' "${text%"${text##*[! ]}"}" # no blanks at its end
}
rule() { line '' ------- ------- -------- -------- ''; }

tell() { # WHAT REMARK RESULT
    local counts i remark=$2
    read -ra counts <<<"${3%%$'\n'*}"
    for i in 0 1 2 3; do ((total[i] += counts[i])); done
    ((++cases))
    ((counts[2] == 0 && counts[3] == 0)) || remark=${remark:-WRONG}
    [[ -z $remark ]] || ((++wrong))
    line "$1" "${counts[@]}" "$remark"
    if [[ $3 == *$'\n'* ]]; then
        printf '%s: %s\n' "$1" "$3" >>"$work/differences"
        sed -n '2,6s/^/      /p' <<<"$3" | cut -c1-118
    fi
}

# How many frames a capture has lost by its own fault.
lost() { sed -n 's/^\([0-9]*\) packets dropped.*/\1/p' "$work/$1.log"; }

verdict() {
    local end count good=1
    rule
    line "$cases cases" "${total[@]}" ''
    printf '\n  A case counts all frames of its time, such as ARP and router solicitations in between.\n'
    for end in pod mirror; do
        count=$(lost "$end")
        if ((${count:-0} > 0)); then
            printf '  The capture of the %s has itself lost %d frames: the machine is too busy.\n' "$end" "$count"
            good=''
        fi
    done
    ((wrong == 0)) || good=''
    if [[ $good ]]; then
        printf '\n  Every frame that the pod saw was copied, once, and nothing else was.\n'
        return 0
    fi
    printf '\n  %d of %d cases are wrong. Captures, logs and the frames in question: %s\n' \
        "$wrong" "$cases" "$work"
    return 1
}
