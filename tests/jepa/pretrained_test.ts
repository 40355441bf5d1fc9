import "../tensorflow/loaded.ts";
import { assert, assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { defaultPreprocessing } from "../../lib/datasets/pixels/preprocessing.ts";
import { type Architecture, encoderShapes, predictorShapes } from "../../lib/jepa/architectures.ts";
import { loadEncoder, type PretrainedEncoder } from "../../lib/jepa/pretrained.ts";
import { saveEncoder, saveHuggingFace } from "../../lib/jepa/save_encoder.ts";
import { initialise } from "../../lib/nn/initialisation.ts";
import type { Parameters } from "../../lib/nn/parameters.ts";
import { interpolatePositions } from "../../lib/nn/positions.ts";
import { tf } from "../../lib/tensorflow/backend.ts";
import { type HostTensor, readSafetensors, writeSafetensors } from "../../lib/weights/formats/safetensors.ts";
import { largestDifference } from "../training/reference/reference.ts";

const architecture: Architecture = {
  ...{ image: 8, patch: 4, width: 8, depth: 1, heads: 2, mlpRatio: 2 },
  predictor: { width: 4, depth: 1, heads: 1 },
};
const { predictor: _, ...size } = architecture;
const parameters = initialise(encoderShapes(size), 1, "xavier");
const predictor = initialise(predictorShapes(architecture), 2, "xavier");
const FIXTURES = new URL("../parity/fixtures/", import.meta.url).pathname;
const AUTHORS = `${FIXTURES}authors-12px-p4-w8-d2.pth.tar`, TIMM = `${FIXTURES}timm-8px-p4-w8-d1.safetensors`;

async function withFolder(test: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir({ prefix: "pretrained_test_" });
  const tensors = tf.memory().numTensors;
  try {
    await test(folder);
    assertEquals(tf.memory().numTensors, tensors, "no tensor is left behind");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const dispose = (loaded: PretrainedEncoder) => tf.dispose([loaded.parameters, loaded.predictor?.parameters ?? {}]);

/** Largest difference of any parameter; all have to be there. */
function difference(actual: Parameters, expected: Parameters): number {
  assertEquals(Object.keys(actual), Object.keys(expected));
  return Math.max(...Object.keys(expected).map((name) => largestDifference(actual[name], expected[name].dataSync())));
}

/** Copies a safetensors file with its tensors and metadata changed. */
async function rewrite(
  from: string,
  to: string,
  change: (tensors: Record<string, HostTensor>, metadata: Record<string, string>) => void,
) {
  const { tensors, metadata } = await readSafetensors(from);
  change(tensors, metadata);
  await writeSafetensors(to, tensors, metadata);
}

/** What loading a path says, which has to name it. */
async function refusal(path: string, options = {}): Promise<string> {
  const { message } = await assertRejects(() => loadEncoder(path, options), Error);
  assertStringIncludes(message, path);
  return message;
}

Deno.test("loadEncoder() gives back what saveEncoder() wrote, rounded as it was asked", () =>
  withFolder(async (folder) => {
    const path = `${folder}/weights.safetensors`, preprocessing = defaultPreprocessing(8);
    for (const [dtype, tolerance] of [["F32", 0], ["F16", 2 ** -11], ["BF16", 2 ** -8]] as const) {
      await saveEncoder(path, { size: { ...size, epsilon: 1e-5 }, parameters, preprocessing }, { dtype });
      assertEquals((await readSafetensors(path)).tensors["norm.bias"].dtype, dtype);
      const loaded = await loadEncoder(path);
      assertEquals(loaded.size, { ...size, epsilon: 1e-5 });
      assertEquals(loaded.preprocessing, preprocessing);
      assertEquals(loaded.predictor, undefined);
      const worst = difference(loaded.parameters, parameters); // of numbers up to about 1
      assert(worst <= tolerance, `${dtype}: ${worst}`);
      dispose(loaded);
    }
    await saveEncoder(path, { size, parameters, predictor: { size: architecture.predictor, parameters: predictor } });
    const both = await loadEncoder(path);
    assertEquals([both.size, both.preprocessing, both.predictor?.size], [size, undefined, architecture.predictor]);
    assertEquals(difference(both.parameters, parameters), 0);
    assertEquals(difference(both.predictor!.parameters, predictor), 0);
    dispose(both);
  }));

Deno.test("loadEncoder() gives back what saveHuggingFace() wrote", () =>
  withFolder(async (folder) => {
    await saveHuggingFace(`${folder}/new`, { size, parameters });
    for (const path of [`${folder}/new`, `${folder}/new/`, `${folder}/new/model.safetensors`]) {
      const loaded = await loadEncoder(path);
      assertEquals(loaded.size, { ...size, epsilon: 1e-6 });
      assertEquals(loaded.preprocessing!.crop, 8);
      assertEquals(difference(loaded.parameters, parameters), 0);
      dispose(loaded);
    }
  }));

/** Fails where loading does not end: an endless chain of reads would never let the test go. */
async function inTime<T>(what: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) =>
    timer = setTimeout(() => reject(new Error("it does not end")), 10_000)
  );
  return await Promise.race([what, late]).finally(() => clearTimeout(timer));
}

Deno.test("loadEncoder() loads the Hugging Face weights that it is asked for, whatever they and those beside are called", () =>
  withFolder(async (folder) => {
    const check = async (path: string, expected: Parameters) => {
      const loaded = await inTime(loadEncoder(path));
      assertEquals(loaded.preprocessing?.crop, 8);
      assertEquals(difference(loaded.parameters, expected), 0);
      dispose(loaded);
    };
    const others = initialise(encoderShapes(size), 3, "xavier");
    const renamed = `${folder}/encoder.safetensors`, named = `${folder}/model.safetensors`;
    await saveHuggingFace(folder, { size, parameters: others });
    await Deno.rename(named, renamed);
    for (const path of [folder, renamed]) await check(path, others);
    await saveHuggingFace(folder, { size, parameters });
    await check(named, parameters);
    await check(renamed, others);
    await saveEncoder(renamed, { size, parameters: others });
    await check(named, parameters);
    tf.dispose(others);

    await Deno.remove(renamed);
    const timm = { architecture: "vit", pretrained_cfg: { input_size: [3, 8, 8] } };
    await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify(timm));
    for (const path of [named, folder]) {
      const { message } = await assertRejects(() => inTime(loadEncoder(path)), Error);
      assertStringIncludes(message, `${folder}/config.json`);
    }
    await Deno.remove(`${folder}/config.json`);
    assertStringIncludes(await refusal(named), `but ${folder}/config.json is not there to say their sizes`);
  }));

