# Completion of `orchestrator` for bash. It asks the installed program at each Tab, so it never grows old.
#
#   orchestrator completions bash > ~/.local/share/bash-completion/completions/orchestrator

_orchestrator() {
  local program=${COMP_WORDS[0]/#\~/$HOME} typed=${COMP_WORDS[COMP_CWORD]} line value suffix told width=0
  local -a offered
  [[ $typed == "=" ]] && typed=
  mapfile -t offered < <("$program" completions --offer "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  COMPREPLY=()
  case ${offered[0]-} in
    :files*)
      suffix=${offered[0]#:files}
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(
        compgen -d -- "$typed"
        if [[ -n $suffix ]]; then compgen -f -X "!*.${suffix# }" -- "$typed"; else compgen -f -- "$typed"; fi
      )
      ;;
    :folders)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -d -- "$typed")
      ;;
    *)
      compopt -o nosort 2>/dev/null
      # What they are is told where they are only listed (the second Tab): there nothing of it gets into the line.
      if [[ ${COMP_TYPE-} == 63 && ${#offered[@]} -gt 1 ]]; then
        for line in "${offered[@]}"; do
          value=${line%%$'\t'*}
          ((${#value} > width)) && width=${#value}
        done
        for line in "${offered[@]}"; do
          value=${line%%$'\t'*} told=
          [[ $line == *$'\t'* ]] && told=${line#*$'\t'}
          printf -v line "%-${width}s  %s" "$value" "$told"
          COMPREPLY+=("${line:0:${COLUMNS:-80}-2}")
        done
        return
      fi
      for line in "${offered[@]}"; do
        printf -v value %q "${line%%$'\t'*}"
        COMPREPLY+=("$value")
      done
      ;;
  esac
}

complete -F _orchestrator orchestrator
