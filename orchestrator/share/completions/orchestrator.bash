# Completion of `orchestrator` for bash. It asks the installed program at each Tab, so it never grows old.
#
#   orchestrator completions bash > ~/.local/share/bash-completion/completions/orchestrator

_orchestrator() {
  local program=${COMP_WORDS[0]/#\~/$HOME} typed=${COMP_WORDS[COMP_CWORD]} line value suffix
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
      for line in "${offered[@]}"; do
        printf -v value %q "${line%%$'\t'*}"
        COMPREPLY+=("$value")
      done
      ;;
  esac
}

complete -F _orchestrator orchestrator
