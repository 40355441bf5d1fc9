import "../tensorflow/loaded.ts";
import { assert, assertEquals, assertGreater, assertMatch, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { main } from "../../lib/commands/evaluate.ts";
import { main as exportMain } from "../../lib/commands/export.ts";
import type { EvaluationResult } from "../../lib/evaluation/evaluate.ts";
import { findImages } from "../../lib/datasets/folders/image_list.ts";
import { defaultPreprocessing } from "../../lib/datasets/pixels/preprocessing.ts";
import { encoderShapes } from "../../lib/jepa/architectures.ts";
import { loadEncoder } from "../../lib/jepa/pretrained.ts";
import { saveEncoder } from "../../lib/jepa/save_encoder.ts";
import { initialise } from "../../lib/nn/initialisation.ts";
import { tf } from "../../lib/tensorflow/backend.ts";
import { readSafetensors } from "../../lib/weights/formats/safetensors.ts";
import { inProcess } from "./in_process.ts";

const evaluate = (...args: string[]) => inProcess(main, ...args);

/** The command in a process of its own, which finds data/ in the folder that it is started in. */
function evaluateIn(cwd: string, ...args: string[]): Deno.Command {
  const program = fileURLToPath(new URL("../../lib/commands/evaluate.ts", import.meta.url));
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", program, ...args],
    ...{ cwd, stdin: "null", stdout: "piped", stderr: "piped", env: { NO_COLOR: "1" } },
  });
}

