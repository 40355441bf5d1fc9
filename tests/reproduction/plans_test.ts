/** What a table or figure takes: commands, shared between tables, and which of them are left. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { changedBySet } from "../../lib/commands/inputs/config_flags.ts";
import type { MethodConfig } from "../../lib/methods/methods.ts";
import { checkConfig } from "../../lib/methods/check_config.ts";
import { ABLATIONS } from "../../lib/reproduction/ablations.ts";
import { planAblation, SMALL_PRESET } from "../../lib/reproduction/ablation_plan.ts";
import { itemNamed, ITEMS, planOf } from "../../lib/reproduction/catalogue.ts";
import { preset, type RunConfig } from "../../lib/jepa/pretraining/presets.ts";
import { changed, clearFolder, nextStep, setArguments, type Step, stepsLeft } from "../../lib/reproduction/step.ts";
import { withFolder } from "../with_folder.ts";

Deno.test("the paper has 15 tables and 8 figures, each with its claim", () => {
  const names = [...Array.from({ length: 15 }, (_, i) => `table${i + 1}`), ...[..."12345678"].map((n) => `figure${n}`)];
  assertEquals(Object.keys(ITEMS), names);
  for (const { title, claim } of Object.values(ITEMS)) assert(title.length > 5 && claim.endsWith("."));
});

Deno.test("an item is found as it may be typed, and another is refused with what there is", () => {
  for (const typed of ["table6", "Table 6", "table-6", "6", "tab. 6"]) assertEquals(itemNamed(typed)[0], "table6");
  for (const typed of ["figure4", "Fig 4", "fig. 4"]) assertEquals(itemNamed(typed)[0], "figure4");
  for (const typed of ["table16", "figure0", "", "masks", "toString"]) {
    assertThrows(
      () => itemNamed(typed),
      RangeError,
      "its tables are table1 to table15, its figures figure1 to figure8",
    );
  }
});

// The paper's Tables 6, 10 and 12, copied by hand.
Deno.test("ablations at the paper's scale are its settings, with its numbers", () => {
  const numbers = (name: keyof typeof ABLATIONS) => ABLATIONS[name].paper.settings.map(({ published }) => published);
  assertEquals(numbers("table6"), [54.2, 15.5, 20.2, 17.6]);
  assertEquals(numbers("table10"), [9.0, 22.0, 48.5, 54.2]);
  assertEquals(numbers("table12"), [64.0, 66.9]);
  const { steps } = planAblation(ABLATIONS.table12, { scale: "paper", seeds: 1, data: "/in", subset: "/1percent.txt" });
  const [shallow, , deep] = steps.map(({ config }) => config as RunConfig);
  assertEquals([shallow.epochs, shallow.architecture.width, shallow.architecture.predictor.depth], [500, 1024, 6]);
  assertEquals(deep.architecture.predictor.depth, 12);
  const single = planAblation(ABLATIONS.table6, { scale: "paper", seeds: 1 }).steps[4].config as RunConfig;
  assertEquals(single.masks, { sampler: "singleBlock" });
});

Deno.test("every setting of every ablation is a configuration that pretrain takes, by the --set that is printed", () => {
  for (const table of Object.values(ABLATIONS)) {
    for (const scale of ["small", "paper"] as const) {
      for (const { args, config } of planAblation(table, { scale, seeds: 2 }).steps) {
        if (!config) continue;
        checkConfig(config);
        const after = (flag: string) => args.flatMap((arg, i) => args[i - 1] === flag ? [arg] : []);
        const typed = changedBySet(preset(after("--preset")[0]), { set: after("--set") });
        assertEquals({ ...typed as RunConfig, seed: Number(after("--seed")[0]) }, config);
      }
    }
  }
});

Deno.test("a setting is the same run in every table, so that tables share it", () => {
  const configs = new Map<string, MethodConfig>();
  let shared = 0;
  for (const table of Object.values(ABLATIONS)) {
    for (const { trains, config } of planAblation(table, { scale: "small", seeds: 2 }).steps) {
      if (!trains || !config) continue;
      const before = configs.get(trains);
      if (before) shared++, assertEquals(config, before, trains);
      configs.set(trains, config);
    }
  }
  assertEquals(shared, 2 * (9 - 2), "nine tables share two bases: of two seeds four trainings, not eighteen");
  assertEquals(new Set(Array.from(configs.values(), (config) => JSON.stringify(config))).size, configs.size);
});

Deno.test("changes and --set say the same", () => {
  const changes = { "masks.blocks": 1, "masks.targetScale": [0.1, 0.2], "targets": "pixels" };
  assertEquals(setArguments(changes), [
    ...["--set", "masks.blocks=1", "--set", "masks.targetScale=[0.1,0.2]", "--set", "targets=pixels"],
  ]);
  const base = preset(SMALL_PRESET), after = changed(base, changes);
  assertEquals(after.masks, { sampler: "multiBlock", contextLength: 20, blocks: 1, targetScale: [0.1, 0.2] });
  assertEquals(after.targets, "pixels");
  assertEquals(base.targets, undefined);
});

Deno.test("what is done is not run again, what was begun goes on, and another run is refused", () =>
  withFolder(async (dir) => {
    const config = preset("smoke"), trains = `${dir}/run`;
    const step: Step = {
      task: "pretrain",
      args: ["--preset", "smoke", "--seed", "3", "--out", trains, "--no-eval", "--monitor", "0"],
      makes: `${trains}/encoder.safetensors`,
      trains,
      config,
    };
    assertEquals(await nextStep(step), step.args);
    await Deno.mkdir(trains);
    await Deno.writeTextFile(`${trains}/config.json`, JSON.stringify({ ...config, clip: config.clip }));
    assertEquals(await nextStep(step), step.args, "without a checkpoint it begins again");
    await clearFolder(step);
    assertEquals(Array.from(Deno.readDirSync(trains)), []);
    await Deno.writeTextFile(`${trains}/config.json`, JSON.stringify(config));
    await Deno.writeTextFile(`${trains}/checkpoint-00000200.safetensors`, "");
    assertEquals(await nextStep(step), ["--resume", "--out", trains, "--no-eval", "--monitor", "0"]);
    await clearFolder(step);
    assertEquals(Array.from(Deno.readDirSync(trains)).length, 2, "what can go on is kept");
    assertEquals(await stepsLeft({ steps: [step], missing: [] }), [step]);
    await Deno.writeTextFile(step.makes, "");
    assertEquals(await nextStep(step), undefined);
    assertEquals(await stepsLeft({ steps: [step], missing: [] }), []);
    await Deno.remove(step.makes);
    const evaluation = `${dir}/evaluation.json`;
    assertEquals((await nextStep({ ...step, onlyFor: evaluation }))?.[0], "--resume");
    await Deno.writeTextFile(evaluation, "{}");
    assertEquals(await nextStep({ ...step, onlyFor: evaluation }), undefined, "its evaluation is all that was wanted");
    const masks = { sampler: "random" } as const;
    await assertRejects(
      () => nextStep({ ...step, config: { ...config, masks } }),
      Error,
      `${trains} holds a run of another configuration: its masks is`,
    );
  }));

Deno.test("what the paper's scale needs is said by option", () => {
  const missing = (name: string, given: object = {}) =>
    planOf(...itemNamed(name), { scale: "paper", seeds: 1, ...given })!.missing.map(({ option }) => option);
  assertEquals(missing("table6"), ["data", "subset"]);
  assertEquals(missing("table6", { data: "/in", subset: "/list" }), []);
  assertEquals(missing("table4", { weights: "w.pth.tar" }), ["clevr"]);
  assertEquals(missing("table5"), ["data", "imagenet22k", "places205", "inat18", "clevr"]);
  assertEquals(missing("figure6"), ["data", "weights"]);
});

Deno.test("evaluations of other weights, or of more seeds, are not taken for those that are there", () => {
  const files = (given: object) =>
    planOf(...itemNamed("table1"), { scale: "paper", seeds: 1, data: "/in", ...given })!.steps.map(({ makes }) =>
      makes
    );
  const all = [
    ...files({ weights: "runs/a/encoder.safetensors" }),
    ...files({ weights: "runs/b/encoder.safetensors" }),
    ...files({ weights: "runs/a/encoder.safetensors", seeds: 3 }),
  ];
  assertEquals(new Set(all).size, 3);
  for (const file of all) assertEquals(file.split("/").slice(0, -1).join("/"), "weights/reproduce/paper/table1");
});
