/**
 * The scripts by which bash, zsh and fish complete the kit's tasks.
 *
 * @module
 */
import type { Values } from "./command.ts";

/** A task, its options and what they take: undefined for what cannot be listed, null for nothing. */
export interface Task {
  name: string;
  options: Record<string, Values | undefined | null>;
  positionals?: Values;
}

/** What begins a line that is to be completed: `deno task`, or `npx deno task`. Elsewhere the kit's tasks are not known. */
const IN_KIT = `grep -qs '"@ijepa/kit"' deno.json`;

/** bash's command that completes $word. */
function completed(values: Values | undefined): string {
  if (values === undefined) return ":";
  if (values === "file") return "_ijepa_kit_paths -f";
  if (values === "folder") return "_ijepa_kit_paths -d";
  return `_ijepa_kit_words ${values.join(" ")}`;
}

/** For bash: it leaves what is no task of the kit to what completed \`deno\` before. */
export function bashScript(tasks: readonly Task[]): string {
  const cases = tasks.flatMap(({ name, options, positionals }) => [
    ...Object.entries(options).filter(([, values]) => values !== null)
      .map(([option, values]) => `    ${name},--${option}) ${completed(values!)} ;;`),
    `    ${name},*) if [[ $word == -* ]]; then _ijepa_kit_words ${
      Object.keys(options).map((option) => `--${option}`).join(" ")
    }; else ${completed(positionals)}; fi ;;`,
  ]);
  return `# Completions of the I-JEPA kit's tasks, made by: deno task completions
_ijepa_kit_before=$(complete -p deno 2>/dev/null | sed -n 's/.*-F \\([^ ]*\\).*/\\1/p')
[[ $_ijepa_kit_before == _ijepa_kit ]] && _ijepa_kit_before=
_ijepa_kit_paths() {
  type compopt >/dev/null 2>&1 && compopt -o filenames
  COMPREPLY=($(compgen "$1" -- "$word"))
}
_ijepa_kit_words() { # of several with commas between, the last
  local first=
  [[ $word == *,* ]] && first=\${word%,*},
  COMPREPLY=($(compgen -P "$first" -W "$*" -- "\${word##*,}"))
}
_ijepa_kit() {
  local first=0 word previous task
  COMPREPLY=()
  [[ \${COMP_WORDS[0]} == npx ]] && first=1
  task=\${COMP_WORDS[first+2]}
  if [[ \${COMP_WORDS[first+1]} != task ]] || ! ${IN_KIT}; then
    [[ -n $_ijepa_kit_before && $first == 0 ]] && "$_ijepa_kit_before" "$@"
    return
  fi
  word=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  [[ $word == = ]] && word=
  [[ $previous == = ]] && previous=\${COMP_WORDS[COMP_CWORD-2]}
  if (( COMP_CWORD == first + 2 )); then
    _ijepa_kit_words ${tasks.map(({ name }) => name).join(" ")}
    return
  fi
  case $task,$previous in
${cases.join("\n")}
  esac
}
complete -o default -F _ijepa_kit deno npx
`;
}

/** For zsh, which runs bash's. */
export function zshScript(tasks: readonly Task[]): string {
  return `autoload -Uz compinit bashcompinit
(( $+functions[compdef] )) || compinit
bashcompinit
${bashScript(tasks)}`;
}

/** For fish. */
export function fishScript(tasks: readonly Task[]): string {
  const quoted = (words: readonly string[]) => `'${words.join(" ")}'`;
  const taken = (values: Values | undefined) => {
    if (values === undefined) return "-x";
    if (values === "file") return "-r -F";
    return `-x -a ${values === "folder" ? "'(__fish_complete_directories)'" : quoted(values)}`;
  };
  const lines = tasks.flatMap(({ name, options, positionals }) => {
    const begin = `complete -c deno -n '__ijepa_kit_task ${name}'`;
    const words = positionals === "folder"
      ? "-f -a '(__fish_complete_directories)'"
      : Array.isArray(positionals)
      ? `-f -a ${quoted(positionals)}`
      : "-f";
    return [
      `${begin} ${words}`,
      ...Object.entries(options).map(([option, values]) =>
        `${begin} -l ${option}${values === null ? "" : ` ${taken(values)}`}`
      ),
    ];
  });
  return `# Completions of the I-JEPA kit's tasks, made by: deno task completions fish
complete -C 'deno ' >/dev/null # loads what fish has for deno first, which would take the place of this
function __ijepa_kit_task
    set -l words (commandline -opc)
    test "$words[2]" = task; and test "$words[3]" = "$argv[1]"; and ${IN_KIT}
end
complete -c deno -n '__ijepa_kit_task ""' -f -a ${quoted(tasks.map(({ name }) => name))}
${lines.join("\n")}
`;
}