/** A run's folder with a checkpoint, as writeCheckpoint() names its tensors. */
async function writeRun(folder: string) {
  const host = async (prefix: string, networks: Parameters) =>
    await Promise.all(
      Object.entries(networks).map(async ([name, tensor]): Promise<[string, HostTensor]> => [
        `${prefix}.${name}`,
        { dtype: "F32", shape: tensor.shape, data: await tensor.data() as Float32Array },
      ]),
    );
  const zeros = tf.tidy(() =>
    Object.fromEntries(Object.entries(parameters).map(([name, x]) => [name, tf.zerosLike(x)]))
  );
  const tensors = [
    ...await host("encoder", zeros),
    ...await host("target_encoder", parameters),
    ...await host("predictor", predictor),
    ...await host("first_moment.predictor", predictor),
  ];
  tf.dispose(zeros);
  await writeSafetensors(`${folder}/checkpoint.safetensors`, Object.fromEntries(tensors), { step: "3" });
  await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify({ architecture, seed: 0 }));
}

Deno.test("loadEncoder() takes the target encoder and the predictor of a run, finished or not", () =>
  withFolder(async (folder) => {
    await writeRun(folder);
    const check = async (path: string, withPredictor: boolean) => {
      const loaded = await loadEncoder(path);
      assertEquals(loaded.size, size);
      assertEquals(difference(loaded.parameters, parameters), 0);
      assertEquals(loaded.predictor?.size, withPredictor ? architecture.predictor : undefined);
      if (loaded.predictor) assertEquals(difference(loaded.predictor.parameters, predictor), 0);
      dispose(loaded);
    };
    await check(folder, true);
    await check(`${folder}/checkpoint.safetensors`, true);
    await Deno.rename(`${folder}/checkpoint.safetensors`, `${folder}/checkpoint-00000010.safetensors`);
    for (const older of ["checkpoint.safetensors", "checkpoint-00000009.safetensors"]) {
      await Deno.writeTextFile(`${folder}/${older}`, "");
      await check(folder, true);
      await Deno.remove(`${folder}/${older}`);
    }
    await Deno.rename(`${folder}/checkpoint-00000010.safetensors`, `${folder}/checkpoint.safetensors`);
    const own = { size: architecture.predictor, parameters: predictor };
    await saveEncoder(`${folder}/encoder.safetensors`, { size, parameters, predictor: own });
    await check(folder, true);
    await saveEncoder(`${folder}/encoder.safetensors`, { size, parameters });
    await check(folder, false);

    await writeRun(folder);
    await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify({ architecture: { ...architecture, depth: 2 } }));
    assertStringIncludes(await refusal(`${folder}/checkpoint.safetensors`), "should hold 2 blocks");
    await Deno.remove(`${folder}/encoder.safetensors`);
    await Deno.rename(`${folder}/checkpoint.safetensors`, `${folder}/other.safetensors`);
    assertStringIncludes(await refusal(folder), "is a run that has no checkpoint yet");
    await Deno.rename(`${folder}/other.safetensors`, `${folder}/checkpoint.safetensors`);
    await Deno.remove(`${folder}/config.json`);
    assertStringIncludes(await refusal(`${folder}/checkpoint.safetensors`), "is not there to say its sizes");
  }));

