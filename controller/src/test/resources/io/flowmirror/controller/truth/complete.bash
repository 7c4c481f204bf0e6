# SPDX-License-Identifier: Apache-2.0
# complete.bash SCRIPT WORD...: what bash's function of SCRIPT offers for the last WORD.
source "$1"
compopt() { :; } # For a function that readline calls.
COMP_WORDS=("${@:2}")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_complete_flowmirror flowmirror "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
printf '%s\n' "${COMPREPLY[@]}"
