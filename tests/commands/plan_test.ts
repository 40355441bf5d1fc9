import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { PlanningResult } from "../../lib/evaluation/planning/measure_planning.ts";
import { withFolder } from "../with_folder.ts";
import { showsProgress } from "./in_process.ts";

async function command(name: string, ...args: string[]): Promise<{ code: number; out: string; error: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", `lib/commands/${name}.ts`, ...args],
    stdin: "null",
    env: { NO_COLOR: "1" },
  }).output();
  return { code, out: new TextDecoder().decode(stdout), error: new TextDecoder().decode(stderr) };
}

/** The preset made so small that two steps of it take no time. */
const SMALL = [
  ...["--preset", "two-rooms", "--batch", "4", "--epochs", "1", "--precision", "float32"],
  ...[
    "episodes=8",
    "rooms.sharing=2",
    "rooms.frames=3",
    "horizon=2",
    "regulariser.lag=2",
    "networks.hidden=[8]",
    "networks.width=6",
  ]
    .flatMap((part) => ["--set", part]),
];

Deno.test("a world model is trained by pretrain, and plan measures it, draws it and writes the numbers down", async () => {
  await withFolder(async (dir) => {
    const trained = await command("pretrain", ...SMALL, "--out", `${dir}/run`, "--json", `${dir}/run.json`);
    assertEquals(trained.code, 0, trained.error);
    assert(!showsProgress(trained.error), trained.error);
    assertEquals(JSON.parse(await Deno.readTextFile(`${dir}/run.json`)), {
      ...{ run: `${dir}/run`, finished: true, steps: 2, weights: `${dir}/run/world.safetensors` },
      ...{ log: `${dir}/run/log.jsonl`, skipped: [], pictures: [`${dir}/run/loss.png`] },
    });
    assertStringIncludes(trained.out, "2 steps of 4 walks from two rooms with random walls");
    assertStringIncludes(trained.out, `deno task plan --weights ${dir}/run`);
    const planner = ["--samples", "16", "--iterations", "1", "--horizon", "4"];
    const { code, out, error } = await command(
      ...["plan", "--weights", `${dir}/run`, "--episodes", "3", "--seeds", "2", ...planner] as const,
      ...["--json", `${dir}/plan.json`],
    );
    assertEquals(code, 0, error);
    assert(!showsProgress(error), error);
    assertStringIncludes(out, "straight line");
    const { results, episodes } = JSON.parse(await Deno.readTextFile(`${dir}/plan.json`));
    assertEquals(episodes, 3);
    const counts = results.map(({ policy, success }: PlanningResult) => [policy, success.length]);
    assertEquals(counts, [["model", 2], ["nothing", 1], ["random", 2], ["straight", 1]]);
    assertEquals(results[1].success, [0]);
    assert((await Deno.stat(`${dir}/run/plan.png`)).size > 1000);
  });
});

Deno.test("what a world model cannot be trained or planned with is said in one sentence", async () => {
  const cases: [string, string[], string][] = [
    [
      "pretrain",
      ["--preset", "two-rooms", "--data", "cifar10"],
      "--data is for images, and a world model is trained on none",
    ],
    [
      "pretrain",
      ["--preset", "two-rooms", "--set", "horizon=17"],
      "horizon must be less than rooms.frames, which is 17; got 17.",
    ],
    [
      "pretrain",
      ["--preset", "camera-scenes", "--data", "cifar10"],
      "--data is for images, and a world model is trained on none",
    ],
    [
      "pretrain",
      ["--preset", "camera-scenes", "--set", "rollout=4"],
      "rollout must be less than scenes.frames, which is 4; got 4.",
    ],
    ["plan", [], "Say which world model: --weights DIR."],
    ["plan", ["--weights", "nowhere", "--planner", "a-star"], '--planner is cem or mppi; got "a-star".'],
    ["plan", ["--weights", "weights/cifar10/encoder.safetensors", "--out", "/tmp/plan"], "is no world model"],
  ];
  for (const [name, args, sentence] of cases) {
    const { code, error } = await command(name, ...args);
    assertEquals(code, 1);
    assertStringIncludes(error, sentence);
  }
});
