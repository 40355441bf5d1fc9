/**
 * What a world model says of many pictures.
 *
 * @module
 */
import { compile } from "../../tensorflow/compile.ts";
import { encodePictures } from "../../world/networks.ts";
import { randomStream } from "../../random.ts";
import { anywhere, layoutOf, type RoomsConfig, type Task } from "../../world/episodes.ts";
import { picturesOf, type Seeing } from "../../world/planning.ts";
import type { Layout, Place } from "../../world/rooms.ts";
import type { Networks } from "../../training/objective.ts";
import type { Tensor } from "../../tensorflow/backend.ts";

/** A place, and the rooms that it is in. */
export interface Standing {
  /** The rooms. */
  layout: Layout;
  /** Where the dot is. */
  place: Place;
}

/** Places drawn anywhere in rooms of a kind, each in rooms of its own; the i-th follows from the seed and i alone. */
export const placesIn = (rooms: RoomsConfig, seed: number, count: number): Standing[] =>
  Array.from({ length: count }, (_, i) => {
    const random = randomStream(seed, i), layout = layoutOf(rooms, random);
    return { layout, place: anywhere(random, layout) };
  });

/** Pictures encoded at once. */
const CHUNK = 512;

/** The states [N, D] of places, each in its own rooms. */
export async function statesOf(
  { size, picture, networks }: Seeing,
  rooms: readonly Pick<Task, "layout">[],
  places: readonly Place[],
): Promise<Float32Array<ArrayBuffer>> {
  const states = new Float32Array(places.length * size.width);
  const encode = compile(function encode_pictures(p: Networks, pictures: Tensor) {
    return encodePictures(p.encoder, size, pictures);
  });
  try {
    for (let start = 0; start < places.length; start += CHUNK) {
      const pictures = picturesOf(rooms.slice(start, start + CHUNK), places.slice(start, start + CHUNK), picture);
      const rows = await encode(networks, pictures).finally(() => pictures.dispose());
      states.set(await rows.data<"float32">().finally(() => rows.dispose()), start * size.width);
    }
  } finally {
    encode.dispose();
  }
  return states;
}
