import "../tensorflow/loaded.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import sharp from "sharp";
import { main } from "../../lib/commands/pretrain.ts";
import { STOPPED } from "../../lib/commands/processes/exit_codes.ts";
import { randomStream } from "../../lib/random.ts";
import { readRunSource } from "../../lib/training/runs/run_folder.ts";
import { eventsIn } from "../tensorflow/event_file.ts";
import { inProcess } from "./in_process.ts";
import { stopped, typed } from "./typed.ts";

const COMMAND = ["run", "-A", "--no-check", "lib/commands/pretrain.ts"];

const pretrain = (...args: string[]) => inProcess(main, ...args);

/** A folder of two classes of noise images, or of grey ones. */
async function makeImages(dir: string, perClass: number, grey?: number): Promise<void> {
  const random = randomStream(1);
  for (const name of ["cats", "dogs"]) {
    await Deno.mkdir(`${dir}/${name}`, { recursive: true });
    for (let i = 0; i < perClass; i++) {
      const pixels = Uint8Array.from({ length: 32 * 32 * 3 }, () => grey ?? random.integer(256));
      await sharp(pixels, { raw: { width: 32, height: 32, channels: 3 } }).png().toFile(`${dir}/${name}/${i}.png`);
    }
  }
}

Deno.test("pretrain ends with one sentence and exit code 1 where it is told nonsense", async () => {
  const dir = await Deno.makeTempDir();
  for (const split of ["Train", "Test"]) await makeImages(`${dir}/few/${split}`, 2);
  await makeImages(`${dir}/doubtful/pets`, 1);
  const whole = await Deno.readTextFile("weights/cifar10/config.json");
  await Deno.writeTextFile(`${dir}/whole.json`, whole);
  await Deno.writeTextFile(`${dir}/torn.json`, whole.slice(0, 300));
  await Deno.writeTextFile(`${dir}/old.json`, '{"batch": 8}');
  await Deno.mkdir(`${dir}/torn`);
  await Deno.writeTextFile(`${dir}/torn/config.json`, whole.replace('"seed": 0', '"seed": "0"'));
  const cases: [string[], RegExp][] = [
    [
      ["--data", `${dir}/few`],
      /^Without --no-eval the encoder is evaluated after .*: linear-fast: .*\/few\/Train has 4 images, too few to hold out/,
    ],
    [
      ["--data", `${dir}/doubtful`],
      /\/pets holds no images itself, .*: name the folder .*, or add --layout classes where/,
    ],
    [["--data", `${dir}/few`, "--layout", "trees"], /^--layout is splits or classes or flat; got "trees"\.\n$/],
    [
      ["--preset", "huge"],
      /^No preset of this command is called "huge": there are cifar10, .*, mae-cifar10, .*, two-rooms, .*\.\n$/,
    ],
    [
      ["--preset", "two-room"],
      /^No preset of this command is called "two-room" \(did you mean two-rooms\?\): there are /,
    ],
    [["--epochs", "many"], /^--epochs takes a number from 0 on; got "many"\.\n$/],
    [["--monitor", "1.5"], /^--monitor takes a whole number from 0 on; got "1\.5"\.\n$/],
    [["--keep", "0"], /^--keep takes a whole number from 1 on; got "0"\.\n$/],
    [["--precision", "float16"], /^--precision is auto or float32 or bfloat16; got "float16"\.\n$/],
    [["--data", `${dir}/nowhere`], /nowhere.*\n$/],
    [["--resume", "--out", `${dir}/nothing`], /holds no run/],
    [
      ["--set", "masks.bloks=1"],
      /^masks\.bloks is not known \(did you mean masks\.blocks\?\): masks has sampler, .*\.\n$/,
    ],
    [["--set", "learningRate.peak=0"], /^learningRate\.peak must be a number above 0; got 0\.\n$/],
    [["--lr", "0"], /^learningRate\.peak must be a number above 0; got 0\.\n$/],
    [
      ["--lr", "1", "--set", "learningRate.peak=1"],
      /^--lr and --set .* name the same part: leave one of them out\.\n$/,
    ],
    [["--config", `${dir}/none.json`], /^--config: there is no file .*none\.json\.\n$/],
    [["--config", `${dir}/torn.json`], /torn\.json cannot be read: .*JSON.*\n$/],
    [["--config", `${dir}/old.json`], /old\.json: architecture is missing\.\n$/],
    [["--config", "weights/cifar10/config.json", "--preset", "cifar10"], /^--preset names .*: leave --config out\.\n$/],
    [["--config", "weights/cifar10/config.json", "--resume"], /^--resume goes on with .*: leave --config out\.\n$/],
    [["--config", `${dir}/whole.json`], /whole\.json does not say what images it is for: say it with --data\.\n$/],
    [
      ["--resume", "--out", `${dir}/torn`],
      /torn\/config\.json: seed must be a whole number of at least 0; got "0"\.\n$/,
    ],
    [["--colour"], /^Unknown option '--colour'\. --help lists the options\.\n$/],
  ];
  for (const [args, message] of cases) {
    const { code, error } = await pretrain(...args);
    assertEquals(code, 1, args.join(" "));
    assertMatch(error, message);
    assertEquals(error.trimEnd().split("\n").length, 1, error);
  }
  await Deno.remove(dir, { recursive: true });
});

