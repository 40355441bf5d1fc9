import "../tensorflow/loaded.ts";
import { encoderShapes } from "../../lib/jepa/architectures.ts";
import { patchify } from "../../lib/jepa/encoder.ts";
import { pooledCrops, pooledViews } from "../../lib/methods/crops.ts";
import { convolutionalDecoderShapes } from "../../lib/methods/convolutional_decoder.ts";
import { data2vecLoss, data2vecTargets } from "../../lib/methods/data2vec.ts";
import { lejepaLoss } from "../../lib/methods/lejepa.ts";
import { maeDecoderShapes, maeLoss } from "../../lib/methods/mae.ts";
import { projections, projectorShapes } from "../../lib/methods/projector.ts";
import { vicregLoss } from "../../lib/methods/vicreg.ts";
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

Deno.test("LeJEPA's loss and gradients, with smaller crops, are PyTorch's", () => {
  const networks = projectorNetworks(), grid = ENCODER.image / ENCODER.patch;
  networks.encoder["pos_embed"] = tf.tensor3d(sineCosinePositions(ENCODER.width, grid), [1, grid ** 2, ENCODER.width]);
  const crops = { pixels: images(2 * BATCH, ENCODER.image, 1), local: images(2 * BATCH, 8, 2) };
  const drawn = tf.tensor2d(sines([PROJECTOR.outputs, 5], 3), [PROJECTOR.outputs, 5]);
  const directions = tf.div(drawn, tf.norm(drawn, 2, 0));
  assertReference(reference.lejepa, networks, ({ encoder, projector }) => {
    const projected = projections(projector, pooledViews(encoder, ENCODER, crops));
    const { loss, ...reported } = lejepaLoss(tf.reshape(projected, [4, BATCH, PROJECTOR.outputs]), directions, 0.1);
    return { loss, reported };
  });
});

Deno.test("VICReg's loss and gradients are PyTorch's", () => {
  const pixels = images(2 * 8, ENCODER.image, 1);
  assertReference(reference.vicreg, projectorNetworks(), ({ encoder, projector }) => {
    const [first, second] = tf.split(pooledCrops(encoder, ENCODER, pixels), 2).map((view) =>
      projections(projector, view)
    );
    const { loss, ...reported } = vicregLoss(first, second, { invariance: 25, variance: 25, covariance: 1 });
    return { loss, reported };
  });
});
