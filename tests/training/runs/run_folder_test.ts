import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { Dataset } from "../../../lib/datasets/dataset.ts";
import { memoryDataset } from "../../../lib/datasets/memory.ts";
import { openRunFolder, readConfig, readRunSource, truncateLog } from "../../../lib/training/runs/run_folder.ts";

const CONFIG = { batch: 8, clip: Infinity };

const images = (name: string, first = 0): Dataset =>
  memoryDataset({
    ...{ name, classes: ["only"], width: 1, height: 1 },
    pixels: Uint8Array.of(first, 1, 2, 3, 4, 5),
    labels: new Int32Array(2),
  });

async function withFolder(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "run_folder_test_" });
  try {
    await test(`${dir}/run`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Begins the run, or opens it again, and lets go of it. */
async function open(dir: string, data: Dataset | undefined, resume: boolean, config: object = CONFIG): Promise<void> {
  using _writer = await openRunFolder(dir, config, data, resume);
}

const readData = async (dir: string) => JSON.parse(await Deno.readTextFile(`${dir}/data.json`));

Deno.test("a run without images has no data.json, and goes on by its configuration alone", () =>
  withFolder(async (dir) => {
    await open(dir, undefined, false);
    await assertRejects(() => readData(dir), Deno.errors.NotFound);
    await open(dir, undefined, true);
    await assertRejects(() => open(dir, undefined, true, { ...CONFIG, batch: 4 }), Error, "another batch");
  }));

Deno.test("a run goes on with its images under another name and at another place, which it then knows", () =>
  withFolder(async (dir) => {
    await open(dir, { ...images("/scratch/1/train"), source: "/scratch/1" }, false);
    assertEquals(await readRunSource(dir), "/scratch/1");
    await open(dir, { ...images("/scratch/2/train"), source: "/scratch/2" }, true);
    assertEquals(await readRunSource(dir), "/scratch/2");
    await open(dir, images("somebody's own"), true);
    assertEquals(await readRunSource(dir), "/scratch/2");
    await assertRejects(
      () => open(dir, { ...images("other", 9), source: "/other" }, true),
      Error,
      `The run in ${dir} was started on /scratch/2, and the images of /other are others: as many, but other pixels. ` +
        "Name the data that it was started on (--data).",
    );
    assertEquals(await readRunSource(dir), "/scratch/2");
  }));

Deno.test("a run of before, whose data.json has a name and a length, goes on, and then knows its images", () =>
  withFolder(async (dir) => {
    await open(dir, images("CIFAR-10 train"), false);
    const old = (name: string, length = 2) => Deno.writeTextFile(`${dir}/data.json`, JSON.stringify({ name, length }));
    await old("CIFAR-10 train");
    assertEquals(await readRunSource(dir), "cifar10");
    await open(dir, images("CIFAR-10 train"), true);
    assert((await readData(dir)).fingerprint.pixels);

    await old("some/folder/");
    assertEquals(await readRunSource(dir), undefined);
    await open(dir, images("./some/folder"), true);
    await old("some/folder");
    await assertRejects(() => open(dir, images("another"), true), Error, "they were called some/folder");
    await old("some/folder", 3);
    await assertRejects(() => open(dir, images("some/folder"), true), Error, "there are 2, where the run has 3");
    await Deno.writeTextFile(`${dir}/data.json`, "{");
    await assertRejects(() => open(dir, images("another"), true), Error, "data.json, which says what images");
  }));

Deno.test("the shipped runs say what they were trained on", async () => {
  assertEquals(await readRunSource("weights/cifar10"), "cifar10");
  assertEquals(await readRunSource("weights/cifar10/decoder"), "cifar10");
  assertEquals(await readRunSource("weights/scenes"), "scenes");
});

Deno.test("openRunFolder() refuses a folder with a run, a run with other options, and makes no folder to go on in", () =>
  withFolder(async (dir) => {
    await assertRejects(() => open(dir, images("x"), true), Error, "holds no run");
    assertEquals(await Deno.stat(dir).catch(() => undefined), undefined);
    await open(dir, images("x"), false);
    await assertRejects(() => open(dir, images("x"), false), Error, "holds a run already: go on with it (--resume)");
    await assertRejects(() => open(dir, images("x"), true, { ...CONFIG, batch: 4 }), Error, "with another batch");
    const cut = { ...CONFIG, microBatch: 4 };
    await assertRejects(() => open(dir, images("x"), true, cut), Error, "with another microBatch");
    await open(dir, images("x"), true); // none of these kept it
    await open(`${dir}-cut`, images("x"), false, cut);
    await assertRejects(() => open(`${dir}-cut`, images("x"), true), Error, "with another microBatch");
  }));

const line = (step: number, from = "first") => JSON.stringify({ step, from }) + "\n";

Deno.test("truncateLog() keeps what was written last of each step up to the checkpoint, and tells of a gap", () =>
  withFolder(async (dir) => {
    await Deno.mkdir(dir);
    const cases: { log: string | undefined; steps: number[]; note?: string }[] = [
      { log: [1, 2, 3, 4].map((step) => line(step)).join(""), steps: [1, 2, 3, 4] },
      { log: [1, 2, 3, 4, 5, 6].map((step) => line(step)).join("") + '{"step":7,', steps: [1, 2, 3, 4] },
      { log: line(1) + line(2), steps: [1, 2], note: "log.jsonl lacks 2 of the 4 steps of its checkpoint" },
      { log: line(1) + '{"st' + line(3) + line(4), steps: [1, 4], note: "lacks 2 of the 4 steps" },
      { log: "\0\0\0\0" + line(4), steps: [], note: "lacks 4 of the 4 steps" },
      { log: undefined, steps: [], note: "lacks 4 of the 4 steps" },
    ];
    for (const { log, steps, note } of cases) {
      if (log === undefined) await Deno.remove(`${dir}/log.jsonl`);
      else await Deno.writeTextFile(`${dir}/log.jsonl`, log);
      const notes: string[] = [];
      const entries = await truncateLog(dir, 4, (said) => notes.push(said));
      assertEquals(entries.map(({ step }) => step), steps, log);
      assertEquals(notes.length, note ? 1 : 0, notes.join());
      if (note) assertStringIncludes(notes[0], note);
      assertEquals(await Deno.readTextFile(`${dir}/log.jsonl`), steps.map((step) => line(step)).join(""));
    }
    // Two writers.
    await Deno.writeTextFile(
      `${dir}/log.jsonl`,
      [1, 2, 3, 4].map((s) => line(s)).join("") + line(2, "x") + line(3, "x"),
    );
    const mixed = await truncateLog<{ step: number; from: string }>(dir, 3, (note) => assert(false, note));
    assertEquals(mixed, [{ step: 1, from: "first" }, { step: 2, from: "x" }, { step: 3, from: "x" }]);
  }));

Deno.test("a config.json that is damaged is named in one sentence", () =>
  withFolder(async (dir) => {
    await Deno.mkdir(dir);
    await assertRejects(() => readConfig(dir), Error, `${dir} holds no run: it has no config.json.`);
    for (const text of ['{"batch": 8,\n "clip', "", "[1]", "null", '"text"']) {
      await Deno.writeTextFile(`${dir}/config.json`, text);
      const { message } = await assertRejects(() => readConfig(dir), Error, `${dir}/config.json `);
      assertEquals(message.split("\n").length, 1, message);
    }
  }));