Deno.test("pretrain names a corrupt image, and leaves it out on request", async () => {
  const dir = await Deno.makeTempDir();
  await makeImages(`${dir}/images`, 4);
  await Deno.writeTextFile(`${dir}/images/dogs/1.png`, "not a picture");
  const options = ["--preset", "smoke", "--data", `${dir}/images`, "--batch", "4", "--epochs", "1"];

  const stopped = await pretrain(...options, "--out", `${dir}/stopped`);
  assertEquals(stopped.code, 1);
  assertMatch(
    stopped.error,
    /images\/dogs\/1\.png cannot be read as an image \(.*\): repair .*, or add --skip-bad-images\.\n$/,
  );

  const skipped = await pretrain(...options, "--out", `${dir}/skipped`, "--skip-bad-images", "--tensorboard");
  assertEquals(skipped.code, 0, skipped.error);
  assertMatch(skipped.out, /1 image\(s\) could not be read and were skipped: .*dogs\/1\.png/);
  assertStringIncludes(skipped.out, "No evaluation");
  assertStringIncludes(skipped.out, `${dir}/images to train on: 8 images, 2 classes (cats, dogs).\n`);
  const log = (await Deno.readTextFile(`${dir}/skipped/log.jsonl`)).trimEnd().split("\n").map((line) =>
    JSON.parse(line)
  );
  assertEquals(log.map(({ measures }) => Object.keys(measures)), Array(2).fill(["rankMe", "lidar", "knn", "linear"]));
  const events = await eventsIn(`${dir}/skipped/tensorboard`),
    told = (tag: string) => events.filter((e) => e.tag === tag);
  for (const name of ["loss", "learningRate", "gradientNorm"]) {
    const scalars = log.map(({ step, [name]: value }) => ({ step, tag: name, scalar: Math.fround(value) }));
    assertEquals(told(name), scalars, "TensorBoard's are the log's");
  }
  assertEquals(told("measures/rankMe").map(({ step }) => step), [1, 2]);
  assertEquals(told("weights/pos_embed").map(({ step, histogram }) => [step, histogram!.count]), [[1, 2048], [
    2,
    2048,
  ]]);
  assertEquals(told("masks/image").map(({ step, image }) => [step, image!.png.length > 1000]), [[0, true]]);
  for (const file of ["encoder.safetensors", "loss.png", "loss.html", "masks.png"]) {
    assert((await Deno.stat(`${dir}/skipped/${file}`)).size > 0, file);
  }
  await Deno.remove(dir, { recursive: true });
});

Deno.test("pretrain takes a run's config.json, its images with it, and changes to any part of it", async () => {
  const dir = await Deno.makeTempDir(), first = `${dir}/first`;
  await makeImages(`${dir}/images`, 4);
  const small = ["--batch", "4", "--epochs", "1", "--monitor", "0"];
  const set = [
    "architecture.depth=1",
    "architecture.predictor.depth=2",
    "targets=pixels",
    "crop.scale=[0.5,1]",
    "clip=null",
  ];
  const begun = await pretrain(
    ...["--preset", "smoke", "--data", `${dir}/images`, "--out", first, ...small],
    ...set.flatMap((text) => ["--set", text]),
  );
  assertEquals(begun.code, 0, begun.error);
  const kept = JSON.parse(await Deno.readTextFile(`${first}/config.json`));
  assertEquals([kept.architecture.predictor.depth, kept.targets, kept.crop.scale, kept.clip, kept.batch], [
    ...[2, "pixels", [0.5, 1], "Infinity", 4],
  ]);

  const same = await pretrain("--config", `${first}/config.json`, "--monitor", "0", "--out", `${dir}/same`);
  assertEquals(same.code, 0, same.error);
  assertEquals(JSON.parse(await Deno.readTextFile(`${dir}/same/config.json`)), kept);
  const weights = (name: string) => Deno.readFile(`${dir}/${name}/encoder.safetensors`);
  assertEquals(await weights("same"), await weights("first"));

  const goOn = (text: string, ...rest: string[]) =>
    pretrain("--resume", "--out", first, "--monitor", "0", "--set", text, ...rest);
  const other = await goOn("seed=3", "--data", `${dir}/not looked for yet`);
  assertEquals(other.code, 1);
  assertStringIncludes(other.error, "was started with another seed (see its config.json)");
  assertEquals((await goOn("seed=0")).code, 0);
  await Deno.remove(dir, { recursive: true });
});

