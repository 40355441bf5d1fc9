/**
 * A thread of readers.ts: reads some images of a batch, decodes and cuts them.
 *
 * @module
 */
import { parentPort } from "node:worker_threads";
import { shareContext } from "../../tensorflow/ops/eager.ts";
import { cutPacked } from "../packed/cut_packed.ts";
import { channelsOf, cutImage, emptyPixels } from "../pixels/cut_image.ts";
import type { Place, ReadAnswer, ReadRequest } from "./readers.ts";
import { cutsOf, sizesOf } from "./wanted.ts";

/** Waits for the disk: this thread has nothing else to do. */
function readPlace({ path, offset, length }: Place): Uint8Array {
  if (offset === undefined || length === undefined) return Deno.readFileSync(path);
  using file = Deno.openSync(path);
  file.seekSync(offset, Deno.SeekMode.Start);
  const bytes = new Uint8Array(length);
  let done = 0;
  for (let n; done < length && (n = file.readSync(bytes.subarray(done))) !== null;) done += n;
  return bytes.subarray(0, done);
}

async function answer({ id, images, wanted, colours, context }: ReadRequest): Promise<ReadAnswer> {
  if (context !== undefined) shareContext(context);
  const channels = channelsOf(colours), squares = sizesOf(wanted).map((size) => size * size * channels);
  const pixels = squares.map((square) => emptyPixels(images.length * square, channels)), failed: number[] = [];
  for (const [i, { index, place }] of images.entries()) {
    try {
      const bytes = readPlace(place), own = (w: number, h: number) => cutsOf(wanted, index, w, h);
      const cuts = place.packed ? cutPacked(bytes, place.packed, own) : await cutImage(bytes, own, colours);
      if (!cuts) throw new Error("It is damaged.");
      cuts.forEach((cut, view) => pixels[view].set(cut, i * squares[view]));
    } catch {
      failed.push(i); // Who asked reads it once more, and says why it cannot be read.
    }
  }
  return { id, pixels, failed };
}

parentPort!.on("message", async (request: ReadRequest) => {
  const answered = await answer(request);
  parentPort!.postMessage(answered, answered.pixels.map(({ buffer }) => buffer));
});
