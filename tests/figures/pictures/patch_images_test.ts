import { assertEquals, assertThrows } from "@std/assert";
import { viridis } from "../../../lib/figures/pictures/colour_map.ts";
import { componentImages, patchMap } from "../../../lib/figures/pictures/patch_images.ts";

Deno.test("componentImages() bring each component to the colours' range over all images", () => {
  // Red falls and green rises over all patches; blue is constant.
  const scores = Float64Array.from({ length: 2 * 4 * 3 }, (_, i) => [-Math.floor(i / 3), i, 7][i % 3]);
  const images = componentImages(scores, 2);
  assertEquals(images.map(({ size }) => size), [2, 2]);
  assertEquals([...images[0].pixels.subarray(0, 3)], [255, 0, 128]);
  assertEquals([...images[1].pixels.subarray(9, 12)], [0, 255, 128]);
});

Deno.test("componentImages() let no extreme grey the rest", () => {
  const scores = Float64Array.from({ length: 100 * 3 }, (_, i) => i < 3 ? 1e6 : Math.floor(i / 3) % 2);
  const [{ pixels }] = componentImages(scores, 10);
  assertEquals([...pixels.subarray(0, 9)], [255, 255, 255, 255, 255, 255, 0, 0, 0]);
});

Deno.test("patchMap() mixes each patch's colour with the image", () => {
  const image = { pixels: new Uint8Array(4 * 4 * 3).fill(100), size: 4 };
  const options = { grid: [2, 2], range: [0, 3] } as const;
  const whole = patchMap(image, [0, 1, 2, 3], { ...options, share: 1 });
  const at = (x: number, y: number) => [...whole.pixels.subarray((y * 4 + x) * 3, (y * 4 + x) * 3 + 3)];
  assertEquals([at(0, 0), at(1, 1), at(3, 1), at(0, 2)], [viridis(0), viridis(0), viridis(1 / 3), viridis(2 / 3)]);
  assertEquals(at(3, 3), viridis(1));
  const half = patchMap(image, [0, 1, 2, 3], { ...options, share: 0.5 });
  assertEquals(half.pixels[0], Math.round(50 + viridis(0)[0] / 2));
  assertEquals(image.pixels[0], 100);
});

Deno.test("patchMap() and componentImages() refuse what does not fit", () => {
  const image = { pixels: new Uint8Array(4 * 4 * 3), size: 4 };
  assertThrows(() => patchMap(image, [0, 1], { grid: [2, 2], range: [0, 1] }), RangeError, "2 numbers");
  assertThrows(() => patchMap(image, new Array(9).fill(0), { grid: [3, 3], range: [0, 1] }), RangeError, "3 x 3");
  assertThrows(() => componentImages(new Float64Array(9), 2), RangeError, "9 numbers are not three");
});