Deno.test("pretrain with a method beside I-JEPA trains, and has no masks to draw", async () => {
  const dir = await Deno.makeTempDir();
  await makeImages(`${dir}/images`, 4);
  const options = ["--preset", "simmim-cifar10", "--batch", "4", "--epochs", "1", "--monitor", "0"];
  const { code, out, error } = await pretrain(...options, "--data", `${dir}/images`, "--out", `${dir}/run`);
  assertEquals(code, 0, error);
  assertMatch(out, /Pictures: \S+loss\.png \(and/);
  const config = JSON.parse(await Deno.readTextFile(`${dir}/run/config.json`));
  assertEquals([config.method, config.batch], ["simmim", 4]);
  await Deno.remove(dir, { recursive: true });
});

Deno.test("pretrain stopped by Ctrl-C goes on where its last line is typed, and warns of a collapse once", async () => {
  const dir = await Deno.makeTempDir(), run = `${dir}/the run`;
  await makeImages(`${dir}/images`, 8, 128); // representations of the same image cannot differ
  const options = [
    "--preset",
    "smoke",
    "--data",
    `${dir}/images/`,
    "--batch",
    "4",
    "--epochs",
    "60",
    "--monitor",
    "80",
    "--set",
    "architecture.depth=1",
  ];
  const command = new Deno.Command(Deno.execPath(), {
    args: [...COMMAND, ...options, "--out", run],
    ...{ stdin: "null", stdout: "piped", stderr: "piped", env: { NO_COLOR: "1" } },
  });
  const { code, out, error } = await stopped(command, `${run}/log.jsonl`);
  assertEquals(code, STOPPED, error);
  assertMatch(error, /Stopping after this step, with a checkpoint\. Ctrl-C again, from 2 s on, ends it at once/);
  const [, step, goOn] = /^Stopped at step (\d+) of 240, with a checkpoint\. Go on with: (.*)$/m.exec(out) ?? [];
  assert(Number(step) < 240, out + error);
  assertEquals(goOn, `deno task pretrain --resume --out '${run}' --monitor 80`);

  // What is refused says what to type, too.
  const again = await pretrain(...options, "--out", run);
  assertStringIncludes(
    again.error,
    `the run holds a run already: go on with it (${goOn}), or name another folder (--out)`,
  );
  await Deno.rename(`${dir}/images`, `${dir}/moved`);
  const moved = await typed(goOn);
  assertEquals(moved.code, 1);
  assertStringIncludes(moved.error, `were in ${dir}/images, which is gone: say with --data where they are now.`);

  // All options but the place of the data are those that the run was started with.
  const resumed = await typed(`${goOn} --data ${dir}/moved`);
  assertEquals(resumed.code, 0, resumed.error);
  assertStringIncludes(resumed.error, `Goes on after step ${step}.`);
  const warnings = resumed.error.split("\n").filter((line) => line.startsWith("Warning: The representations"));
  assertEquals(warnings.length, 1, resumed.error);
  assertMatch(warnings[0], /^Warning: The representations are collapsing at step \d+: they differ .* of 0\.0/);
  const steps = (await Deno.readTextFile(`${run}/log.jsonl`)).trimEnd().split("\n").map((line) =>
    JSON.parse(line).step
  );
  assertEquals(steps, Array.from({ length: 240 }, (_, i) => i + 1));
  assertEquals(await readRunSource(run), `${dir}/moved`);
  await Deno.remove(dir, { recursive: true });
});
