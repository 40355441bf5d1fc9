/**
 * What a decoder has learned to draw, as a picture.
 *
 * @module
 */
import { colourPixels } from "../../datasets/pixels/cut_image.ts";
import type { Dataset } from "../../datasets/dataset.ts";
import { conditionsOf, reconstruct } from "../../decoding/decode.ts";
import type { FrozenEncoder } from "../../decoding/representation.ts";
import { sampleEach } from "../../decoding/diffusion/sampler.ts";
import type { PatchDecoder, PooledDecoder, TrainedDecoder } from "../../decoding/saved_decoder.ts";
import { samplesFigure } from "../../figures/pictures/decoding_figures.ts";
import type { Figure } from "../../figures/figure.ts";

/** Images, and samples for each. */
const IMAGES = 4, SAMPLES = 4;

/** The first images of a data set, with samples for their representations or predictions, or the patch decoder's pictures of them. */
export async function decoderSamples(encoder: FrozenEncoder, decoder: TrainedDecoder, data: Dataset): Promise<Figure> {
  const size = encoder.size.image, count = Math.min(IMAGES, data.length);
  const seen = await data.centred(Uint32Array.from({ length: count }, (_, i) => i), size);
  const pixels = colourPixels(seen.pixels);
  const given = { pixels, size }, none = { pixels: new Uint8Array(0), size };
  if (decoder.config.kind === "patches") {
    const decoded = { pixels: await reconstruct(encoder, decoder as PatchDecoder, pixels), size };
    return samplesFigure(given, none, { decoded });
  }
  const conditions = await conditionsOf(encoder, decoder, pixels);
  const drawn = await sampleEach(decoder as PooledDecoder, conditions, SAMPLES, { seed: decoder.config.seed });
  return samplesFigure(given, { pixels: drawn, size: decoder.config.network.image });
}
