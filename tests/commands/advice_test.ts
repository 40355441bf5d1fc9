/**
 * What the kit tells a user to type can be typed: each task that is named is there, and has the options that are named. Both
 * are read from the sources, as are the sentences; pretrain_test.ts and train_decoder_test.ts type those of the trainings,
 * documented/ runs those of the documents.
 */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { DECODER_PRESETS } from "../../lib/decoding/decoder_presets.ts";
import { PROTOCOLS } from "../../lib/evaluation/protocols.ts";
import { PRESETS } from "../../lib/methods/methods.ts";
import { itemNamed } from "../../lib/reproduction/catalogue.ts";
import { VJEPA_PRESETS } from "../../lib/video/presets.ts";
import { CAMERA_PRESETS } from "../../lib/world/camera/camera_presets.ts";
import { WORLD_PRESETS } from "../../lib/world/presets.ts";
import { type Command, COMMON_OPTIONS } from "../../lib/commands/terminal/command.ts";
import { commandLine, givenAgain, typedPath } from "../../lib/commands/terminal/advice.ts";
import { sources } from "../sources.ts";
import { documentedCommands, TASKS } from "./documented/documented_commands.ts";
import { inProcess, type Main } from "./in_process.ts";

const LIB = new URL("../../lib/", import.meta.url);

const readSource = (file: URL) => Deno.readTextFileSync(file);

/** The options of a command. */
async function optionsOf(file: URL): Promise<Set<string>> {
  const { COMMAND }: { COMMAND: Command } = await import(file.href);
  return new Set(Object.keys({ ...COMMAND.options, ...COMMON_OPTIONS }));
}

/** What a command's --help says. */
async function helpOf(file: URL): Promise<string> {
  const { main }: { main: Main } = await import(file.href);
  const { code, out, error } = await inProcess(main, "--help");
  assertEquals([code, error], [0, ""], file.href);
  return out;
}

const OPTIONS = new Map(
  await Promise.all(Array.from(TASKS, async ([task, file]) => [task, await optionsOf(file)] as const)),
);

/** Options of Docker's and TensorFlow's, and what stands for any. */
const THEIRS = /--gpus all|--tf_\w+|--name=value/g;

/** Code without comments, and without literals that are an argument rather than a sentence. */
function sentences(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$|\s\/\/ .*$/gm, "").replace(/(["`]) ?--[^\s"`]*\1/g, "")
    .replace(THEIRS, "");
}

const flagsIn = (text: string) => Array.from(text.matchAll(/(?<![\w-])--([a-z][a-z0-9-]+)/g), ([, name]) => name);

/** All files that a file imports, itself included. */
function reachable(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, path] of readSource(new URL(file)).matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+\.ts)"/g)) {
    reachable(new URL(path, file).href, seen);
  }
  return seen;
}

Deno.test("the help of a command lists its options, and no others", async () => {
  assert(TASKS.size >= 11 && [...OPTIONS.values()].every((options) => options.has("help")));
  for (const [task, file] of TASKS) {
    const listed = Array.from((await helpOf(file)).matchAll(/^ {2}--([a-z][a-z0-9-]+)/gm), ([, name]) => name);
    const options = [...OPTIONS.get(task)!];
    assertEquals(listed.sort(), options.filter((name) => name !== "help" || listed.includes("help")).sort(), task);
  }
});

Deno.test("the help of a command has lines that fit, and its options' texts begin at one column", async () => {
  const wrong: string[] = [];
  for (const [task, file] of TASKS) {
    const columns = new Set<number>();
    for (const line of (await helpOf(file)).split("\n")) {
      if (line.length > 120) wrong.push(`${task}, ${line.length} columns: ${line}`);
      if (!line.startsWith("  --")) continue;
      const [, own, text] = /^( {2}--[a-z0-9-]+(?: \S+)?)(?: {2,}(\S.*))?$/.exec(line) ?? [];
      if (own === undefined) wrong.push(`${task}, an option that runs into its text: ${line}`);
      else if (text !== undefined) columns.add(line.length - text.length);
    }
    if (columns.size > 1) wrong.push(`${task}: texts begin at columns ${[...columns].join(", ")}`);
  }
  assertEquals(wrong, []);
});

Deno.test("every option that a sentence names is one of the command that says it, every task is there", () => {
  const wrong: string[] = [], reach = new Map(Array.from(TASKS, ([task, file]) => [task, reachable(file.href)]));
  let flags = 0, tasks = 0;
  for (const file of sources(LIB)) {
    const where = fileURLToPath(file), text = sentences(readSource(file));
    const own = [...TASKS].find(([, path]) => path.href === file.href)?.[0];
    const sayers = own ? [own] : [...TASKS.keys()].filter((task) => reach.get(task)!.has(file.href));
    for (const flag of flagsIn(text)) {
      flags++;
      if (!sayers.some((task) => OPTIONS.get(task)!.has(flag))) {
        wrong.push(`${where}: --${flag} of ${sayers.join(", ")}`);
      }
    }
    // With the options that follow on the line.
    for (const [, task, rest] of text.matchAll(/deno task ([a-z][a-z-]*)([^`"\n]*)/g)) {
      tasks++;
      const lacking = flagsIn(rest).filter((flag) => !OPTIONS.get(task)?.has(flag));
      if (!TASKS.has(task) || lacking.length) wrong.push(`${where}: deno task ${task} ${lacking.join(" ")}`);
    }
  }
  assertEquals(wrong, []);
  assert(flags > 100 && tasks > 15, `${flags} options, ${tasks} tasks`);
});

