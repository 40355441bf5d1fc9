/**
 * `deno task plan`: how often a world model reaches its goals, and a picture of what it imagined on the way.
 *
 * @module
 */
import { dirname } from "node:path";
import {
  EPISODE,
  measuredTasks,
  measurePlanning,
  PLANNER,
  type PlanningResult,
} from "../evaluation/planning/measure_planning.ts";
import { type PlaceProbe, placeProbe } from "../evaluation/planning/place_probe.ts";
import { fitStepMetric } from "../evaluation/planning/step_metric.ts";
import { planFigure, type PlannedWalk } from "../figures/pictures/plan_figure.ts";
import { progressBar } from "../figures/progress.ts";
import { saveFigure } from "../figures/save.ts";
import { table } from "../figures/table.ts";
import { deviation, mean } from "../statistics.ts";
import { disposeAll } from "../tensorflow/backend.ts";
import { isReached, REACHED, type Task } from "../world/episodes.ts";
import type { Plan } from "../world/planners.ts";
import { imagine, plainMetric, type WorldModel } from "../world/planning.ts";
import { type Place, SIDE } from "../world/rooms.ts";
import { loadWorld } from "../world/saved_world.ts";
import { setUpTensorFlow } from "./setup/set_up_tensorflow.ts";
import { parseCommand, tell } from "./terminal/command.ts";
import { checkOutputFile, numberOf, oneOf } from "./terminal/flags.ts";
import { helpText } from "./terminal/help.ts";
import { runCommand } from "./terminal/run_command.ts";

const HELP = helpText(
  "deno task plan --weights DIR [options]",
  `Plans with a world model of two rooms: in each episode it sees a picture of where the dot is and one of its goal in the
  other room, and has ${EPISODE.budget} actions; it is at the goal where it is less than ${REACHED} of ${SIDE} units away at the end. Goals are the
  same in every measurement. Beside it: doing nothing, random actions, and a straight line to the goal.`,
  {
    "--weights DIR": "a run's folder, or its world.safetensors",
    "--episodes N": "goals (default 100)",
    "--planner NAME": "cem | mppi (default mppi)",
    "--metric NAME":
      `how far a state is from the goal's: steps weighs its directions by how little they change in a step,
      which is learned from walks without labels; plain is the squared distance, as in eb_jepa (default steps)`,
    "--samples N": `the planner's sequences of actions, of which an eighth are its elites (default ${PLANNER.samples})`,
    "--iterations N": `times that it draws them (default ${PLANNER.iterations})`,
    "--horizon N": `actions of a sequence (default ${PLANNER.horizon})`,
    "--seeds N": "seeds of the planner and of random actions (default 1)",
    "--out NAME": "the picture: NAME.png, .svg and .html (default plan in the folder of the weights)",
  },
);

/** Episodes in the picture, and actions between plans that it shows. */
const SHOWN = 4, EVERY = 40; // a multiple of EPISODE.executed

/** What an episode of the picture came to: its path so far, and some of its plans with where they were made. */
interface Shown {
  path: readonly Place[];
  plans: { from: Place; actions: Float32Array }[];
}

/** The first episodes as they go on, for the picture. */
function recorder(
  count: number,
): { shown: Shown[]; onPlans(done: number, plans: readonly Plan[], paths: readonly (readonly Place[])[]): void } {
  const shown: Shown[] = Array.from({ length: count }, () => ({ path: [], plans: [] }));
  return {
    shown,
    onPlans(done, plans, paths) {
      shown.forEach((own, i) => {
        const from = paths[i][own.path.length === 0 ? 0 : own.path.length - 1];
        if (own.plans.length === 0 || done % EVERY === 0) own.plans.push({ from, actions: plans[i].actions });
        own.path = paths[i].slice();
      });
    },
  };
}

/** Where a model imagined the dot, read from its imagined states by the probe. */
async function walksOf(
  model: WorldModel,
  probe: PlaceProbe,
  goals: readonly Task[],
  shown: readonly Shown[],
): Promise<PlannedWalk[]> {
  return await Promise.all(shown.map(async ({ path, plans }, i) => {
    const { layout, goal } = goals[i], horizon = plans[0].actions.length / 2;
    const rooms = plans.map(() => goals[i]);
    const states = await imagine(model, rooms, plans.map(({ from }) => from), plans.map(({ actions }) => actions));
    const decoded = probe.places(states);
    const imagined = plans.map(({ from }, k) => [from, ...decoded.slice(k * horizon, (k + 1) * horizon)]);
    const arrived = path.findIndex((place) => isReached(place, goal)), at = isReached(path[path.length - 1], goal);
    const caption = at ? `at the goal after ${arrived} actions` : "not at the goal";
    return { layout, goal, places: path, imagined, caption };
  }));
}