Deno.test("loadEncoder() takes the authors' target encoder, and their heads from the paper's sizes or an option", () =>
  withFolder(async () => {
    const loaded = await loadEncoder(AUTHORS, { heads: 2 });
    assertEquals(loaded.size, { image: 12, patch: 4, width: 8, depth: 2, heads: 2, mlpRatio: 4 });
    assertEquals(loaded.predictor!.size, { width: 4, depth: 1, heads: 2 });
    dispose(loaded);
    assertStringIncludes(await refusal(AUTHORS), "say it with the option `heads`");
    assertStringIncludes(await refusal(AUTHORS, { heads: 3 }), "3 attention heads do not divide");
    const timm = await loadEncoder(TIMM, { heads: 4 }); // it has a head for classes, too
    assertEquals(timm.size, { image: 8, patch: 4, width: 8, depth: 1, heads: 4, mlpRatio: 4 });
    dispose(timm);
  }));

Deno.test("loadEncoder() interpolates positions for images of another size", () =>
  withFolder(async (folder) => {
    await writeRun(folder);
    const loaded = await loadEncoder(folder, { image: 20 });
    assertEquals(loaded.size, { ...size, image: 20 });
    const check = (actual: tf.Tensor, trained: tf.Tensor) => {
      const expected = interpolatePositions(trained.dataSync() as Float32Array, [2, 2], [5, 5]);
      assertEquals(actual.shape, [1, 25, trained.shape[2]]);
      assertLess(largestDifference(actual, expected), 1e-6);
    };
    check(loaded.parameters["pos_embed"], parameters["pos_embed"]);
    check(loaded.predictor!.parameters["predictor_pos_embed"], predictor["predictor_pos_embed"]);
    dispose(loaded);
    for (const image of [10, 0, 8.5]) {
      assertStringIncludes(await refusal(folder, { image }), `An image of ${image} pixels`);
    }

    const preprocessing = { ...defaultPreprocessing(8), resize: 10 }, path = `${folder}/one.safetensors`;
    await saveEncoder(path, { size, parameters, preprocessing });
    const one = await loadEncoder(path, { image: 16 });
    assertEquals(one.preprocessing, { ...preprocessing, resize: 20, crop: 16 });
    dispose(one);
  }));