Deno.test("every command line that is made up names a task and its options", () => {
  const wrong: string[] = [];
  let lines = 0;
  for (const file of sources(LIB)) {
    const text = readSource(file);
    for (const [call, args] of text.matchAll(/(?<!function )commandLine\(([\s\S]*?)\);/g)) {
      lines++;
      const [task, ...words] = Array.from(args.matchAll(/"([^"]*)"/g), ([, word]) => word);
      if (!args.trimStart().startsWith(`"${task}"`)) continue; // a task that is known only when it runs
      const options = OPTIONS.get(task), again = /givenAgain\(flags, ([^)]*)\)/.exec(args)?.[1] ?? "";
      const named = words.filter((word) => word.startsWith("--") || again.includes(`"${word}"`));
      if (!options || named.some((word) => !options.has(word.replace(/^--/, "")))) {
        wrong.push(`${fileURLToPath(file)}: ${call}`);
      }
    }
  }
  assertEquals(wrong, []);
  assert(lines >= 4, `${lines}`);
});

Deno.test("commandLine() is for a shell in the checkout", () => {
  const root = fileURLToPath(new URL("../", LIB));
  assertEquals(typedPath(`${root}weights/x/`), "weights/x");
  assertEquals(typedPath(root), ".");
  assertEquals(typedPath(`${root}../elsewhere`), fileURLToPath(new URL("../../elsewhere", LIB)));
  assertEquals(commandLine("pretrain", "--out", "my runs/it's"), `deno task pretrain --out 'my runs/it'\\''s'`);
  const flags = { monitor: "0", "no-eval": true, resume: false, data: undefined };
  assertEquals(givenAgain(flags, "no-eval", "monitor", "resume", "data"), ["--no-eval", "--monitor", "0"]);
});

Deno.test("every command that a README, a notebook or a record of experiments names is there, with its options and names", () => {
  const wrong: string[] = [], files = new Set<string>();
  let lines = 0;
  for (const { file, line, task, rest } of documentedCommands()) {
    lines++, files.add(file);
    const say = (what: string) => wrong.push(`${file}: ${line}: ${what}`);
    if (!TASKS.has(task) && task !== "test") say("no such task");
    for (const flag of flagsIn(rest)) if (!OPTIONS.get(task)?.has(flag)) say(`no option --${flag}`);
    const given = (name: string) => new RegExp(`--${name} ([\\w.,-]+)`).exec(rest)?.[1].replace(/[.,]+$/, "");
    const named = given("preset"), protocols = given("protocol");
    const own: Record<string, object> = { "train-decoder": DECODER_PRESETS, "pretrain-video": VJEPA_PRESETS };
    const presets = own[task] ?? { ...PRESETS, ...WORLD_PRESETS, ...CAMERA_PRESETS };
    if (named !== undefined && named !== "NAME" && !Object.hasOwn(presets, named)) say(`no preset ${named}`);
    for (const name of protocols?.split(",") ?? []) {
      if (name !== "all" && !Object.hasOwn(PROTOCOLS, name)) say(`no protocol ${name}`);
    }
    const item = /^ ([a-z]+\d+)/.exec(rest)?.[1];
    if (task === "reproduce" && item !== undefined) itemNamed(item);
  }
  assertEquals(wrong, []);
  assert(lines > 60 && files.size >= 6, `${lines} lines in ${[...files].join(", ")}`);
});
