# SPDX-License-Identifier: Apache-2.0
# Medians and ranges of first-look's runs. Input, tab-separated: round, kind, mode,
# Mbit/s, packets/s delivered, packets/s sent, CPU us a frame, copies expected, copies.
# Variable: seconds, the length of a run.

BEGIN { MBITS = 4; DELIVERED = 5; OFFERED = 6; CPU = 7; SHARE = 8 }

# By insertion; mawk has no asort.
function median_of(list, n,    i, j, x) {
    for (i = 2; i <= n; i++) {
        x = list[i]
        for (j = i - 1; j > 0 && list[j] > x; j--) list[j + 1] = list[j]
        list[j + 1] = x
    }
    low = list[1]; high = list[n]
    return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

# Of a column: its median and range.
function median(kind, mode, column,    list, r, n) {
    n = 0
    for (r = 1; r <= rounds; r++)
        if ((r, kind, mode, column) in value) list[++n] = value[r, kind, mode, column]
    return median_of(list, n)
}

# Of a column's ratios to the same round's run without a mirror.
function ratio(kind, mode, column,    list, r, n) {
    n = 0
    for (r = 1; r <= rounds; r++)
        if (value[r, kind, "none", column] > 0)
            list[++n] = value[r, kind, mode, column] / value[r, kind, "none", column]
    return median_of(list, n)
}

# "x0.97 (0.91-1.02)": the median of the ratios to no mirror, and their range.
function times(kind, mode, column,    m) {
    if (mode == "none") return ""
    m = ratio(kind, mode, column)
    return sprintf("x%.2f (%.2f-%.2f)", m, low, high)
}

function row(kind, mode, words, column, scale, digits,    m, made) {
    m = median(kind, mode, column)
    made = mode == "none" ? "" : sprintf("%.4f", copies[kind, mode] / expected[kind, mode])
    line(words, sprintf("%." digits "f", m / scale),
        sprintf("%." digits "f-%." digits "f", low / scale, high / scale), times(kind, mode, column),
        sprintf("%.2f", median(kind, mode, CPU)), times(kind, mode, CPU),
        sprintf("%.0f%%", median(kind, mode, SHARE)), made)
}

function line(a, b, c, d, e, f, g, h,    text) {
    text = sprintf("%-16s %7s  %-11s  %-17s  %6s  %-17s  %5s  %s", a, b, c, d, e, f, g, h)
    sub(/ +$/, "", text)
    print text
}

function heading(title, unit) {
    line(title, unit, "range", "to no mirror", "CPU us", "to no mirror", "busy", "copied")
}

{
    if ($1 > rounds) rounds = $1
    for (i = MBITS; i <= CPU; i++) value[$1, $2, $3, i] = $i
    value[$1, $2, $3, SHARE] = $7 * $8 / seconds / 10000
    expected[$2, $3] += $8
    copies[$2, $3] += $9
}

END {
    split("none ovs ours", modes, " ")
    words["none"] = "no mirror"; words["ovs"] = "OVS Mirror"; words["ours"] = "Flowmirror"
    heading("TCP", "Mbit/s")
    for (i = 1; i <= 3; i++) row("tcp", modes[i], words[modes[i]], MBITS, 1, 0)
    print ""
    heading("UDP", "kpps")
    for (i = 1; i <= 3; i++) row("udp", modes[i], words[modes[i]], DELIVERED, 1000, 1)
    printf "\nUDP packets offered: %.0f kpps\n", median("udp", "none", OFFERED) / 1000
    print "CPU us: CPU time of ovs-vswitchd for each frame that it delivered to a pod."
    print "busy: how much of one CPU it had. copied: copies made, of those that were due."
}