Deno.test("loadEncoder() names file and tensor where a file does not fit, and loads nothing of it", () =>
  withFolder(async (folder) => {
    const whole = `${folder}/whole.safetensors`, path = `${folder}/weights.safetensors`;
    await saveEncoder(whole, { size, parameters });
    const vector: HostTensor = { dtype: "F32", shape: [3], data: new Float32Array(3) };
    const changes: [(tensors: Record<string, HostTensor>) => void, string][] = [
      [(t) => delete t["norm.bias"], `lacks tensor "norm.bias"`],
      [(t) => delete t["blocks.0.norm1.weight"], "should hold 1 blocks, but has the tensors of 0"],
      [(t) => t["blocks.0.ls1.gamma"] = vector, `has tensor "blocks.0.ls1.gamma", which is no part`],
      [(t) => t["norm.bias"] = vector, `tensor "norm.bias" has shape [3], but should have [8]`],
      [(t) => t["norm.bias"] = { dtype: "I32", shape: [8], data: new Int32Array(8) }, `"norm.bias" is of dtype I32`],
      [(t) => delete t["pos_embed"], `lacks tensor "pos_embed"`],
    ];
    for (const [change, message] of changes) {
      await rewrite(whole, path, change);
      assertStringIncludes(await refusal(path), message);
    }
    const lies: [Record<string, unknown>, string][] = [
      [{ image: 10 }, "the image, which is a multiple of the patch,"],
      [{ image: 16 }, `tensor "pos_embed" has shape [1,4,8], but should have [1,16,8]`],
      [{ width: 0 }, "the width of its architecture"],
      [{ heads: 3 }, "the heads, which divide the width,"],
      [{ depth: 1e9 }, "should hold 1000000000 blocks"],
      [{ mlpRatio: -1 }, "the mlpRatio"],
      [{ mlpRatio: 3 }, `tensor "blocks.0.mlp.fc1.weight" has shape [16,8], but should have [24,8]`],
      [{ epsilon: 2 }, "the epsilon"],
      [{ predictor: { width: 4 } }, "the predictor's depth"],
    ];
    for (const [lie, message] of lies) {
      await rewrite(whole, path, (_, metadata) => metadata.architecture = JSON.stringify({ ...size, ...lie }));
      assertStringIncludes(await refusal(path), message);
    }
    for (const preprocessing of ["{", "[]", "{}", JSON.stringify({ ...defaultPreprocessing(8), crop: 9 })]) {
      await rewrite(whole, path, (_, metadata) => metadata.preprocessing = preprocessing);
      assertStringIncludes(await refusal(path), "the preprocessing in its metadata is none");
    }
  }));

