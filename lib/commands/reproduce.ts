/**
 * `deno task reproduce`: the paper's tables and figures, each from one command.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { dirname } from "node:path";
import { saveFigure } from "../figures/save.ts";
import { table } from "../figures/table.ts";
import { type Item, itemNamed, ITEMS, planOf } from "../reproduction/catalogue.ts";
import { DATA_OPTIONS, type EvaluationOptions } from "../reproduction/evaluation_tables.ts";
import { report } from "../reproduction/report.ts";
import { clearFolder, FOLDER, nextStep, type Plan, stepsLeft } from "../reproduction/step.ts";
import { makeFolder } from "../write_file.ts";
import { isForMachines, parseCommand, tell } from "./terminal/command.ts";
import { INTERRUPTED, STOPPED } from "./processes/exit_codes.ts";
import { programArguments } from "./processes/launch_workers.ts";
import { onStop } from "./processes/stop_signal.ts";
import { commandLine, givenAgain } from "./terminal/advice.ts";
import { stepCost, totalCost } from "./terminal/step_cost.ts";
import { numberOf, oneOf } from "./terminal/flags.ts";
import { helpText } from "./terminal/help.ts";
import { runCommand } from "./terminal/run_command.ts";

const HELP = helpText(
  "deno task reproduce [NAME] [options]",
  `Reproduces a table or a figure of the paper: table1 to table15, figure1 to figure8. Without a name, lists them. What is
  missing is run, by the kit's other commands, one after the other: pretraining, decoders, evaluations. Ctrl-C stops it
  with a checkpoint; the same command goes on. Then our numbers stand beside the paper's, in
  weights/reproduce/SCALE/NAME.md, .json and, with a figure, .png, .svg and .html.`,
  {
    "--scale SCALE": `small (default): CIFAR-10, drawn scenes and the kit's own weights | paper: the paper's own, with
      --data and GPUs`,
    "--seeds N": "of each pretraining, or of each evaluation (default 1)",
    "--dry-run": "says the commands, and what they cost, and runs none",
    "--weights PATH": "paper: weights to evaluate or to decode, instead of pretraining them",
    ...Object.fromEntries(Object.entries(DATA_OPTIONS).map(([name, what]) => [`--${name} PATH`, `paper: ${what}`])),
  },
  `Ends with code 0 when all is done, 1 after an error, and ${STOPPED} where it was told to stop.`,
);

const PATHS = Object.keys(DATA_OPTIONS) as (keyof typeof DATA_OPTIONS)[];

/** A line for each table and figure. */
async function listing(): Promise<string> {
  const rows: string[][] = [];
  for (const [name, item] of Object.entries(ITEMS)) {
    const small = planOf(name, item, { scale: "small", seeds: 1 });
    const paper = planOf(name, item, { scale: "paper", seeds: 1 });
    const state = async (plan: Plan | undefined) => {
      if (!plan) return "a drawing";
      if (plan.steps.length === 0) return "–";
      const left = await stepsLeft(plan);
      return left.length === 0
        ? "done"
        : `${totalCost(left, "small")}${left.length < plan.steps.length ? " left" : ""}`;
    };
    rows.push([
      name,
      item.title,
      item.claim,
      await state(small),
      paper && paper.steps.length > 0 ? totalCost(paper.steps, "paper") : paper ? "–" : "a drawing",
      (paper?.missing ?? []).map(({ option }) => `--${option}`).join(" "),
    ]);
  }
  return table(rows, ["name", "shows", "the paper's claim", "small, one seed", "paper, one H100", "paper needs"]);
}

/** The commands of a plan, with what they cost; those that are done say so. */
async function dryRun(plan: Plan, scale: "small" | "paper"): Promise<string> {
  const left = await stepsLeft(plan);
  const lines = plan.steps.map((step) => {
    const cost = left.includes(step) ? stepCost(step, scale) : "done";
    return `${commandLine(step.task, ...step.args)}\n    # ${cost}`;
  });
  const needed = plan.missing.map(({ option, what }) => `Give --${option}: ${what}.`);
  return [
    ...lines,
    "",
    `${left.length} of ${plan.steps.length} commands are to be run: ${totalCost(left, scale)}.`,
    ...needed,
  ]
    .join("\n");
}

