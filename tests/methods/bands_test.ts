import "../tensorflow/loaded.ts";
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { findImages } from "../../lib/datasets/folders/image_list.ts";
import { openDataset } from "../../lib/datasets/open_dataset.ts";
import { evaluate } from "../../lib/evaluation/evaluate.ts";
import { representationMonitor } from "../../lib/evaluation/collapse/monitor.ts";
import { encodeImages } from "../../lib/evaluation/features/encode_images.ts";
import { encoderSubject, pixelSubject } from "../../lib/evaluation/subjects.ts";
import { frozenEncoder } from "../../lib/decoding/train_decoder.ts";
import { loadEncoder } from "../../lib/jepa/pretrained.ts";
import { encoderOf } from "../../lib/methods/config.ts";
import { isJepa, type MethodConfig, objectiveOf, preset } from "../../lib/methods/methods.ts";
import { pretrain } from "../../lib/methods/pretrain.ts";
import { randomStream } from "../../lib/random.ts";
import { tf } from "../../lib/tensorflow/backend.ts";
import { npyHeader, readNpy } from "../../lib/weights/formats/npy.ts";
import { runMasks } from "../../lib/commands/tensorboard/run_masks.ts";
import { withFolder } from "../with_folder.ts";

const SIDE = 16, CHANNELS = 4, MEANS = [4000, 300, 0.5, -20], DEVIATIONS = [900, 20, 0.1, 5];

/** Two classes of images of four bands, whose third band tells them apart; and the first band's numbers. */
async function makeImages(dir: string, each: number): Promise<number[]> {
  const random = randomStream(3), first: number[] = [];
  for (const [label, name] of ["fields", "water"].entries()) {
    await Deno.mkdir(`${dir}/${name}`, { recursive: true });
    for (let i = 0; i < each; i++) {
      const pixels = Float32Array.from({ length: SIDE ** 2 * CHANNELS }, (_, at) => {
        const band = at % CHANNELS, shift = band === 2 ? label * 6 - 3 : 0;
        return MEANS[band] + DEVIATIONS[band] * (random.normal() + shift);
      });
      pixels.forEach((value, at) => at % CHANNELS === 0 && first.push(value));
      const header = npyHeader([SIDE, SIDE, CHANNELS]);
      await Deno.writeFile(`${dir}/${name}/${i}.npy`, new Uint8Array([...header, ...new Uint8Array(pixels.buffer)]));
    }
  }
  return first;
}

const architecture = { ...{ image: SIDE, patch: 4, channels: CHANNELS, width: 16, depth: 1, heads: 2, mlpRatio: 2 } };
const CONFIG: MethodConfig = {
  ...preset("smoke"),
  architecture: { ...architecture, predictor: { width: 8, depth: 1, heads: 2 } },
  masks: { sampler: "multiBlock", blocks: 2, targetScale: [0.25, 0.25], contextLength: 5 },
  batch: 8,
  epochs: 2,
} as MethodConfig;

