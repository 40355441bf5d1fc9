import "../tensorflow/loaded.ts";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { encoderShapes, predictorShapes } from "../../lib/jepa/architectures.ts";
import { patchify } from "../../lib/jepa/encoder.ts";
import { pooledCrops, pooledViews } from "../../lib/methods/crops.ts";
import { convolutionalDecoderShapes } from "../../lib/methods/parts/convolutional_decoder.ts";
import { data2vecLoss, data2vecTargets } from "../../lib/methods/objectives/data2vec.ts";
import { dinoHead, dinoHeadShapes, dinoLoss, dinoTargets } from "../../lib/methods/objectives/dino.ts";
import { targetRepresentations } from "../../lib/jepa/objective.ts";
import { iwmLoss } from "../../lib/methods/objectives/image_world_model.ts";
import { lejepaLoss } from "../../lib/methods/objectives/lejepa.ts";
import { maeDecoderShapes, maeLoss } from "../../lib/methods/objectives/mae.ts";
import { projections, projectorShapes } from "../../lib/methods/parts/projector.ts";
import { hiddenSquares, simmimHeadShapes, simmimLoss } from "../../lib/methods/objectives/simmim.ts";
import { vicregLoss } from "../../lib/methods/objectives/vicreg.ts";
import { randomStream } from "../../lib/random.ts";
import { sineCosinePositions } from "../../lib/nn/positions.ts";
import { tf } from "../../lib/tensorflow/backend.ts";
import { assertReference, BATCH, ENCODER, images, network, sines } from "./reference.ts";
import reference from "./fixtures/methods.json" with { type: "json" };

const VISIBLE = [[0, 3, 5, 10], [2, 7, 8, 15], [1, 4, 6, 13]];
const HIDDEN = VISIBLE.map((row) => Array.from({ length: 16 }, (_, n) => n).filter((n) => !row.includes(n)));
const PROJECTOR = { hidden: 12, outputs: 6 };

const projectorNetworks = () => ({
  encoder: network(encoderShapes(ENCODER), 0),
  projector: network(projectorShapes(ENCODER.width, PROJECTOR), 50),
});

Deno.test("MAE's loss and gradients are PyTorch's, which decodes all patches in their order", () => {
  const config = { architecture: ENCODER, decoder: { width: 8, depth: 2, heads: 2 } };
  const networks = {
    encoder: network(encoderShapes(ENCODER), 0),
    decoder: network(maeDecoderShapes(ENCODER, config.decoder), 50),
  };
  const pixels = images(BATCH, ENCODER.image, 1);
  const masks = {
    context: tf.tensor2d(VISIBLE, undefined, "int32"),
    targets: tf.tensor3d([HIDDEN], undefined, "int32"),
  };
  assertReference(reference.mae, networks, ({ encoder, decoder }) => {
    const { loss } = maeLoss({ encoder, decoder }, config, patchify(pixels, ENCODER.patch), masks);
    return { loss, reported: {} };
  });
});

Deno.test("data2vec 2.0's targets, loss and gradients are PyTorch's", () => {
  const config = { architecture: ENCODER, layers: 2, decoder: { width: 8, depth: 2, groups: 2 } };
  const networks = {
    encoder: network(encoderShapes(ENCODER), 0),
    decoder: network(convolutionalDecoderShapes(ENCODER.width, config.decoder), 50),
  };
  const patches = patchify(images(BATCH, ENCODER.image, 1), ENCODER.patch);
  const targets = data2vecTargets(network(encoderShapes(ENCODER), 100), config, patches);
  const rows = [...VISIBLE, ...VISIBLE.toReversed()];
  const places = rows.map((row) => {
    const order = [...row, ...Array.from({ length: 16 }, (_, n) => n).filter((n) => !row.includes(n))];
    return Array.from({ length: 16 }, (_, n) => order.indexOf(n));
  });
  const masks = {
    visible: tf.tensor2d(rows, undefined, "int32"),
    places: tf.tensor2d(places, undefined, "int32"),
    noise: tf.tensor3d(sines([1, 12, ENCODER.width], 7, 0.1), [1, 12, ENCODER.width]),
  };
  assertReference(reference.data2vec, networks, ({ encoder, decoder }) => ({
    loss: data2vecLoss({ encoder, decoder }, config, patches, targets, masks),
    reported: {},
  }));
});

Deno.test("SimMIM's loss and gradients are PyTorch's, which puts the mask token in the embeddings' place", () => {
  const networks = { encoder: network(encoderShapes(ENCODER), 0), head: network(simmimHeadShapes(ENCODER), 50) };
  const patches = patchify(images(BATCH, ENCODER.image, 1), ENCODER.patch);
  const hidden = tf.tensor2d(VISIBLE.map((row) => Array.from({ length: 16 }, (_, n) => row.includes(n) ? 0 : 1)));
  assertReference(reference.simmim, networks, ({ encoder, head }) => ({
    loss: simmimLoss({ encoder, head }, ENCODER, patches, hidden).loss,
    reported: {},
  }));
});