/** Runs one command to its end, and passes on what stops this one. */
async function runStep(task: string, args: readonly string[]): Promise<number> {
  const program = fileURLToPath(new URL(`./${task.replace("-", "_")}.ts`, import.meta.url));
  const child = new Deno.Command(Deno.execPath(), {
    args: programArguments(program, args),
    stdout: isForMachines() ? "piped" : "inherit",
  }).spawn();
  if (isForMachines()) child.stdout.pipeTo(Deno.stderr.writable, { preventClose: true });
  const unlisten = onStop(() => {
    try {
      child.kill("SIGTERM");
    } catch { /* it has ended */ }
  });
  return (await child.status.finally(unlisten)).code;
}

/** A figure of which nothing is computed. */
async function drawing(name: string, item: Item, dryRun: boolean): Promise<void> {
  const path = `${FOLDER}/small/${name}`;
  await tell({ item: name, title: item.title, claim: item.claim, files: dryRun ? [] : [`${path}.png`] });
  if (dryRun || item.kind !== "figure" || !item.draw) return console.log(`${item.title}: a drawing, into ${path}.png.`);
  const files = await saveFigure(item.draw(), path);
  console.log(`${item.title}: ${item.claim}\n\nWritten: ${files.join(", ")}`);
}

const SCALES = ["small", "paper"] as const;

/** Its options. */
export const COMMAND = {
  help: HELP,
  options: {
    "scale": { type: "string", default: "small", values: SCALES },
    "seeds": { type: "string" },
    "dry-run": { type: "boolean", default: false },
    "weights": { type: "string", values: "file" },
    "data": { type: "string", values: "folder" },
    "imagenet22k": { type: "string", values: "folder" },
    "subset": { type: "string", values: "file" },
    "places205": { type: "string", values: "folder" },
    "inat18": { type: "string", values: "folder" },
    "clevr": { type: "string", values: "folder" },
  },
  positionals: Object.keys(ITEMS),
} as const;

export async function main(args: string[]): Promise<void> {
  const parsed = await parseCommand(COMMAND, args);
  if (!parsed) return;
  const { values: flags, positionals } = parsed;
  if (positionals.length === 0) {
    await tell(Object.entries(ITEMS).map(([name, { kind, title, claim }]) => ({ name, kind, title, claim })));
    console.log(await listing());
    return console.log(`\nOne of them: ${commandLine("reproduce", "table6", "--dry-run")}`);
  }
  const [name, item] = itemNamed(positionals.join(" "));
  const scale = oneOf("scale", flags.scale, SCALES);
  const given = [...PATHS, "weights" as const].filter((option) => flags[option] !== undefined);
  if (scale === "small" && given.length > 0) {
    throw new Error(`--${given[0]} is for --scale paper: leave it out, or add that.`);
  }
  const seeds = numberOf("seeds", flags.seeds, { integer: true, least: 1 }) ?? 1;
  const options: EvaluationOptions = {
    ...{ scale, seeds, weights: flags.weights },
    ...Object.fromEntries(PATHS.map((option) => [option, flags[option]])),
  };
  const plan = planOf(name, item, options);
  if (!plan) return await drawing(name, item, flags["dry-run"]);
  if (flags["dry-run"]) {
    await tell({ item: name, steps: plan.steps.map(({ task, args, makes }) => ({ task, args, makes })) });
    return console.log(await dryRun(plan, scale));
  }
  if (plan.missing.length > 0) {
    throw new Error(plan.missing.map(({ option, what }) => `${name} needs --${option}, ${what}.`).join(" "));
  }
  const again = commandLine("reproduce", name, ...givenAgain(flags, "scale", "seeds", "weights", ...PATHS));
  for (const [i, step] of plan.steps.entries()) {
    const args = await nextStep(step);
    if (!args) continue;
    console.log(`\n${i + 1} of ${plan.steps.length}: ${commandLine(step.task, ...args)}`);
    await makeFolder(dirname(step.makes));
    await clearFolder(step);
    const code = await runStep(step.task, args);
    if (code === STOPPED || code === INTERRUPTED) {
      await tell({ item: name, finished: false, goOn: again });
      console.log(`Stopped. Go on with: ${again}`);
      Deno.exit(STOPPED);
    }
    if (code !== 0) throw new Error(`This command ended with code ${code}. When it is mended, go on with: ${again}`);
  }
  const { text, files } = await report(name, item, options, plan);
  await tell({ item: name, finished: true, title: item.title, claim: item.claim, files });
  console.log(`\n${text}\n\nWritten: ${files.join(", ")}`);
}

if (import.meta.main) await runCommand(main);
