/** Each command that a README, a notebook or the record of experiments names runs, with stand-ins of the right shapes. */
import "../../tensorflow/loaded.ts";
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { locateTensorFlow } from "../../../lib/tensorflow/libraries/locate.ts";
import { serveHub, TOKEN } from "../../hub/hub_server.ts";
import { withFolder } from "../../with_folder.ts";
import { showsProgress } from "../in_process.ts";
import { type Documented, documentedCommands, TASKS } from "./documented_commands.ts";
import { hubRepos, MADE, makeFolder, NOT_RUN, RUN, STAND_INS, THINGS } from "./stand_ins.ts";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const HERE = "tests/commands/documented/stand_ins.ts";

/** Words as a shell has them. */
const wordsOf = (text: string) =>
  Array.from(text.matchAll(/(?:[^\s']|'[^']*')+/g), ([word]) => word.replaceAll("'", ""));

/** An option with its value where it takes one, or another word. */
const partsOf = (words: readonly string[]): string[] =>
  Array.from(words.join("\n").matchAll(/--.+(?:\n(?!--).+)?|.+/g), ([part]) => part.replace("\n", " "));

/**
 * A command's parts with their stand-ins; of an option that is given again the last one counts, but for --set.
 *
 * @throws Error that says what is to be added where something has none
 */
function standing({ file, line, task, rest }: Documented): string[] {
  if (!RUN[task]) throw new Error(`${file}: ${line}: say in ${HERE} how ${task} is run (RUN), or why not (NOT_RUN).`);
  const { needs = [], short = [] } = RUN[task];
  const own = partsOf(wordsOf(rest)).flatMap((part) => {
    if (part in STAND_INS) return partsOf(wordsOf(STAND_INS[part]));
    if (!THINGS.includes(part.split(" ")[0]) && !/\b[A-Z]{2,}\b/.test(part)) return part;
    throw new Error(`${file}: ${line}: nothing stands for "${part}": add it to STAND_INS in ${HERE}.`);
  });
  const said = [...partsOf(needs), ...own];
  const parts = [...said, ...partsOf(typeof short === "function" ? short(said) : short)];
  const again = (part: string, after: readonly string[]) =>
    part.startsWith("--") && !part.startsWith("--set ") &&
    after.some((other) => other.split(" ")[0] === part.split(" ")[0]);
  return parts.filter((part, i) => !again(part, parts.slice(i + 1)));
}

/** Those that differ once their things have stand-ins, in the order of RUN, each with the line that it stands for. */
function commands(): { line: string; words: string[] }[] {
  const all = new Map<string, { line: string; words: string[] }>(), order = Object.keys(RUN);
  const documented = documentedCommands().filter(({ task }) => !(task in NOT_RUN));
  for (const command of documented.sort((a, b) => order.indexOf(a.task) - order.indexOf(b.task))) {
    const parts = standing(command), key = [command.task, ...parts.toSorted()].join("\n");
    if (all.has(key)) continue;
    const words = parts.flatMap((part) => /^--/.test(part) ? part.split(/ (.*)/s).filter((word) => word) : part);
    const numbered = words.map((word) => word.replace("/N", `/${all.size}`));
    all.set(key, { line: `${command.file}: ${command.line}`, words: [command.task, ...numbered] });
  }
  return [...all.values()];
}

const DENO_RUN = ["run", "-P=kit", "--quiet", "--no-check", `--config=${path("../../../deno.json")}`];

/** How a command ended, and what it said. */
interface Told {
  code: number;
  error: string;
}

/** Runs commands one after the other in one process. */
async function runInTurn(commands: readonly (readonly string[])[], options: Deno.CommandOptions): Promise<Told[]> {
  const args = [...DENO_RUN, path("../programs/in_turn.ts")];
  const child = new Deno.Command(Deno.execPath(), { ...options, args, stdin: "piped" }).spawn();
  const writer = child.stdin.getWriter(), lines = commands.map((words) => JSON.stringify(words) + "\n").join("");
  await writer.write(new TextEncoder().encode(lines));
  await writer.close();
  const { stdout, stderr } = await child.output();
  const told: Told[] = new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(told.length, commands.length, new TextDecoder().decode(stderr));
  return told;
}

/** Runs one that starts processes of its own program, and ends itself. */
async function runAlone([task, ...words]: readonly string[], options: Deno.CommandOptions): Promise<Told> {
  const args = [...DENO_RUN, fileURLToPath(TASKS.get(task)!), ...words];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), { ...options, args }).output();
  return { code, error: new TextDecoder().decode(stderr) };
}

/** Whether what a command tells machines is there. */
const isDocument = (file: string) =>
  Deno.readTextFile(file).then((text) => typeof JSON.parse(text) === "object", () => false);

const outOf = (words: readonly string[]) => words.includes("--out") ? [words[words.indexOf("--out") + 1]] : [];

Deno.test("every command that a README, a notebook or a record of experiments names runs, with stand-ins, and with --json", () =>
  withFolder(async (folder) => {
    await makeFolder(folder);
    await using hub = serveHub();
    hub.repos = await hubRepos(folder);
    const env = {
      ...{ NO_COLOR: "1", XLA_FLAGS: "", TF_XLA_FLAGS: "", TF_DIR: locateTensorFlow().dir },
      ...{ HF_ENDPOINT: hub.url, HF_HOME: `${folder}/hub`, HF_TOKEN: TOKEN },
      ...{ HF_HUB_CACHE: "", HUGGINGFACE_HUB_CACHE: "", HF_HUB_OFFLINE: "", TRANSFORMERS_OFFLINE: "" }, // the user's
    };
    const options = { cwd: folder, env, stdout: "piped", stderr: "piped" } as const;
    const all = [...MADE.map((words) => ({ line: words.join(" "), words })), ...commands()];
    const alone = all.filter(({ words }) => words.includes("--workers"));
    const inTurn = all.filter((command) => !alone.includes(command)), ordered = [...inTurn, ...alone];
    const run = ordered.map(({ words }, i) => [...words, "--json", `made/told-${i}.json`]);
    const told = await runInTurn(run.slice(0, inTurn.length), options);
    for (const words of run.slice(inTurn.length)) told.push(await runAlone(words, options));

    const wrong: string[] = [];
    for (const [i, { line, words }] of ordered.entries()) {
      const missing: string[] = [];
      for (const path of outOf(words)) {
        if (!await Deno.stat(`${folder}/${path}`).catch(() => undefined)) missing.push(path);
      }
      if (told[i].code !== 0) wrong.push(`${line}, run as ${words.join(" ")}: ${told[i].error}`);
      else if (missing.length) wrong.push(`${line}, run as ${words.join(" ")}: has not written ${missing}`);
      else if (!await isDocument(`${folder}/made/told-${i}.json`)) wrong.push(`${line}: tells machines nothing`);
      else if (showsProgress(told[i].error)) wrong.push(`${line}: shows progress to a pipe: ${told[i].error}`);
    }
    assertEquals(wrong, []);
    assert(all.length > 25, `${all.length} commands`);
  }));
