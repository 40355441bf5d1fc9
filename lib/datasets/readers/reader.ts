/**
 * A thread of readers.ts: reads some images of a batch, decodes and cuts them.
 *
 * @module
 */
import { parentPort } from "node:worker_threads";
import { shareContext } from "../../tensorflow/eager.ts";
import { decodeCuts } from "../pixels/decode.ts";
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
  const bytes = sizesOf(wanted).map((size) => size * size * 3);
  const pixels = bytes.map((square) => new Uint8Array(images.length * square)), failed: number[] = [];
  for (const [i, { index, place }] of images.entries()) {
    try {
      const cuts = await decodeCuts(readPlace(place), (w, h) => cutsOf(wanted, index, w, h), colours);
      cuts.forEach((cut, view) => pixels[view].set(cut, i * bytes[view]));
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