const NAMES: Record<string, string> = {
  model: "world model",
  nothing: "nothing",
  random: "random actions",
  straight: "straight line",
};

function resultTable(results: readonly PlanningResult[]): string {
  const rows = results.map(({ policy, success, distance }) => {
    return [NAMES[policy], mean(success), deviation(success), mean(distance)];
  });
  const decimals = (title: string) => ({ title, decimals: 1 });
  return table(rows, ["policy", decimals("at the goal, %"), decimals("± over seeds"), decimals("distance, units")]);
}

const PLANNERS = ["cem", "mppi"] as const, METRICS = ["steps", "plain"] as const;

/** Its options. */
export const COMMAND = {
  help: HELP,
  options: {
    "weights": { type: "string", values: "folder" },
    "episodes": { type: "string", default: "100" },
    "planner": { type: "string", default: "mppi", values: PLANNERS },
    "metric": { type: "string", default: "steps", values: METRICS },
    "samples": { type: "string", default: `${PLANNER.samples}` },
    "iterations": { type: "string", default: `${PLANNER.iterations}` },
    "horizon": { type: "string", default: `${PLANNER.horizon}` },
    "seeds": { type: "string", default: "1" },
    "out": { type: "string", values: "file" },
  },
} as const;

export async function main(args: string[]): Promise<void> {
  const parsed = await parseCommand(COMMAND, args);
  if (!parsed) return;
  const { values: flags } = parsed, { weights } = flags;
  if (weights === undefined) throw new Error("Say which world model: --weights DIR.");
  const whole = (name: "episodes" | "seeds" | "samples" | "iterations" | "horizon", least = 1) =>
    numberOf(name, flags[name], { integer: true, least })!;
  const episodes = whole("episodes"), seeds = whole("seeds"), samples = whole("samples", 16);
  const planner = {
    ...{ ...PLANNER, planner: oneOf("planner", flags.planner, PLANNERS) },
    ...{ samples, elites: Math.floor(samples / 8), iterations: whole("iterations"), horizon: whole("horizon", 4) },
  };
  const metricName = oneOf("metric", flags.metric, METRICS);
  const out = flags.out ?? `${weights.endsWith(".safetensors") ? dirname(weights) : weights}/plan`;
  await checkOutputFile("out", `${out}.png`);

  await setUpTensorFlow();
  const { config, networks } = await loadWorld(weights), { rooms, networks: size } = config;
  const seeing = { size, picture: rooms.picture, networks };
  const probe = await placeProbe(seeing, rooms, 0);
  const metric = metricName === "plain" ? plainMetric(size.width) : await fitStepMetric(seeing, rooms, 0);
  const model = { ...seeing, metric }, goals = measuredTasks(rooms, episodes), { budget } = EPISODE;
  const bar = progressBar({ label: "Planning", total: seeds * budget, unit: "actions" });
  const recorded = recorder(Math.min(SHOWN, episodes));
  let seed = 0;
  const results = await measurePlanning(model, rooms, {
    ...{ episodes, seeds, planner },
    onPlans(done, plans, paths) {
      const reached = goals.filter(({ goal }, i) => isReached(paths[i][paths[i].length - 1], goal)).length;
      bar.update(seed * budget + done, { "at the goal": reached });
      if (seed === 0) recorded.onPlans(done, plans, paths);
      if (done === budget) seed++;
    },
  }).finally(() => bar.stop());
  const { r2, rmse } = probe;
  console.log(resultTable(results));
  console.log(
    `Places read from states by ridge regression: R2 ${
      r2.map((value) => value.toFixed(3)).join(" and ")
    } in x and y, ` +
      `${rmse.map((value) => value.toFixed(1)).join(" and ")} units off.`,
  );
  const walks = await walksOf(model, probe, goals, recorded.shown);
  disposeAll([networks, metric]);
  await saveFigure(planFigure(walks), out);
  const about = { weights, rooms: rooms.layout, episodes, seeds, planner, metric: metricName };
  await tell({ ...about, places: { r2, rmse }, results, picture: `${out}.png` });
  console.log(`Picture: ${out}.png (and .html, .svg)`);
}

if (import.meta.main) await runCommand(main);