Deno.test("images of four bands are pretrained on, kept, encoded and evaluated by their own mean and deviation", () =>
  withFolder(async (folder) => {
    const data = `${folder}/data`, dir = `${folder}/run`, first = await makeImages(`${data}/train`, 12);
    await makeImages(`${data}/test`, 8);
    const { train, test } = await openDataset(data, { colours: CHANNELS });
    assertEquals([train.length, train.channels, test?.length], [24, CHANNELS, 16]);

    const monitor = await representationMonitor(CONFIG, train, { every: 3, images: 12, lidarImages: 4 });
    const options = { dir, checkpointEvery: 3, monitor };
    await assertRejects(
      () =>
        pretrain({ ...CONFIG, architecture: { ...CONFIG.architecture, channels: 5 } } as MethodConfig, train, options),
      RangeError,
      "have 4 channels, and architecture.channels is 5: set it to 4.",
    );
    const run = await pretrain(CONFIG, train, options);
    monitor.dispose();
    assert(run.finished && run.log.every(({ loss }) => Number.isFinite(loss)));
    const { standardise } = JSON.parse(await Deno.readTextFile(`${dir}/config.json`));
    const mean = first.reduce((sum, value) => sum + value, 0) / first.length;
    const variance = first.reduce((sum, value) => sum + (value - mean) ** 2, 0) / first.length;
    assertAlmostEquals(standardise.mean[0], mean, 1e-2);
    assertAlmostEquals(standardise.deviation[0], Math.sqrt(variance), 1e-2);
    MEANS.forEach((value, band) => assertAlmostEquals(standardise.mean[band], value, DEVIATIONS[band]));

    const loaded = await loadEncoder(dir);
    assertEquals(loaded.size, encoderOf(architecture));
    const scaled = standardise.mean.map((value: number) => value / 255);
    assertEquals(loaded.preprocessing?.mean, scaled);
    const [newest] = Array.from(Deno.readDirSync(dir), ({ name }) => name).filter((name) =>
      name.startsWith("checkpoint")
    );
    const kept = await loadEncoder(`${dir}/${newest}`);
    assertEquals(kept.preprocessing?.mean, scaled);
    tf.dispose([kept.parameters, kept.predictor?.parameters ?? {}]);

    const { images } = await findImages(`${data}/test`, { colours: CHANNELS });
    const shape = await encodeImages(loaded.parameters, loaded.size, images, `${folder}/features.npy`, loaded);
    assertEquals(shape, [16, 16]);
    const features = await readNpy(`${folder}/features.npy`);
    const subjects = [encoderSubject("encoder", loaded), pixelSubject(loaded.size)];
    const results = await evaluate(subjects, ["knn", "linear-fast"], { images: { train, test: test! } });
    assertEquals(results.map(({ subject }) => subject), ["encoder", "raw pixels", "encoder", "raw pixels"]);
    assertEquals(results.filter(({ subject }) => subject === "encoder").map(({ score }) => score), [100, 100]);
    const { values } = (await subjects[0].features(test!, "last"))!;
    assertEquals(features.values.length, values.length);

    assert(isJepa(CONFIG) && await runMasks(CONFIG, train));
    assertRejects(
      async () => await Promise.resolve(frozenEncoder(loaded)),
      RangeError,
      "Decoders draw colours, and the encoder takes images of 4 channels.",
    );
    tf.dispose([loaded.parameters, loaded.predictor?.parameters ?? {}, run.targetEncoder]);
  }));

Deno.test("each method takes images of four bands", () =>
  withFolder(async (folder) => {
    await makeImages(`${folder}/data`, 4);
    const { train } = await openDataset(`${folder}/data`, { colours: CHANNELS });
    const standardise = { mean: MEANS, deviation: DEVIATIONS };
    for (const name of ["mae", "simmim", "data2vec", "lejepa", "vicreg", "dino"] as const) {
      const given = preset(`${name}-cifar10`), small = "local" in given ? { local: { ...given.local!, size: 8 } } : {};
      const config = { ...given, ...small, architecture: { ...architecture, depth: 3 }, standardise, batch: 4 };
      const objective = objectiveOf(config as MethodConfig, train);
      const trained = objective.initialise();
      const averages = Object.fromEntries(
        Object.entries(objective.averages).map(([average, of]) => [average, trained[of]]),
      );
      for await (const { inputs } of objective.batches(0, { parts: 1, from: 0, to: 1 })) {
        const { loss } = objective.lossOf(averages, inputs)(trained);
        assert(Number.isFinite(loss.dataSync()[0]), name);
        assertEquals(trained.encoder["patch_embed.proj.weight"].shape, [16, 4, 4, 4]);
        break;
      }
    }
    tf.disposeVariables();
  }));

Deno.test("a file of other bands is named, with what it has", () =>
  withFolder(async (folder) => {
    await makeImages(`${folder}/data`, 2);
    const odd = npyHeader([4, 4, 3]), path = `${folder}/data/water/1.npy`;
    await Deno.writeFile(path, new Uint8Array([...odd, ...new Uint8Array(4 * 48)]));
    const { train } = await openDataset(`${folder}/data`, { colours: CHANNELS });
    await assertRejects(
      () => train.centred(Uint32Array.of(0, 1, 2, 3), SIDE),
      Error,
      `${path} cannot be read as an image (it has 3 channel(s), and images of 4 are wanted): repair or remove it`,
    );
    await assertRejects(
      () => openDataset(`${folder}/data`, { colours: 3 }),
      RangeError,
      "and three as colours; got 3.",
    );
  }));
