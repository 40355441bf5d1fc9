import "../tensorflow/loaded.ts";
import { assert, assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import type { DecoderConfig } from "../../lib/decoding/decoder_presets.ts";
import { decoderSteps } from "../../lib/decoding/decoder_objective.ts";
import { trainDecoder, type TrainDecoderOptions } from "../../lib/decoding/train_decoder.ts";
import type { FrozenEncoder } from "../../lib/decoding/representation.ts";
import { decodes, loadDecoder } from "../../lib/decoding/saved_decoder.ts";
import { tf } from "../../lib/tensorflow/backend.ts";
import { toFloat16, toFloat32 } from "../../lib/weights/formats/safetensors.ts";
import { images, PATCHES, POOLED, PREDICTED, toyEncoder } from "./toy.ts";

const disposeAll = (tensors: unknown): void => tf.dispose(tensors as tf.TensorContainer);

async function run(
  config: DecoderConfig,
  options: Partial<TrainDecoderOptions> & { dir: string },
  encoder: FrozenEncoder = toyEncoder(1, config.kind === "pooled" && config.of === "predictions"),
) {
  try {
    const result = await trainDecoder(config, encoder, images, options);
    disposeAll([result.decoder.parameters, result.decoder.standardisation]);
    return result;
  } finally {
    disposeAll([encoder.parameters, encoder.predictor?.parameters ?? {}]);
  }
}

function stopAt(step: number): Pick<TrainDecoderOptions, "signal" | "onStep"> {
  const controller = new AbortController();
  return { signal: controller.signal, onStep: (entry) => entry.step === step && controller.abort() };
}

const read = (dir: string, name: string) => Deno.readFile(`${dir}/${name}`);
/** A log without what depends on the machine: times, and when checkpoints were finished. */
const withoutTimes = (text: Uint8Array) =>
  new TextDecoder().decode(text).replaceAll(/"seconds":[\d.e+-]+|,"checkpoints":\[.*?\]/g, "");

async function assertSameRun(dir: string, other: string) {
  for (const name of ["checkpoint-00000010.safetensors", "decoder.safetensors"]) {
    assertEquals(await read(dir, name), await read(other, name), name);
  }
  assertEquals(withoutTimes(await read(dir, "log.jsonl")), withoutTimes(await read(other, "log.jsonl")));
}

for (const config of [POOLED, PREDICTED, PATCHES]) {
  Deno.test(`trainDecoder() of ${decodes(config)}, stopped and resumed, ends with the same bits`, async () => {
    const root = await Deno.makeTempDir();
    const whole = await run(config, { dir: `${root}/whole` });
    assert(whole.finished);
    assertEquals(whole.log.map(({ step }) => step), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);

    const stopped = await run(config, { dir: `${root}/stopped`, ...stopAt(4) });
    assertEquals([stopped.finished, stopped.step], [false, 4]);
    const resumed = await run(config, { dir: `${root}/stopped`, resume: true });
    assertEquals([resumed.finished, resumed.log.length], [true, 10]);
    await assertSameRun(`${root}/whole`, `${root}/stopped`);
    if (config.kind === "pooled") return await Deno.remove(root, { recursive: true });

    // Of any kind a run that was killed is found by the same files; this one takes the least time.
    const killed = `${root}/killed`;
    await run(config, { dir: killed, checkpointEvery: 3, ...stopAt(3) });
    const beyond = (await Deno.readTextFile(`${root}/whole/log.jsonl`)).split("\n").slice(3, 6).join("\n").slice(0, -9);
    await Deno.writeTextFile(`${killed}/log.jsonl`, beyond, { append: true });
    await run(config, { dir: killed, resume: true });
    await assertSameRun(`${root}/whole`, killed);
    await Deno.remove(root, { recursive: true });
  });
}

Deno.test("trainDecoder() depends on its seed, and writes what it returns in float16", async () => {
  const root = await Deno.makeTempDir(), encoder = toyEncoder();
  const { decoder, weights } = await trainDecoder(POOLED, encoder, images, { dir: `${root}/0` });
  const loaded = await loadDecoder(`${root}/0`);
  assertEquals(loaded.config, POOLED);
  for (const [name, tensor] of Object.entries(decoder.parameters)) {
    const half = toFloat32({ dtype: "F16", shape: tensor.shape, data: toFloat16(tensor.dataSync() as Float32Array) });
    assertEquals(loaded.parameters[name].dataSync(), half, name);
  }
  assertEquals(loaded.standardisation.mean.dataSync(), decoder.standardisation.mean.dataSync());
  assertEquals(weights, `${root}/0/decoder.safetensors`);
  disposeAll([decoder.parameters, decoder.standardisation, loaded.parameters, loaded.standardisation]);
  await run({ ...POOLED, seed: 1 }, { dir: `${root}/1` }, encoder);
  const [zero, one] = [await read(`${root}/0`, "decoder.safetensors"), await read(`${root}/1`, "decoder.safetensors")];
  assert(zero.some((byte, i) => byte !== one[i]));
  await Deno.remove(root, { recursive: true });
});

Deno.test("trainDecoder() lowers the loss of a few images", async () => {
  const root = await Deno.makeTempDir();
  const mean = (values: { loss: number }[]) => values.reduce((sum, { loss }) => sum + loss, 0) / values.length;
  for (
    const [config, share] of [[POOLED, 0.6], [PREDICTED, 0.8], [PATCHES, 0.2], [
      { ...PATCHES, loss: "l1" },
      0.5,
    ]] as const
  ) {
    const dir = `${root}/${decodes(config)}${"loss" in config ? config.loss : ""}`;
    const { log } = await run({ ...config, epochs: 40 }, { dir });
    const [first, last] = [mean(log.slice(0, 5)), mean(log.slice(-10))];
    assertLess(last, share * first, `${dir}: ${first} to ${last}`);
  }
  await Deno.remove(root, { recursive: true });
});

Deno.test("trainDecoder() decodes at another size than the encoder's", async () => {
  const root = await Deno.makeTempDir();
  const network = { ...POOLED.network, image: 8 };
  const { finished } = await run({ ...POOLED, network, epochs: 1 }, { dir: `${root}/run` });
  assert(finished);
  await Deno.remove(root, { recursive: true });
});

Deno.test("trainDecoder() refuses what does not fit, and resuming with another encoder or configuration", async () => {
  const root = await Deno.makeTempDir(), dir = `${root}/run`;
  await run(POOLED, { dir, ...stopAt(2) });
  const refusals: [DecoderConfig, Partial<TrainDecoderOptions>, string][] = [
    [POOLED, { dir }, "holds a run already"],
    [{ ...POOLED, clip: 9 }, { dir, resume: true }, "another clip"],
    [POOLED, { dir: `${root}/none`, resume: true }, "holds no run"],
    [{ ...POOLED, network: { ...POOLED.network, condition: 8 } }, {}, "vectors of 8 numbers, but the encoder gives 16"],
    [{ ...PATCHES, network: { ...PATCHES.network, patch: 8 } }, {}, "has its encoder's image and patch, 16 and 4"],
    [
      { ...POOLED, network: { ...POOLED.network, image: 15 } },
      {},
      "of a multiple of 2 pixels, not of 15",
    ],
    [{ ...POOLED, network: { ...POOLED.network, heads: 5 } }, {}, "5 heads do not divide"],
    [{ ...PATCHES, network: { ...PATCHES.network, heads: 5 } }, {}, "5 heads do not divide"],
    [{ ...POOLED, unconditional: 1.5 }, {}, "unconditional must be a number of at least 0 and at most 1; got 1.5."],
    [{ ...POOLED, batch: 33 }, {}, "fewer than a batch of 33"],
  ];
  for (const [config, options, message] of refusals) {
    await assertRejects(() => run(config, { dir: `${root}/new`, ...options }), Error, message);
  }
  const shipped = `${root}/shipped`, before = await Deno.readTextFile(`${dir}/log.jsonl`);
  await Deno.mkdir(shipped);
  for (const name of ["config.json", "data.json", "log.jsonl"]) {
    await Deno.copyFile(`${dir}/${name}`, `${shipped}/${name}`);
  }
  await Deno.writeTextFile(`${shipped}/decoder.safetensors`, "");
  const goingOn = () => run(POOLED, { dir: shipped, resume: true });
  await assertRejects(goingOn, Error, "shipped holds decoder.safetensors, but no checkpoint to go on from");
  assertEquals(await Deno.readTextFile(`${shipped}/log.jsonl`), before);
  const other = toyEncoder(2);
  await assertRejects(() => run(POOLED, { dir, resume: true }, other), Error, "started with another encoder");
  await Deno.remove(root, { recursive: true });
});

Deno.test("trainDecoder() stops at a loss that is not finite, and says the step", async () => {
  const dir = `${await Deno.makeTempDir()}/run`;
  const config = { ...PATCHES, learningRate: { peak: 1e30, final: 1e30, warmup: 0 } };
  await assertRejects(() => run(config, { dir, checkpointEvery: 1 }), Error, "Training stopped at step ");
  await Deno.remove(dir, { recursive: true });
});

Deno.test("trainDecoder() leaves no handles behind", async () => {
  const root = await Deno.makeTempDir();
  const handles = () => (tf.memory() as unknown as { numHandles: number }).numHandles;
  await run({ ...PATCHES, epochs: 1 }, { dir: `${root}/a` });
  const before = handles();
  await run({ ...PATCHES, epochs: 1 }, { dir: `${root}/b` });
  assert(handles() <= before);
  await Deno.remove(root, { recursive: true });
});

Deno.test("decoderSteps() counts whole batches", () => {
  assertEquals(decoderSteps(POOLED, 47), 10);
  assertThrows(() => decoderSteps({ ...POOLED, epochs: 0.1 }, 47), RangeError, "make 0 steps of 16");
});
