import "../tensorflow/loaded.ts";
import { assert, assertEquals } from "@std/assert";
import { pictureDecoder } from "../../lib/evaluation/planning/picture_decoder.ts";
import { statesOf } from "../../lib/evaluation/planning/states.ts";
import { randomStream } from "../../lib/random.ts";
import { anywhere, type RoomsConfig } from "../../lib/world/episodes.ts";
import { initialWorld, worldShapes, type WorldSize } from "../../lib/world/networks.ts";
import { drawRooms, FIXED } from "../../lib/world/rooms.ts";

const size: WorldSize = { width: 48, inverse: 3 };
const model = { size, picture: 33 as const, networks: initialWorld(worldShapes(size, 33, false), 48, 0) };
const rooms: RoomsConfig = { picture: 33, layout: "fixed", frames: 9, crossing: 0, sharing: 1 };

Deno.test("pictureDecoder() draws what states say of pictures, as well as it says, and nothing of walls that never differ", async () => {
  const decoder = await pictureDecoder(model, rooms, 0);
  assertEquals(decoder.r2.walls, undefined);
  const places = Array.from({ length: 300 }, (_, i) => anywhere(randomStream(99, i), FIXED));
  const states = await statesOf(model, places.map(() => ({ layout: FIXED })), places);
  const decoded = decoder.pictures(states), mean = new Float64Array(33 * 33);
  const seen = places.map((place) => {
    const pixels = new Uint8Array(33 * 33 * 2);
    drawRooms(FIXED, [place], 33, pixels);
    return pixels;
  });
  for (const own of seen) mean.forEach((_, p) => mean[p] += own[2 * p] / seen.length);
  const left = (of: (i: number) => Uint8Array) => {
    let error = 0, variance = 0;
    seen.forEach((own, i) =>
      mean.forEach((average, p) => {
        error += (own[2 * p] - of(i)[2 * p]) ** 2;
        variance += (own[2 * p] - average) ** 2;
      })
    );
    return 1 - error / variance;
  };
  assert(decoder.r2.dot > 0.3, `${decoder.r2.dot}`);
  // Pictures are cut off at 0 and 255, which brings them nearer if anything.
  const r2 = left((i) => decoded[i]);
  assert(r2 > decoder.r2.dot - 0.05, `${r2} where ${decoder.r2.dot} was said`);
  assert(left((i) => decoded[(i + 1) % 300]) < 0, "another picture's state says nothing of this one");
  const walls = decoded[0].filter((_, i) => i % 2 === 1), drawn = seen[0].filter((_, i) => i % 2 === 1);
  assertEquals(walls, drawn);
});

Deno.test("pictureDecoder() says how well states know walls that differ", async () => {
  const { r2 } = await pictureDecoder(model, { ...rooms, layout: "random" }, 0);
  assert(r2.walls !== undefined && r2.walls > 0.2, `${r2.walls}`); // means along columns show where the wall is
});
