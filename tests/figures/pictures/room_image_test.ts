import { assertEquals } from "@std/assert";
import { roomImage } from "../../../lib/figures/pictures/room_image.ts";

Deno.test("roomImage() is white, the walls ink, the dot blue over either, and half of it half way", () => {
  const pixels = new Uint8Array(33 * 33 * 2); // dot and walls
  pixels.set([0, 0, 255, 0, 0, 255, 255, 255, 128, 0]);
  const image = roomImage(pixels, 33), at = (i: number) => [...image.pixels.subarray(3 * i, 3 * i + 3)];
  assertEquals(image.size, 33);
  assertEquals([0, 1, 2, 3].map(at), [[255, 255, 255], [0x00, 0x72, 0xb2], [0x1f, 0x29, 0x33], [0x00, 0x72, 0xb2]]);
  assertEquals(at(4), [127, 184, 216]);
});
