import "../../tensorflow/loaded.ts";
import { assert, assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import { decodeCut } from "../../../lib/datasets/pixels/decode.ts";
import { memoryDataset } from "../../../lib/datasets/memory.ts";
import {
  centredCut,
  checkFraming,
  defaultPreprocessing,
  framingOf,
  type Preprocessing,
  readPreprocessorConfig,
} from "../../../lib/datasets/pixels/preprocessing.ts";
import { patchify } from "../../../lib/jepa/encoder.ts";
import { tf, uint8Tensor } from "../../../lib/tensorflow/backend.ts";
import fixture from "../fixtures/preprocessing.json" with { type: "json" };

const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
const floatsOf = (base64: string) => new Float32Array(bytesOf(base64).buffer);

/** Reads a configuration through a file, as users have it. */
async function read(config: unknown): Promise<Preprocessing> {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(path, typeof config === "string" ? config : JSON.stringify(config));
    return await readPreprocessorConfig(path);
  } finally {
    await Deno.remove(path);
  }
}

for (const { name, image, config, classic, fast } of fixture.cases) {
  Deno.test(`a preprocessor_config.json gives the encoder what transformers gives: ${name}`, async () => {
    const preprocessing = await read(config);
    const { crop, deviation } = preprocessing;
    const pixels = await decodeCut(bytesOf(image), (w, h) => centredCut(w, h, preprocessing));
    const ours = tf.tidy(() =>
      // patches of one pixel: the image itself
      patchify(uint8Tensor(pixels as Uint8Array<ArrayBuffer>, [1, crop, crop, 3]), 1, preprocessing).dataSync()
    );
    const reference = floatsOf(classic);
    assertEquals(ours.length, reference.length);
    const size = Math.max(...reference.map(Math.abs));
    ours.forEach((value, i) => assertLess(Math.abs(value - reference[i]), 2e-6 * size));
    // The fast processor rounds otherwise, by one step of 255.
    floatsOf(fast).forEach((value, i) => {
      assertLess(Math.abs(ours[i] - value), 1.01 / 255 / deviation[i % 3] + 2e-6 * size);
    });
  });
}

Deno.test("readPreprocessorConfig() takes transformers' defaults where keys are left out, and the older forms", async () => {
  const classic: Preprocessing = {
    resize: [224, 224],
    crop: 224,
    interpolation: "bilinear",
    mean: [0.5, 0.5, 0.5],
    deviation: [0.5, 0.5, 0.5],
  };
  assertEquals(await read({}), classic);
  const older = { feature_extractor_type: "ViTFeatureExtractor", size: 224, crop_size: null, do_center_crop: false };
  assertEquals(await read({ ...older, do_pad: false, _valid_processor_keys: ["images"] }), classic);
  assertEquals(
    await read({
      image_processor_type: "ViTImageProcessorFast",
      size: { shortest_edge: 9 },
      do_center_crop: true,
      crop_size: 8,
    }),
    { ...classic, resize: 9, crop: 8 },
  );
});

Deno.test("readPreprocessorConfig() names the key that it does not understand", async () => {
  const crop = { do_center_crop: true, crop_size: { height: 8, width: 8 } };
  const cases: [Record<string, unknown> | string, string][] = [
    ["{", "cannot be read as JSON"],
    ["[1]", "not a JSON object"],
    [{ image_processor_type: "CLIPImageProcessor" }, "CLIPImageProcessor"],
    [{ do_resize: false }, "do_resize is false"],
    [{ do_rescale: "yes" }, 'do_rescale is "yes"'],
    [{ size: { shortest_edge: 20, longest_edge: 30 }, ...crop }, "size is"],
    [{ size: { max_height: 20, max_width: 30 } }, "size is"],
    [{ size: { height: 20, width: 30 } }, "size is"],
    [{ size: { shortest_edge: 20 } }, "size is"],
    [{ size: "large" }, "size is"],
    [{ size: { height: 20.5, width: 20.5 } }, "size is"],
    [{ size: 7, ...crop }, "crop_size is"],
    [{ size: 9, do_center_crop: true }, "crop_size is"],
    [{ size: 9, do_center_crop: true, crop_size: { height: 8, width: 7 } }, "crop_size is"],
    [{ resample: 1 }, "resample is 1"],
    [{ rescale_factor: 0 }, "rescale_factor is 0"],
    [{ image_mean: [0.5, 0.5] }, "image_mean is"],
    [{ image_std: [0.5, 0, 0.5] }, "image_std is"],
    [{ do_pad: true }, "do_pad"],
    [{ crop_pct: 0.9 }, "crop_pct"],
  ];
  for (const [config, includes] of cases) {
    const error = await assertRejects(() => read(config), Error, includes);
    assert(error.message.includes(".json"), error.message);
  }
  await assertRejects(() => readPreprocessorConfig("/nowhere/p.json"), Error, "/nowhere/p.json");
});

Deno.test("centredCut() resizes the shorter side, the longer one rounded down as torchvision does", () => {
  const framing = { ...defaultPreprocessing(224), resize: 256 };
  // torchvision 0.29: Resize(256) of 500 x 375 gives 341 x 256, of 333 x 500 it gives 256 x 384, of 257 x 400 398 high.
  const wide = centredCut(500, 375, framing);
  assertEquals([wide.width, wide.height], [341, 256]);
  assertEquals(wide.window, { x: 58, y: 16, width: 224, height: 224 });
  const tall = centredCut(333, 500, framing);
  assertEquals([tall.width, tall.height], [256, 384]);
  assertEquals(centredCut(257, 400, framing).height, 398);
  assertEquals(centredCut(1, 1000, framing).height, 256_000);
});

Deno.test("checkFraming() refuses a crop larger than the image, and what is no size", () => {
  checkFraming({ resize: [8, 9], crop: 8, interpolation: "bilinear" });
  for (
    const [resize, crop] of [[7, 8], [[8, 7], 8], [8, 0], [8.5, 8], [8, NaN]] as [number | [number, number], number][]
  ) {
    assertThrows(() => checkFraming({ resize, crop, interpolation: "bicubic" }), RangeError);
  }
  assertThrows(() => checkFraming({ ...framingOf(8), interpolation: "nearest" as "bicubic" }), RangeError, "nearest");
  assertThrows(() => framingOf(0), RangeError, "got 0");
});

Deno.test("centred() follows a preprocessing: resized, then cropped", async () => {
  // Columns 0 .. 11 of a 12 x 8 image, doubled, then the middle 8 of 24: source columns 4 to 7.
  const pixels = Uint8Array.from({ length: 12 * 8 * 3 }, (_, i) => 20 * (Math.floor(i / 3) % 12));
  const dataset = memoryDataset({ name: "x", classes: [], pixels, width: 12, height: 8, labels: Int32Array.of(-1) });
  const batch = await dataset.centred(Uint32Array.of(0), { resize: [16, 24], crop: 8, interpolation: "bilinear" });
  assertEquals(batch.pixels.length, 8 * 8 * 3);
  assertEquals(Array.from({ length: 8 }, (_, x) => batch.pixels[3 * x]), [75, 85, 95, 105, 115, 125, 135, 145]);
  await assertRejects(
    () => dataset.centred(Uint32Array.of(0), { resize: 4, crop: 8, interpolation: "bilinear" }),
    RangeError,
    "resize it larger",
  );
});
