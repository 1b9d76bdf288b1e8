# Completion of `orchestrator` for fish. It asks the installed program at each Tab, so it never grows old.
#
#   orchestrator completions fish > ~/.config/fish/completions/orchestrator.fish

function __orchestrator_offer
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    set -l typed (commandline --current-token --cut-at-cursor)
    set -l program (string replace --regex '^~' $HOME -- $words[1])
    set -l offered ($program completions --offer $words[2..] "$typed" 2>/dev/null)
    switch "$offered[1]"
        case ':files *'
            __fish_complete_suffix "."(string replace ':files ' '' -- $offered[1])
        case ':files'
            __fish_complete_path "$typed"
        case ':folders'
            __fish_complete_directories "$typed" folder
        case '?*'
            printf '%s\n' $offered
    end
end

complete --command orchestrator --no-files --keep-order --arguments '(__orchestrator_offer)'
