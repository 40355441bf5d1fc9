import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import "../tensorflow/loaded.ts";
import { disposeAll, tf } from "../../lib/tensorflow/backend.ts";
import { gradientsOf } from "../../lib/training/step.ts";
import { checkWorldConfig } from "../../lib/world/check_config.ts";
import { initialWorld } from "../../lib/world/networks.ts";
import { networkShapes, type WorldConfig, worldObjective } from "../../lib/world/objective.ts";
import { WORLD_PRESETS, worldPreset } from "../../lib/world/presets.ts";
import { pretrainWorld } from "../../lib/world/pretrain.ts";
import { loadWorld, saveWorld } from "../../lib/world/saved_world.ts";
import { withFolder } from "../with_folder.ts";

/** Four steps of four short walks. */
const SMALL: WorldConfig = {
  ...WORLD_PRESETS["two-rooms"],
  rooms: { picture: 33, layout: "random", frames: 3, crossing: 0.35, sharing: 2 },
  networks: { hidden: [8], width: 6, inverse: 5 },
  regulariser: { variance: 16, covariance: 2, smoothness: 24, lag: 2, inverseDynamics: 1 },
  ...{ horizon: 2, batch: 4, episodes: 16, epochs: 1, precision: "float32" },
};

Deno.test("every preset is a configuration, by its name", () => {
  for (const [name, config] of Object.entries(WORLD_PRESETS)) {
    checkWorldConfig(config);
    assertEquals(worldPreset(name), config);
  }
  assertThrows(() => worldPreset("rooms"), RangeError, "there are two-rooms, two-rooms-fixed, two-rooms-eb-jepa");
});

Deno.test("what a configuration may not hold is named, with what it must be", () => {
  const wrong = (change: object, sentence: string) =>
    assertThrows(() => checkWorldConfig({ ...SMALL, ...change }), RangeError, sentence);
  wrong({ horizon: 3 }, "horizon must be less than rooms.frames, which is 3; got 3");
  wrong({ rooms: { ...SMALL.rooms, sharing: 3 } }, "rooms.sharing must divide microBatch, which is 4; got 3");
  wrong({ rooms: { ...SMALL.rooms, picture: 64 } }, "rooms.picture");
  wrong(
    { regulariser: { ...SMALL.regulariser, lag: 3 } },
    "regulariser.lag must be less than rooms.frames, which is 3; got 3",
  );
  wrong(
    { regulariser: { variance: 1, covariance: 1, smoothness: 1, lag: 1 } },
    "regulariser.inverseDynamics is missing",
  );
  wrong({ networks: { ...SMALL.networks, stacks: { channels: [4], blocks: 1.5 } } }, "networks.stacks.blocks");
  wrong({ regulariser: { sigreg: 1 } }, "regulariser.directions is missing");
});

Deno.test("a world model is read as it was written, and a file that lacks a tensor is refused by its name", async () => {
  await withFolder(async (dir) => {
    const networks = initialWorld(networkShapes(SMALL), SMALL.networks.width, 1), file = `${dir}/world.safetensors`;
    await saveWorld(file, { config: SMALL, networks });
    const read = await loadWorld(dir);
    assertEquals(read.config, SMALL);
    const written = networks.predictor["rnn.weight_hh_l0"].dataSync();
    assertEquals([...read.networks.predictor["rnn.weight_hh_l0"].dataSync()], [...written]);
    const { "fc2.bias": bias, ...inverse } = networks.inverse;
    await saveWorld(file, { config: SMALL, networks: { ...networks, inverse } });
    await assertRejects(() => loadWorld(file), Error, "lacks tensor inverse.fc2.bias");
    disposeAll([networks, read.networks]);
    bias.dispose();
  });
});

Deno.test("a run that was stopped goes on to the same weights", async () => {
  await withFolder(async (dir) => {
    const stop = new AbortController();
    const whole = await pretrainWorld(SMALL, { dir: `${dir}/whole` });
    const onStep = ({ step }: { step: number }) => step === 2 && stop.abort();
    const half = await pretrainWorld(SMALL, { dir: `${dir}/half`, signal: stop.signal, onStep });
    assertEquals([half.finished, half.step], [false, 2]);
    const rest = await pretrainWorld(SMALL, { dir: `${dir}/half`, resume: true });
    assertEquals([rest.finished, rest.log.length, whole.log.length], [true, 4, 4]);
    for (const [network, p] of Object.entries(whole.networks)) {
      for (const [name, value] of Object.entries(p)) {
        assertEquals(tf.equal(value, rest.networks[network][name]).all().dataSync()[0], 1, `${network}.${name}`);
      }
    }
    disposeAll([whole.networks, half.networks, rest.networks]);
  });
});

Deno.test("with LeWM's two terms there is no inverse model, and every parameter has a gradient", async () => {
  const config: WorldConfig = { ...SMALL, regulariser: { sigreg: 0.1, directions: 8 } };
  const objective = worldObjective(config), networks = objective.initialise();
  assertEquals(Object.keys(networks), ["encoder", "predictor"]);
  const stream = objective.batches(0, { parts: 1, from: 0, to: 1 }), { inputs } = (await stream.next()).value!;
  await stream.return();
  const { loss, reported, gradients } = gradientsOf(networks, objective.lossOf({}, inputs));
  const [whole, prediction, normal] = [loss, reported.prediction, reported.sigreg].map((x) => x.dataSync()[0]);
  assertAlmostEquals(whole, prediction + 0.1 * normal, 1e-5);
  for (const [network, p] of Object.entries(gradients)) {
    for (const [name, value] of Object.entries(p)) assert(tf.norm(value).dataSync()[0] > 0, `${network}.${name}`);
  }
  disposeAll([networks, inputs, loss, reported, gradients]);
});
