import "../tensorflow/loaded.ts";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { env, pipeline, RawImage } from "npm:@huggingface/transformers@4.3.1";
import { main } from "../../lib/commands/export.ts";
import { type Architecture, encoderShapes, predictorShapes } from "../../lib/jepa/architectures.ts";
import { encode, patchify } from "../../lib/jepa/encoder.ts";
import { loadEncoder } from "../../lib/jepa/pretrained.ts";
import { saveEncoder } from "../../lib/jepa/save_encoder.ts";
import { initialise } from "../../lib/nn/initialisation.ts";
import { TOKEN } from "../hub/hub_server.ts";
import { withHub } from "../hub/with_hub.ts";
import { tf } from "../../lib/tensorflow/backend.ts";
import { withFolder } from "../with_folder.ts";
import { inProcess } from "./in_process.ts";

const run = (...args: string[]) => inProcess(main, ...args);

Deno.test("export says where the predictor is left out, and does not write into the run that it reads", async () => {
  const folder = await Deno.makeTempDir({ prefix: "export_test_" });
  const architecture: Architecture = {
    ...{ image: 8, patch: 4, width: 8, depth: 1, heads: 2, mlpRatio: 2 },
    predictor: { width: 4, depth: 1, heads: 1 },
  };
  const { predictor: size, ...encoder } = architecture;
  const parameters = initialise(encoderShapes(encoder), 1), narrow = initialise(predictorShapes(architecture), 2);
  const config = JSON.stringify({ architecture, seed: 0 });
  try {
    const predictor = { size, parameters: narrow };
    await saveEncoder(`${folder}/encoder.safetensors`, { size: encoder, parameters, predictor });
    await Deno.writeTextFile(`${folder}/config.json`, config);

    const moved = await run("--weights", folder, "--out", `${folder}/theirs`);
    assertEquals(moved.code, 0, moved.error);
    assertMatch(moved.out, /Wrote .*theirs in F32\.\nThe predictor is left out: .*\.\n$/);
    const own = await run("--weights", folder, "--out", `${folder}/half.safetensors`, "--dtype", "F16");
    assertMatch(own.out, /Wrote .*half\.safetensors in F16\.\n$/, own.error);
    const refused = await run("--weights", folder, "--out", folder);
    assertEquals(refused.code, 1);
    assertMatch(refused.error, /holds a config\.json that is no IJepaModel's, which stays: write .*\.\n$/);
    assertEquals(await Deno.readTextFile(`${folder}/config.json`), config);

    await run("--weights", folder, "--out", `${folder}/theirs`).then(({ code, error }) => assertEquals(code, 0, error));
    await Deno.mkdir(`${folder}/photos`);
    await Deno.writeTextFile(`${folder}/photos/mine.txt`, "");
    const cases: [string, RegExp][] = [
      [`${folder}/config.json`, /^--out .*config\.json is a file: name another folder, or .*\.safetensors\.\n$/],
      [`${folder}/photos`, /^--out .*photos holds other files \(mine\.txt\) and no earlier export: .*\.\n$/],
      [`${folder}/none/x.safetensors`, /^--out .* cannot be written, as there is no folder .*none: .*\.\n$/],
    ];
    for (const [out, message] of cases) {
      const { code, error } = await run("--weights", "not asked for yet", "--out", out);
      assertEquals(code, 1);
      assertMatch(error, message);
    }
  } finally {
    tf.dispose([parameters, narrow]);
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("export --push uploads what loadEncoder() then has by its name, with the same weights", () =>
  withHub(async (hub) => {
    const refused = await run("--weights", "weights/cifar10", "--push", "toy/mine");
    assertEquals(
      refused.error,
      "Pushing to toy/mine needs a token that may write: set HF_TOKEN, or run `hf auth login`.\n",
    );
    Deno.env.set("HF_TOKEN", TOKEN);
    const pushed = await run("--weights", "weights/cifar10", "--push", "toy/mine");
    assertMatch(pushed.out, new RegExp(`\nPushed to ${hub.url}/toy/mine\\.\n$`), pushed.error);
    const own = await loadEncoder("weights/cifar10"), theirs = await loadEncoder("toy/mine");
    for (const [name, tensor] of Object.entries(own.parameters)) {
      assertEquals(await tensor.data(), await theirs.parameters[name].data(), name);
    }
    assertEquals({ ...theirs.size, epsilon: undefined }, { ...own.size, epsilon: undefined });
    tf.dispose([own.parameters, own.predictor?.parameters ?? {}, theirs.parameters]);
  }));

// transformers.js opens a stream of each file, whose first read may end after the test.
const STREAMS = { sanitizeOps: false, sanitizeResources: false };

Deno.test(
  "transformers.js loads what export --onnx writes, and makes the same features of a picture",
  STREAMS,
  () =>
    withFolder(async (folder) => {
      for (const [dtype, message] of [["BF16", /^--onnx is written in F32 or F16: .*\.\n$/]] as const) {
        const refused = await run("--weights", "weights/cifar10", "--out", `${folder}/x`, "--onnx", "--dtype", dtype);
        assertMatch(refused.error, message);
      }
      for (const dtype of ["F32", "F16"]) {
        const written = await run("--weights", "weights/cifar10", "--out", `${folder}/own`, "--onnx", "--dtype", dtype);
        assertMatch(written.out, /Wrote .*own in F\d+, with .*own\/onnx\/model(_fp16)?\.onnx\.\n/, written.error);
      }
      const pixels = Uint8ClampedArray.from({ length: 32 * 32 * 3 }, (_, i) => (i * i * 7 + i * 31) % 256);
      const { parameters, size } = await loadEncoder("weights/cifar10");
      const ours = tf.tidy(() => encode(parameters, size, patchify(tf.tensor(pixels, [1, 32, 32, 3], "int32"), 4)));
      const expected = await ours.data() as Float32Array;
      Object.assign(env, { allowRemoteModels: false, localModelPath: `${folder}/` });
      for (const [dtype, tolerance] of [["fp32", 1e-4], ["fp16", 2e-2]] as const) {
        const extract = await pipeline("image-feature-extraction", "own", { dtype });
        const { dims, data } = await extract(new RawImage(pixels, 32, 32, 3));
        assertEquals(dims, [1, 64, 192]);
        const difference = expected.reduce((most, x, i) => Math.max(most, Math.abs(x - Number(data[i]))), 0);
        assert(difference < tolerance, `${dtype}: ${difference}`);
        await extract.dispose();
      }
      tf.dispose([parameters, ours]);
    }),
);
