/**
 * `deno task completions`: a script by which a shell completes the kit's tasks, their options, and what these take.
 *
 * @module
 */
import { type Command, COMMON_OPTIONS, type Option, parseCommand, tell, type Values } from "./terminal/command.ts";
import { helpText } from "./terminal/help.ts";
import { runCommand } from "./terminal/run_command.ts";
import { bashScript, fishScript, type Task, zshScript } from "./terminal/shell_scripts.ts";

const SCRIPTS: Record<string, (tasks: readonly Task[]) => string> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

const HELP = helpText(
  "deno task completions bash|zsh|fish",
  `Prints a script that completes \`deno task\` in this folder: tasks, options, presets, protocols, files. The line for this
  shell, and for those to come the same in its settings (~/.bashrc, ~/.zshrc, ~/.config/fish/config.fish), in this folder:`,
  {
    "bash": "source <(deno task -q completions bash)",
    "zsh": "source <(deno task -q completions zsh)",
    "fish": "deno task -q completions fish | source",
  },
);

/** Its options. */
export const COMMAND: Command = { help: HELP, options: {}, positionals: Object.keys(SCRIPTS) };

/** The kit's tasks by deno.json, with the options of each by its command's own table. */
export async function kitTasks(): Promise<Task[]> {
  const url = new URL("../../deno.json", import.meta.url), { tasks } = JSON.parse(await Deno.readTextFile(url));
  const found = Object.entries(tasks as Record<string, string>).map(async ([name, line]) => {
    const [, file] = /lib\/commands\/(\w+)\.ts$/.exec(line) ?? [];
    if (file === undefined) return { name, options: {} };
    const { COMMAND } = await import(new URL(`${file}.ts`, import.meta.url).href) as { COMMAND: Command };
    const options = Object.entries<Option>({ ...COMMAND.options, ...COMMON_OPTIONS });
    const taken = ([option, { type, values }]: typeof options[number]): [string, Values | undefined | null] => [
      option,
      type === "boolean" ? null : values,
    ];
    return { name, options: Object.fromEntries(options.map(taken)), positionals: COMMAND.positionals };
  });
  return await Promise.all(found);
}

export async function main(args: string[]): Promise<void> {
  const parsed = await parseCommand(COMMAND, args);
  if (!parsed) return;
  const { positionals: [shell, ...more] } = parsed, shells = Object.keys(SCRIPTS).join(", ");
  if (shell === undefined || more.length > 0 || !Object.hasOwn(SCRIPTS, shell)) {
    throw new Error(`Say for which shell: deno task completions, and one of ${shells}.`);
  }
  const script = SCRIPTS[shell](await kitTasks());
  await tell({ shell, script });
  console.log(script);
}

if (import.meta.main) await runCommand(main);
