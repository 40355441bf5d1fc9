/** @module Tests of lib/reproduction/compute.ts. */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { cpuDevice } from "../../lib/jepa/pretraining/estimate.ts";
import { checkConfig } from "../../lib/methods/check_config.ts";
import { flopsPerImage } from "../../lib/methods/flops.ts";
import { preset } from "../../lib/methods/methods.ts";
import { computeFigure, type ComputeRow, costOfRun, planCompute } from "../../lib/reproduction/compute.ts";
import { secondsOf } from "../../lib/reproduction/step.ts";
import { withFolder } from "../with_folder.ts";

Deno.test("each method has a run of each length and seed, of a configuration that pretrain takes", () => {
  const { steps } = planCompute(2), runs = steps.filter(({ task }) => task === "pretrain");
  assertEquals([steps.length, runs.length], [2 * 36, 36]);
  assertEquals(new Set(runs.map(({ trains }) => trains)).size, 36);
  for (const { args, config } of runs) {
    checkConfig(config!);
    const after = (flag: string) => Number(args[args.indexOf(flag) + 1]);
    assertEquals([config!.epochs, config!.seed], [after("--epochs"), after("--seed")]);
  }
});

Deno.test("a run's seconds are its usual step's, whatever compiling took, and its FLOPs those of the images it saw", () =>
  withFolder(async (dir) => {
    const config = preset("mae-cifar10"), log = [15, 0.2, 0.3, 12, 0.2].map((seconds, i) => ({ step: i + 1, seconds }));
    await Deno.writeTextFile(`${dir}/config.json`, JSON.stringify({ ...config, clip: 3 }));
    await assertRejects(() => costOfRun(dir), Error, `${dir}/log.jsonl has no step`);
    await Deno.writeTextFile(`${dir}/log.jsonl`, log.map((line) => JSON.stringify(line) + "\n").join(""));
    const { flops, seconds } = await costOfRun(dir);
    assertAlmostEquals(seconds, 5 * 0.3);
    assertEquals(flops, 5 * 128 * flopsPerImage(config));
  }));

Deno.test("the estimate of another method is its FLOPs over what the device reaches", () => {
  const device = cpuDevice(2, 8e9), config = { ...preset("mae-cifar10"), epochs: 2, precision: "float32" as const };
  // By hand: 2 x floor(50,000 / 128) steps of 128 images on 2 cores of 112 GFLOP/s, half of it.
  const byHand = 780 * 128 * flopsPerImage(config) / (2 * 112e9 * 0.5);
  assertAlmostEquals(secondsOf(config, { images: 50_000, device, share: 0.5 }), byHand, 1e-9 * byHand);
});

Deno.test("the figure has a line for each method over FLOPs, or over seconds, with the seeds' deviations", () => {
  const row = (method: string, flops: number): ComputeRow => ({
    ...{ method, flops, epochs: 1 },
    seconds: [60, 70],
    scores: [30, 34],
  });
  const rows = [row("MAE", 2e12), row("MAE", 4e12), row("I-JEPA", 3e12)], protocol = "lowshot";
  const { data } = computeFigure(rows, { protocol }, "flops");
  assertEquals(data.map(({ name, x, y }) => [name, x, y]), [["MAE", [2, 4], [32, 32]], ["I-JEPA", [3], [32]]]);
  assertEquals((data[1].error_y as { array: number[] }).array, [Math.sqrt(8)]);
  const seconds = computeFigure(rows, { protocol }, "seconds");
  assertEquals(seconds.data.map(({ x }) => x), [[65, 65], [65]]);
  assert(JSON.stringify(seconds.layout).includes("seconds on this machine"));
});