Deno.test("loadEncoder() says what to do about files of other models", () =>
  withFolder(async (folder) => {
    const path = `${folder}/vit.safetensors`;
    const copy = (change: (tensors: Record<string, HostTensor>) => void) => rewrite(TIMM, path, change);
    await copy((t) => t["cls_token"] = { dtype: "F32", shape: [1, 1, 8], data: new Float32Array(8) });
    assertStringIncludes(
      await refusal(path, { heads: 4 }),
      `has tensor "cls_token", and I-JEPA's encoders have neither`,
    );
    await copy((t) => t["fc_norm.weight"] = { dtype: "F32", shape: [8], data: new Float32Array(8) });
    assertStringIncludes(await refusal(path, { heads: 4 }), `has tensor "fc_norm.weight"`);
    await copy((t) => t["pos_embed"] = { dtype: "F32", shape: [1, 5, 8], data: new Float32Array(40) });
    assertStringIncludes(await refusal(path, { heads: 4 }), "5 positions, which are no square grid");
    await copy((t) => t["pos_embed"] = { dtype: "F32", shape: [4, 8], data: new Float32Array(32) });
    assertStringIncludes(await refusal(path, { heads: 4 }), `"pos_embed" has shape [4,8], not one of 3 dimensions`);
    assertStringIncludes(await refusal(folder), "holds no encoder");
    await assertRejects(() => loadEncoder(`${folder}/none`), Deno.errors.NotFound);
    for (const none of [`${folder}/none`, "weights/none", `${folder}/config.json/none`, "facebook/none.safetensors"]) {
      assertEquals(
        await refusal(none),
        `There is no file or folder ${none} to load an encoder from: is the path right?`,
      );
    }
    const torch = new URL("../weights/fixtures/torch/", import.meta.url).pathname;
    assertStringIncludes(
      await refusal(`${torch}protocol2.pth`),
      `its tensors are "half", "brain", "double" and 9 more`,
    );
    assertStringIncludes(await refusal(`${torch}command.pth`), "asks for posix.system");
  }));

Deno.test("loadEncoder() takes off what stands before an encoder's names, in every format, and says what it left aside", () =>
  withFolder(async (folder) => {
    const path = `${folder}/weights.safetensors`, plain = await loadEncoder(TIMM, { heads: 2 });
    assertEquals([plain.prefix, plain.aside?.toSorted()], [undefined, ["head.bias", "head.weight"]]);
    for (const prefix of ["_orig_mod.", "module.", "model.backbone.", "target_encoder.", "encoder."]) {
      await rewrite(TIMM, path, (tensors) => {
        for (const [name, tensor] of Object.entries(tensors)) {
          delete tensors[name];
          tensors[prefix + name] = tensor;
        }
        tensors["projector.0.weight"] = tensors[`${prefix}norm.bias`];
      });
      const loaded = await loadEncoder(path, { heads: 2 });
      assertEquals(difference(loaded.parameters, plain.parameters), 0);
      const aside = [`${prefix}head.bias`, `${prefix}head.weight`, "projector.0.weight"];
      assertEquals([loaded.prefix, loaded.aside?.toSorted()], [prefix, aside.toSorted()]);
      dispose(loaded);
    }
    dispose(plain);

    const authors = await loadEncoder(AUTHORS, { heads: 2 });
    assertEquals([authors.prefix, authors.aside?.[0]], ["target_encoder.module.", "encoder.module.pos_embed"]);
    dispose(authors);

    // Any of several files stands for all of them, also one without the tensors that tell whose they are.
    const shards = `${FIXTURES}12px-p4-w16-d2-h2-float32`;
    for (const file of ["", "/model-00001-of-00002.safetensors", "/model-00002-of-00002.safetensors"]) {
      const loaded = await loadEncoder(shards + file);
      assertEquals([loaded.size.depth, loaded.prefix, loaded.aside], [2, undefined, undefined]);
      dispose(loaded);
    }
    const classifier = await loadEncoder(`${FIXTURES}12px-p4-w16-d1-h2-bfloat16`);
    assertEquals(classifier.prefix, "ijepa.");
    assertEquals(classifier.aside?.toSorted(), ["classifier.bias", "classifier.weight"]);
    dispose(classifier);
  }));

