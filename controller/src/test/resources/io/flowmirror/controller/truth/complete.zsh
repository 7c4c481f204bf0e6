# SPDX-License-Identifier: Apache-2.0
# complete.zsh SCRIPT LINE: what an interactive zsh, which has sourced SCRIPT, makes of LINE and a TAB.
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1= PROMPT_EOL_MARK=; stty columns 200; autoload -U compinit; compinit -u -D; source $1; print RE''ADY"
zpty -r -m shell seen '*READY*'
# The line as it stands then becomes the argument of a print.
zpty -w -n shell "$2"$'\t'
zpty -w shell $'\C-a'"print -r -- '<"$'\C-e'">'"
zpty -w shell exit
while zpty -r shell line; do print -rn -- "$line"; done