/** A folder with an encoder, weights.safetensors, and images/train and images/val of red and blue squares. */
async function withEncoder(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    const size = { image: 16, patch: 4, width: 16, depth: 4, heads: 2, mlpRatio: 4 };
    const parameters = initialise(encoderShapes(size), 1, "xavier");
    await saveEncoder(`${dir}/weights.safetensors`, { size, parameters });
    tf.dispose(parameters);
    for (const [split, count] of [["train", 12], ["val", 5]] as const) {
      for (const name of ["blue", "red"] as const) {
        await Deno.mkdir(`${dir}/images/${split}/${name}`, { recursive: true });
        for (let i = 0; i < count; i++) {
          const background = { r: name === "red" ? 200 + i : 20, g: 30 + 5 * i, b: name === "red" ? 20 : 200 + i };
          const square = sharp({ create: { width: 16, height: 16, channels: 3, background } });
          await square.toFile(`${dir}/images/${split}/${name}/${name}_${i}.png`);
        }
      }
    }
    await test(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("evaluate prints a table with baselines and the paper's rows, and writes JSON", () =>
  withEncoder(async (dir) => {
    const options = ["--weights", `${dir}/weights.safetensors`, "--data", `${dir}/images`, "--no-cache"];
    const json = `${dir}/results.json`;
    const few = ["--protocol", "knn,lowshot", "--per-class", "2", "--seeds", "2", "--json", json];
    const { code, out, error } = await evaluate(...options, ...few);
    // kNN asks 20 of 24 images, 12 of a class each: the vote is by similarity.
    assertEquals(code, 0, error);
    assertMatch(out, /%\s+encoder\s+random weights\s+raw pixels\n/);
    assertMatch(out, /\nknn\s+100\.0 ± 0\.0\s+100\.0 ± 0\.0\s+100\.0 ± 0\.0\n/);
    assertMatch(out, /\nlowshot, 2 labels a class\s+\d/);
    assertMatch(out, /Table 6: masks, .*, 1 % of the labels \(the paper's; .*MSN's logistic regression\)/);
    assertMatch(out, /\nmulti-block\s+54\.2/);
    const { results, data } = JSON.parse(await Deno.readTextFile(json));
    assertEquals(results.length, 2 * 2 * 3);
    assertEquals(data, { train: `${dir}/images/train`, test: `${dir}/images/val` });
    assert(results.every(({ score, seconds }: { score: number; seconds: number }) => score > 0 && seconds > 0));

    const list = `${dir}/list.txt`;
    await Deno.writeTextFile(list, "red_3.png\nblue_1.png\n");
    // All transparent: on white, nothing would tell the classes apart.
    for (const { path } of (await findImages(`${dir}/images`)).images) {
      await Deno.writeFile(path, await sharp(await Deno.readFile(path)).ensureAlpha(0).png().toBuffer());
    }
    const pillow = ["--colours", "pillow", "--preprocessing", "imagenet", "--json", json];
    const listed = await evaluate(...options, "--protocol", "lowshot", "--subset", list, ...pillow);
    assertMatch(listed.out, /\nlowshot, 2 listed labels\s+100\.0\s/);
    const { colours, preprocessing } = JSON.parse(await Deno.readTextFile(json));
    assertEquals([colours, preprocessing], ["pillow", defaultPreprocessing(16)]);
    await Deno.writeTextFile(list, "red_3.png\ngreen_1.png\n");
    const stray = await evaluate(...options, "--protocol", "lowshot", "--subset", list);
    assertEquals(stray.code, 1);
    assertMatch(stray.error, /list\.txt: of its 2 names 1 are not among the 24 images \(green_1\.png\)/);
  }));

Deno.test("evaluate takes the neighbours that there are, and names or skips a bad image; what it took is in a line", () =>
  withEncoder(async (dir) => {
    for (const name of ["blue", "red"]) {
      for (let i = 4; i < 12; i++) await Deno.remove(`${dir}/images/train/${name}/${name}_${i}.png`);
    }
    await Deno.writeTextFile(`${dir}/images/train/red/red_2.png`, "not a picture");
    const args = ["--weights", `${dir}/weights.safetensors`, "--data", `${dir}/images`, "--no-cache"];
    const stopped = await evaluate(...args, "--protocol", "knn");
    assertEquals(stopped.code, 1);
    assertMatch(stopped.error, /^(.*\n)?knn, encoder: .*red_2\.png cannot be read as .* or add --skip-bad-images\.\n$/);
    const skipped = await evaluate(...args, "--protocol", "knn", "--skip-bad-images");
    assertEquals(skipped.code, 0, skipped.error);
    const read = [
      "train to train on: 8 images, 2 classes (blue, red)",
      "val to test on: 10 images, 2 classes (blue, red).",
    ];
    assertStringIncludes(skipped.out, read.map((part) => `${dir}/images/${part}`).join("; "));
    assertMatch(skipped.out, /\nknn, 8 neighbours, as there are no more\s+\d/);
    assertMatch(skipped.out, /train: 1 image\(s\) could not be read and were skipped: .*red_2\.png/);
    const few = await evaluate(...args, "--protocol", "knn,linear");
    assertMatch(few.error, /^linear: .*train has 8 images, too few to hold out a tenth and choose by it: take 10/);
  }));

Deno.test("evaluate ends with one sentence and exit code 1 where it is told nonsense", () =>
  withEncoder(async (dir) => {
    const weights = `${dir}/weights.safetensors`;
    const cases: [string[], RegExp][] = [
      [[], /^Say which encoder/],
      [["--weights", weights], /^Say what to evaluate: --protocol all, or of knn, linear/],
      [["--weights", weights, "--protocol", "knn,guess"], /^--protocol is all or knn or .*; got "guess"\.\n$/],
      [["--weights", weights, "--protocol", "knn", "--seeds", "0"], /^--seeds takes/],
      [
        ["--weights", weights, "--protocol", "lowshot", "--per-class", "2,0"],
        /^--per-class takes .* from 1 on; got "0"/,
      ],
      [
        ["--weights", weights, "--protocol", "knn,depth", "--per-class", "2"],
        /^--per-class changes nothing of knn, depth: leave it out, or evaluate by one of lowshot, finetune\.\n$/,
      ],
      [["--weights", weights, "--protocol", "depth", "--data", dir], /^--data changes nothing of depth: /],
      [["--weights", weights, "--protocol", "knn", "--subset", "x"], /^--subset changes .* one of lowshot, finetune\./],
      [["--weights", weights, "--protocol", "knn", "--epochs", "2"], /^--epochs changes .* one of linear, transfer, /],
      [["--weights", weights, "--protocol", "knn", "--clevr", dir], /^--clevr .* one of count, distance, depth\./],
      [["--weights", weights, "--protocol", "depth", "--clevr-crop"], /^--clevr-crop .* one of count, distance\./],
      [["--weights", weights, "--protocol", "knn,mrr"], /is no image world model, .* --preset iwm-cifar10\n$/],
      [["--weights", weights, "--protocol", "knn", "--colours", "cmyk"], /^--colours is managed or pillow; got "cmyk"/],
      [
        ["--weights", weights, "--protocol", "knn", "--preprocessing", "x"],
        /^--preprocessing is file, imagenet or the/,
      ],
      [
        ["--weights", weights, "--protocol", "knn", "--json", `${dir}/no/x.json`],
        /^--json .* no folder .*\/no: make it/,
      ],
      [
        ["--weights", `${dir}/nowhere`, "--protocol", "knn"],
        /^There is no file or folder .*nowhere to load .* right\?\n$/,
      ],
      [["--weights", weights, "--protocol", "knn", "--data", `${dir}/images/train`], /no images to test on/],
    ];
    for (const [args, message] of cases) {
      const { code, error } = await evaluate(...args);
      assertEquals(code, 1, args.join(" "));
      assertMatch(error, message);
      assertEquals(error.trimEnd().split("\n").length, 1, error);
    }
  }));

/** A folder in CLEVR's layout, of pictures that are the darker the fewer objects they have. */
async function makeClevr(dir: string): Promise<void> {
  for (const [split, count] of [["train", 12], ["val", 4]] as const) {
    await Deno.mkdir(`${dir}/images/${split}`, { recursive: true });
    await Deno.mkdir(`${dir}/scenes`, { recursive: true });
    const scenes = await Promise.all(Array.from({ length: count }, async (_, i) => {
      const name = `CLEVR_${split}_${`${i}`.padStart(6, "0")}.png`, objects = 3 + i % 2, level = 100 * (i % 2) + i;
      const picture = sharp({ create: { width: 32, height: 24, channels: 3, background: { r: level, g: 90, b: 90 } } });
      await picture.toFile(`${dir}/images/${split}/${name}`);
      return { image_filename: name, objects: Array.from({ length: objects }, () => ({ pixel_coords: [1, 2, 9] })) };
    }));
    await Deno.writeTextFile(`${dir}/scenes/CLEVR_${split}_scenes.json`, JSON.stringify({ info: {}, scenes }));
  }
}

Deno.test("evaluate on CLEVR, at another size of the images, and the second time with the features of the first", () =>
  withEncoder(async (dir) => {
    await makeClevr(`${dir}/clevr`);
    const sets = ["--data", `${dir}/images`];
    // Which precision is faster is measured, and may come out otherwise the second time.
    const options = ["--weights", `${dir}/weights.safetensors`, "--image", "24", "--precision", "float32", ...sets];
    const json = `${dir}/results.json`, features = `${dir}/data/features`;
    const measure = async (protocols: string): Promise<EvaluationResult[]> => {
      const clevr = protocols === "knn" ? [] : ["--clevr", `${dir}/clevr`];
      const args = [...options, ...clevr, "--protocol", protocols, "--json", json];
      const { code, stderr } = await evaluateIn(dir, ...args).output();
      assertEquals(code, 0, new TextDecoder().decode(stderr));
      const { scenes, results } = JSON.parse(await Deno.readTextFile(json));
      if (protocols !== "knn") assertEquals(scenes, { train: "CLEVR train", test: "CLEVR val" });
      return results.map(({ seconds: _, ...result }: EvaluationResult) => result);
    };
    const kept = async () => {
      const files = await Array.fromAsync(Deno.readDir(features), async ({ name }) => {
        const { ino, mtime } = await Deno.stat(`${features}/${name}`);
        return { name, ino, used: mtime!.getTime() };
      });
      return files.sort((a, b) => a.name < b.name ? -1 : 1);
    };
    const results = await measure("knn,count"), before = await kept();
    assertEquals(results.length, 6);
    assertEquals(results[3].protocol, "count");
    assertEquals(results[3].score, 100);
    // Two sets of images, of the encoder and of random weights; those of scenes and their mirror images are not kept.
    assertEquals(before.length, 4);
    const { metadata } = await readSafetensors(`${features}/${before[0].name}`);
    assertEquals(JSON.parse(metadata.key).size.image, 24);

    assertEquals(await measure("knn"), results.slice(0, 3));
    const after = await kept();
    assertEquals(after.map(({ name, ino }) => [name, ino]), before.map(({ name, ino }) => [name, ino]));
    assertEquals(after.filter(({ used }, i) => used > before[i].used).length, 4, "those of images have been read");
  }));

Deno.test("export writes half the bytes in F16, and a folder that loads again", () =>
  withEncoder(async (dir) => {
    const weights = `${dir}/weights.safetensors`, small = `${dir}/small.safetensors`;
    const half = await inProcess(exportMain, "--weights", weights, "--out", small, "--dtype", "F16");
    assertEquals([half.code, half.out], [0, `Wrote ${small} in F16.\n`], half.error);
    const [{ size: before }, { size: after }] = [await Deno.stat(weights), await Deno.stat(small)];
    assertGreater(before, 1.6 * after);
    const folder = await inProcess(exportMain, "--weights", small, "--out", `${dir}/folder`);
    assertEquals(folder.code, 0, folder.error);
    const [a, b] = [await loadEncoder(small), await loadEncoder(`${dir}/folder`)];
    assertEquals({ ...b.size, epsilon: undefined }, { ...a.size, epsilon: undefined });
    const name = "blocks.0.attn.qkv.weight";
    assertEquals(b.parameters[name].dataSync(), a.parameters[name].dataSync());
    tf.dispose([a.parameters, b.parameters]);
  }));

Deno.test("evaluate stopped by Ctrl-C tells what it had measured", () =>
  withEncoder(async (dir) => {
    const json = `${dir}/results.json`, features = `${dir}/data/features`;
    const options = ["--weights", `${dir}/weights.safetensors`, "--data", `${dir}/images`, "--json", json];
    const long = ["--protocol", "knn,full-finetune", "--epochs", "100000"];
    const child = evaluateIn(dir, ...options, ...long).spawn();
    let ended = false;
    child.status.then(() => ended = true);
    // Two files of features are the encoder's; the third, of random weights, comes after the encoder's kNN.
    const kept = async () => (await Array.fromAsync(Deno.readDir(features)).catch(() => [])).length;
    while (!ended && await kept() < 3) await new Promise((resolve) => setTimeout(resolve, 50));
    if (!ended) { for (let i = 0; i < 3; i++) child.kill("SIGINT"); }
    const { code, stdout, stderr } = await child.output();
    const out = new TextDecoder().decode(stdout), error = new TextDecoder().decode(stderr);
    assertEquals(code, 130, error);
    assertMatch(out, /knn .*\d/);
    const { results }: { results: EvaluationResult[] } = JSON.parse(await Deno.readTextFile(json));
    assertEquals([results[0].protocol, results[0].subject], ["knn", "encoder"]);
    assertStringIncludes(error, `Stopped: ${results.length} results of before are told`);
  }));
