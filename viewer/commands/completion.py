"""``completion SHELL``: a script that completes commands, options, formats and file names.

Ids and accounts come from the trace: the script asks ``traceview --complete KIND =BEGIN WORDS``
(`viewer.commands.offers`). The ``=`` is there because PowerShell drops empty arguments.
"""

import argparse
from collections.abc import Iterator, Mapping
from typing import Final

SHELLS: Final = ("bash", "zsh", "fish", "powershell")
KINDS: Final = {
    "call": "event", "why": "who",
    "--goto": "event", "--operation": "operation", "--account": "account",
}  # fmt: skip
"""What of a trace may follow a command or an option."""


def words_of(
    top: argparse.ArgumentParser, commands: Mapping[str, argparse.ArgumentParser]
) -> dict[str, list[str]]:
    """Return the options of every command by its name; "" is for those without a command."""
    return {"": _options(top), **{name: _options(command) for name, command in commands.items()}}


def _options(parser: argparse.ArgumentParser) -> list[str]:
    return sorted(
        option
        for action in parser._actions  # noqa: SLF001
        if action.help != argparse.SUPPRESS
        for option in action.option_strings
        if option.startswith("--")
    )


def script(shell: str, words: dict[str, list[str]], values: dict[str, list[str]]) -> Iterator[str]:
    """Yield the lines of the script; `values` are the words that may follow a command."""
    commands = sorted(name for name in words if name)
    yield from {
        "bash": _bash, "zsh": _zsh, "fish": _fish, "powershell": _powershell,
    }[shell](commands, words, values)  # fmt: skip


def _bash(
    commands: list[str], words: dict[str, list[str]], values: dict[str, list[str]]
) -> Iterator[str]:
    yield "_traceview() {"
    yield '    local cur="${COMP_WORDS[COMP_CWORD]}" command="" kind="" typed word'
    yield '    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do'
    yield f'        case "$word" in {"|".join(commands)}) command="$word"; break;; esac'
    yield "    done"
    yield "    local options more"
    yield '    case "$command" in'
    for name in commands:
        more = " ".join(values.get(name, []))
        yield f'        {name}) options="{" ".join(words[name])}"; more="{more}";;'
    yield f'        *) options="{" ".join(words[""])}"; more="{" ".join(commands)}";;'
    yield "    esac"
    yield '    case "$cur" in'
    yield '        -*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur");;'
    yield "        *) mapfile -t COMPREPLY < <("
    yield '            compgen -W "$more" -- "$cur"; compgen -f -- "$cur");;'
    yield "    esac"
    yield from _kind('"$command"', '"${COMP_WORDS[COMP_CWORD-1]}"')
    yield '    [[ -n "$kind" && "$cur" != -* ]] || return 0'
    yield '    typed="${COMP_LINE:0:COMP_POINT}"; typed="${typed##*[[:space:]]}"'
    yield "    while IFS= read -r word; do"  # bash takes the word after an @ for one of its own
    yield '        COMPREPLY+=("${word#"${typed%"$cur"}"}")'
    yield '    done < <(traceview --complete "$kind" "=$typed" "${COMP_WORDS[@]:1}" 2>/dev/null)'
    yield "}"
    yield "complete -o filenames -F _traceview traceview"


def _kind(command: str, before: str) -> Iterator[str]:
    """Yield the lines that set ``kind``, for bash and zsh."""
    for word in (command, before):
        own = [f"{name}) kind={kind};;" for name, kind in KINDS.items()
               if name.startswith("-") == (word == before)]  # fmt: skip
        yield f"    case {word} in {' '.join(own)} esac"