Deno.test("loadEncoder() says what a folder holds instead of weights that it reads", () =>
  withFolder(async (folder) => {
    const put = (name: string, text = "") => Deno.writeTextFile(`${folder}/${name}`, text);
    assertStringIncludes(await refusal(folder), "and this has nothing.");
    await put("vit_huge.pth.tar");
    await put("README.md");
    assertStringIncludes(
      await refusal(folder),
      `"README.md", "vit_huge.pth.tar": is it ${folder}/vit_huge.pth.tar that`,
    );
    await Deno.remove(`${folder}/vit_huge.pth.tar`);
    await put("config.json", JSON.stringify({ model_type: "ijepa" }));
    await put("flax_model.msgpack");
    assertStringIncludes(await refusal(folder), `and this has "README.md", "config.json", "flax_model.msgpack".`);
    await put("pytorch_model.bin");
    assertStringIncludes(
      await refusal(folder),
      `has pytorch_model.bin and no model.safetensors, which is read here: convert it with python -c 'import torch, ` +
        `safetensors.torch as s; s.save_file(torch.load("${folder}/pytorch_model.bin", map_location="cpu"), ` +
        `"${folder}/model.safetensors")'`,
    );
    await Deno.rename(`${folder}/pytorch_model.bin`, `${folder}/pytorch_model.bin.index.json`);
    assertStringIncludes(
      await refusal(folder),
      `M.from_pretrained("${folder}").save_pretrained("${folder}")'`,
    );
    await put("model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 2\n");
    assertStringIncludes(
      await refusal(folder),
      "/model.safetensors is not a safetensors file that can be read: it is a pointer",
    );
  }));

Deno.test("saveEncoder() refuses what it could not give back", () =>
  withFolder(async (folder) => {
    const path = `${folder}/weights.safetensors`;
    const refused = async (encoder: { parameters: Parameters }, message: string, dtype: "F32" | "F16" = "F32") =>
      await assertRejects(() => saveEncoder(path, { size, ...encoder }, { dtype }), RangeError, message);
    const { "norm.bias": bias, ...rest } = parameters;
    await refused({ parameters: rest }, `Parameter "norm.bias" has shape [undefined], but should have [8]`);
    await refused({ parameters: { ...parameters, mask: bias } }, `"mask" is no parameter`);
    const large = tf.fill([8], 1e5), broken = tf.fill([8], NaN);
    await refused({ parameters: { ...parameters, "norm.bias": large } }, `"norm.bias" holds numbers`, "F16");
    await refused({ parameters: { ...parameters, "norm.bias": broken } }, `"norm.bias" holds numbers`);
    tf.dispose([large, broken]);
    await assertRejects(() => saveEncoder(`${folder}/weights.bin`, { size, parameters }), RangeError, ".safetensors");
    assertEquals([...Deno.readDirSync(folder)].length, 0);
  }));

Deno.test("loadEncoder() takes a timm folder with its preprocessing", () =>
  withFolder(async (folder) => {
    await Deno.copyFile(TIMM, `${folder}/model.safetensors`);
    const cfg = {
      ...{ input_size: [3, 8, 8], interpolation: "bilinear", crop_pct: 0.9, crop_mode: "center" },
      ...{ mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] },
    };
    const write = (changes: Record<string, unknown>) =>
      Deno.writeTextFile(
        `${folder}/config.json`,
        JSON.stringify({ architecture: "vit", pretrained_cfg: { ...cfg, ...changes } }),
      );
    await write({});
    const loaded = await loadEncoder(folder, { heads: 4 });
    assertEquals(loaded.preprocessing, {
      ...{ resize: 8, crop: 8, interpolation: "bilinear" as const },
      ...{ mean: [0.5, 0.4, 0.3], deviation: [0.2, 0.3, 0.4] } as {
        mean: [number, number, number];
        deviation: [number, number, number];
      },
    });
    dispose(loaded);
    for (
      const [key, value] of Object.entries({ input_size: [3, 8, 9], crop_pct: 0, crop_mode: "border", std: [1, 0, 1] })
    ) {
      await write({ [key]: value });
      assertStringIncludes(await refusal(folder, { heads: 4 }), `${key} is ${JSON.stringify(value)}`);
    }
  }));
