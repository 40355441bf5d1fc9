import "../tensorflow/loaded.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { encoderShapes } from "../../lib/jepa/architectures.ts";
import { loadEncoder, type PretrainedEncoder } from "../../lib/jepa/pretrained.ts";
import { saveEncoder } from "../../lib/jepa/save_encoder.ts";
import { initialise } from "../../lib/nn/initialisation.ts";
import { tf } from "../../lib/tensorflow/backend.ts";

const FIXTURES = new URL("../parity/fixtures/", import.meta.url).pathname;

/** Where a safetensors file's tensors begin: numbers carry no checksum there, so damage to them cannot be seen. */
const headerEnd = (bytes: Uint8Array<ArrayBuffer>) => 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));

/** One damage: bytes overwritten, taken out, put in twice, or all after a place cut off. */
const damage = fc.tuple(
  fc.constantFrom("set", "set", "set", "remove", "repeat", "cut"),
  fc.nat(),
  fc.nat(255),
  fc.integer({ min: 1, max: 9 }),
);
type Damage = [kind: string, place: number, value: number, count: number];

function damaged(bytes: Uint8Array, [kind, place, value, count]: Damage, end: number): Uint8Array {
  const at = place % end;
  if (kind === "set") return bytes.with(at, value);
  if (kind === "cut") return bytes.slice(0, at);
  const rest = kind === "remove" ? at + count : Math.max(0, at - count);
  return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(rest)]);
}

/** Everything that was loaded, as numbers; nothing of it stays. */
function taken({ parameters, predictor }: PretrainedEncoder): Map<string, Float32Array> {
  const all = [...Object.entries(parameters), ...Object.entries(predictor?.parameters ?? {})];
  const values = new Map(all.map(([name, tensor]) => [name, tensor.dataSync() as Float32Array]));
  tf.dispose([parameters, predictor?.parameters ?? {}]);
  return values;
}

/**
 * Damages one file, up to the byte `end`, and loads `path`, the file or its folder: it loads as before, or the error names
 * it. What stands nowhere else, such as the number of heads, may have become another. `least` is how many of the damages,
 * of 40, have to be noticed.
 */
async function fuzz(path: string, file: string, end: (bytes: Uint8Array<ArrayBuffer>) => number, least: number) {
  const original = await Deno.readFile(file), heads = /\.(safetensors|tar)$/.test(path) ? 2 : undefined;
  const expected = taken(await loadEncoder(path, { heads }));
  const before = tf.memory().numTensors;
  let refused = 0;
  const property = fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 2 }), async (damages) => {
    let bytes: Uint8Array = original, until = end(original);
    for (const one of damages) {
      bytes = damaged(bytes, one as Damage, until);
      until = Math.min(until, bytes.length) || 1;
    }
    await Deno.writeFile(file, bytes);
    let loaded: PretrainedEncoder;
    try {
      loaded = await loadEncoder(path, { heads });
    } catch (error) {
      refused++;
      assert(error instanceof Error && !(error instanceof TypeError), `${(error as Error).stack}`);
      assertStringIncludes(error.message, path);
      assertEquals(tf.memory().numTensors, before);
      return;
    }
    assertEquals(taken(loaded), expected);
  });
  try {
    await fc.assert(property, { numRuns: 40, seed: 4 });
  } finally {
    await Deno.writeFile(file, original);
  }
  assert(refused >= least, `only ${refused} damages were noticed`);
}

async function withFolder(test: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir({ prefix: "pretrained_fuzz_test_" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const size = { image: 8, patch: 4, width: 8, depth: 1, heads: 2, mlpRatio: 2 };

Deno.test("loadEncoder() loads a damaged file of the kit as it was, or names it", () =>
  withFolder(async (folder) => {
    const path = `${folder}/weights.safetensors`, parameters = initialise(encoderShapes(size), 1, "xavier");
    await saveEncoder(path, { size, parameters });
    tf.dispose(parameters);
    await fuzz(path, path, headerEnd, 20);
  }));

Deno.test("loadEncoder() loads a damaged file of timm as it was, or names it", () =>
  withFolder(async (folder) => {
    const path = `${folder}/timm.safetensors`;
    await Deno.copyFile(`${FIXTURES}timm-8px-p4-w8-d1.safetensors`, path);
    await fuzz(path, path, headerEnd, 20);
  }));

Deno.test("loadEncoder() loads a damaged checkpoint of the authors as it was, or names it", () =>
  withFolder(async (folder) => {
    const path = `${folder}/authors.pth.tar`;
    await Deno.copyFile(`${FIXTURES}authors-12px-p4-w8-d2.pth.tar`, path);
    await fuzz(path, path, (bytes) => bytes.length, 12);
  }));

Deno.test("loadEncoder() loads a damaged Hugging Face folder as it was, or names it", () =>
  withFolder(async (folder) => {
    const shards = `${FIXTURES}12px-p4-w16-d2-h2-float32`;
    for (const { name } of Deno.readDirSync(shards)) await Deno.copyFile(`${shards}/${name}`, `${folder}/${name}`);
    const processor = {
      image_processor_type: "ViTImageProcessor",
      size: { height: 12, width: 12 },
      image_mean: [0, 0, 0],
    };
    await Deno.writeTextFile(`${folder}/preprocessor_config.json`, JSON.stringify(processor));
    const whole = (bytes: Uint8Array) => bytes.length;
    await fuzz(folder, `${folder}/config.json`, whole, 12);
    await fuzz(folder, `${folder}/model.safetensors.index.json`, whole, 12);
    await fuzz(folder, `${folder}/model-00001-of-00002.safetensors`, headerEnd, 20);
    await fuzz(folder, `${folder}/preprocessor_config.json`, whole, 12);
  }));