def _zsh(
    commands: list[str], words: dict[str, list[str]], values: dict[str, list[str]]
) -> Iterator[str]:
    yield "#compdef traceview"
    yield "_traceview() {"
    yield "    local command kind word"
    yield "    for word in ${words[2,CURRENT-1]}; do"
    yield f'        case "$word" in ({"|".join(commands)}) command="$word"; break;; esac'
    yield "    done"
    yield '    case "$command" in'
    for name in commands:
        more = " ".join([*values.get(name, []), *words[name]])
        yield f"        ({name}) compadd -- {more};;"
    yield f"        (*) compadd -- {' '.join([*commands, *words['']])};;"
    yield "    esac"
    yield from _kind('"$command"', '"${words[CURRENT-1]}"')
    yield '    if [[ -n "$kind" && "$PREFIX" != -* ]]; then'
    yield '        local asked=(--complete $kind "=$PREFIX" "${(@Q)words[2,-1]}")'
    yield '        compadd -- ${(f)"$(traceview $asked 2>/dev/null)"}'
    yield "    fi"
    yield "    _files"
    yield "}"
    yield "compdef _traceview traceview"


def _fish(
    commands: list[str], words: dict[str, list[str]], values: dict[str, list[str]]
) -> Iterator[str]:
    seen = f"__fish_seen_subcommand_from {' '.join(commands)}"

    def offered(word: str) -> str:
        words = "=(commandline -ct) (commandline -opc)[2..-1]"
        asked = f"(traceview --complete {KINDS[word]} {words} 2>/dev/null)"
        return f" -r -a '{asked}'" if word.startswith("-") else f" -a '{asked}'"

    def option_of(option: str) -> str:
        return option.removeprefix("--") + (offered(option) if option in KINDS else "")

    yield f"complete -c traceview -n 'not {seen}' -a '{' '.join(commands)}'"
    for option in words[""]:
        yield f"complete -c traceview -n 'not {seen}' -l {option_of(option)}"
    for name in commands:
        when = f"__fish_seen_subcommand_from {name}"
        for option in words[name]:
            yield f"complete -c traceview -n '{when}' -l {option_of(option)}"
        if name in KINDS:
            yield f"complete -c traceview -n '{when}'{offered(name)}"
        if values.get(name):
            yield f"complete -c traceview -n '{when}' -a '{' '.join(values[name])}'"


def _powershell(
    commands: list[str], words: dict[str, list[str]], values: dict[str, list[str]]
) -> Iterator[str]:
    yield "Register-ArgumentCompleter -Native -CommandName traceview -ScriptBlock {"
    yield "    param($wordToComplete, $commandAst, $cursorPosition)"
    yield "    $words = @{"
    for name in ["", *commands]:
        own = [*values.get(name, []), *words[name], *([] if name else commands)]
        quoted = ", ".join(f"'{word}'" for word in own)
        yield f"        '{name}' = @({quoted})"
    yield "    }"
    yield "    $typed = $commandAst.CommandElements | Select-Object -Skip 1"
    yield '    $typed = $typed | ForEach-Object { "$_" }'
    yield "    $known = $typed | Where-Object { $_ -and $words.ContainsKey($_) }"
    yield "    $command = $known | Select-Object -First 1"
    yield '    $fitting = $words[[string]$command] | Where-Object { $_ -like "$wordToComplete*" }'
    kinds = "; ".join(f"'{word}' = '{kind}'" for word, kind in KINDS.items())
    yield f"    $kinds = @{{ {kinds} }}"
    yield "    $before = $typed | Where-Object { $_ -ne $wordToComplete } | Select-Object -Last 1"
    yield "    $kind = $kinds[[string]$before]"
    yield "    if (-not $kind) { $kind = $kinds[[string]$command] }"
    yield "    if ($kind -and -not $wordToComplete.StartsWith('-')) {"
    yield "        $asked = @('--complete', $kind, \"=$wordToComplete\") + @($typed)"
    yield "        $fitting = @($fitting) + @(& traceview @asked 2>$null)"
    yield "    }"
    yield "    $fitting | Where-Object { $_ } | ForEach-Object {"
    yield "        [System.Management.Automation.CompletionResult]::new($_)"
    yield "    }"
    yield "}"