Deno.test("hiddenSquares() hide whole squares, as many as the share rounded up", () => {
  const hidden = hiddenSquares({ grid: 8, square: 2, maskRatio: 0.6 })(20, randomStream(3));
  for (let i = 0; i < 20; i++) {
    const own = hidden.subarray(i * 64, (i + 1) * 64);
    assertEquals(own.reduce((sum, x) => sum + x, 0), 4 * 10); // of 16 squares
    own.forEach((x, n) => assertEquals(x, own[Math.floor(n / 16) * 16 + Math.floor(n % 8 / 2) * 2]));
  }
  assert(String(hidden.subarray(0, 64)) !== String(hidden.subarray(64, 128)));
  assertThrows(() => hiddenSquares({ grid: 8, square: 3, maskRatio: 0.6 }), RangeError, "squares of 3 patches");
  assertThrows(() => hiddenSquares({ grid: 8, square: 2, maskRatio: 1 }), RangeError, "cannot be hidden");
});

Deno.test("LeJEPA's loss and gradients, with smaller crops, are PyTorch's", () => {
  const networks = projectorNetworks(), grid = ENCODER.image / ENCODER.patch;
  networks.encoder["pos_embed"] = tf.tensor3d(sineCosinePositions(ENCODER.width, grid), [1, grid ** 2, ENCODER.width]);
  const crops = { pixels: images(2 * BATCH, ENCODER.image, 1), local: images(2 * BATCH, 8, 2) };
  const drawn = tf.tensor2d(sines([PROJECTOR.outputs, 5], 3), [PROJECTOR.outputs, 5]);
  const directions = tf.div(drawn, tf.norm(drawn, 2, 0));
  assertReference(reference.lejepa, networks, ({ encoder, projector }) => {
    const projected = projections(projector, pooledViews(encoder, { architecture: ENCODER }, crops));
    const { loss, ...reported } = lejepaLoss(tf.reshape(projected, [4, BATCH, PROJECTOR.outputs]), directions, 0.1);
    return { loss, reported };
  });
});

Deno.test("VICReg's loss and gradients are PyTorch's", () => {
  const pixels = images(2 * 8, ENCODER.image, 1);
  assertReference(reference.vicreg, projectorNetworks(), ({ encoder, projector }) => {
    const [first, second] = tf.split(pooledCrops(encoder, { architecture: ENCODER }, pixels), 2).map((view) =>
      projections(projector, view)
    );
    const { loss, ...reported } = vicregLoss(first, second, { invariance: 25, variance: 25, covariance: 1 });
    return { loss, reported };
  });
});

Deno.test("DINO's targets, loss and gradients, with a smaller crop, are PyTorch's", () => {
  const grid = ENCODER.image / ENCODER.patch,
    shapes = dinoHeadShapes(16, { hidden: 12, bottleneck: 6, prototypes: 10 });
  const positions = tf.tensor3d(sineCosinePositions(ENCODER.width, grid), [1, grid ** 2, ENCODER.width]);
  const encoderOf = (number: number) => ({ ...network(encoderShapes(ENCODER), number), pos_embed: positions });
  const crops = { pixels: images(2 * BATCH, ENCODER.image, 1), local: images(BATCH, 8, 2) };
  const said = dinoHead(network(shapes, 150), pooledCrops(encoderOf(100), { architecture: ENCODER }, crops.pixels));
  const targets = dinoTargets(said, tf.scalar(0.05));
  assertReference(reference.dino, { encoder: encoderOf(0), head: network(shapes, 50) }, ({ encoder, head }) => ({
    loss: dinoLoss(dinoHead(head, pooledViews(encoder, { architecture: ENCODER }, crops)), targets, 3, 0.1),
    reported: {},
  }));
});

Deno.test("an image world model's loss and gradients are PyTorch's, those of what it is told among them", () => {
  const predictor = { width: 8, depth: 2, heads: 2, conditions: 7 }, architecture = { ...ENCODER, predictor };
  const networks = {
    encoder: network(encoderShapes(ENCODER), 0),
    predictor: network(predictorShapes(architecture), 50),
  };
  const places = [HIDDEN.map((row) => row.slice(0, 3)), HIDDEN.map((row) => row.slice(6, 9))];
  const inputs = {
    sources: images(BATCH, ENCODER.image, 1),
    transformations: tf.tensor2d(sines([BATCH, 7], 3), [BATCH, 7]),
    context: tf.tensor2d(VISIBLE, undefined, "int32"),
    targets: tf.tensor3d(places, undefined, "int32"),
  };
  const patches = patchify(images(BATCH, ENCODER.image, 2), ENCODER.patch);
  const said = targetRepresentations(network(encoderShapes(ENCODER), 100), ENCODER, patches, inputs.targets);
  const config = { architecture, regulariser: { variance: 0, covariance: 0 } };
  assertReference(reference.iwm, networks, ({ encoder, predictor }) => ({
    loss: iwmLoss({ encoder, predictor }, config, inputs, said).loss,
    reported: {},
  }));
});
