import "../tensorflow/loaded.ts";
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { loadCifar10 } from "../../lib/datasets/cifar/cifar10.ts";
import { subsetOf } from "../../lib/datasets/subset.ts";
import { pixelFeatures } from "../../lib/evaluation/features/features.ts";
import { CIFAR10_PIXELS, knownPixelResults } from "../../lib/evaluation/known_baselines.ts";
import { everyRow } from "../../lib/evaluation/passes.ts";
import { knn } from "../../lib/evaluation/probes/knn.ts";
import type { ProtocolName } from "../../lib/evaluation/protocols.ts";
import { linearProbe } from "../../lib/evaluation/probes/linear_probe.ts";

const here = await Deno.stat("data/cifar10").then(() => true, () => false);

/** Of the first 500 test images. */
const KNN_OF_500 = 45.8;

Deno.test({
  name: "CIFAR10_PIXELS are what the probes measure on CIFAR-10 (kNN of the first 500 test images)",
  ignore: !here, // it is not downloaded for this
  async fn() {
    const { train, test } = await loadCifar10("data");
    assertEquals(
      knownPixelResults({ train, test }, 32, 0)?.map(({ protocol, score }) => [protocol, score]),
      Object.entries(CIFAR10_PIXELS.accuracies) as [ProtocolName, number][],
    );
    const few = subsetOf(test, everyRow(500));
    assertEquals(
      [[{ train, test: few }, 32, 0], [{ train, test }, 16, 0], [{ train, test }, 32, 1]].map((args) =>
        knownPixelResults(...args as Parameters<typeof knownPixelResults>)
      ),
      [undefined, undefined, undefined],
    );

    const fitted = await pixelFeatures(train, 32), held = await pixelFeatures(test, 32);
    assertAlmostEquals((await knn(fitted, await pixelFeatures(few, 32))).accuracy, KNN_OF_500, 0.5);
    const { accuracy } = await linearProbe(fitted, held, { weightDecay: CIFAR10_PIXELS.weightDecay });
    assertAlmostEquals(accuracy, CIFAR10_PIXELS.accuracies["linear-fast"], 0.1);
  },
});
