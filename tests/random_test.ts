import { assertEquals } from "@std/assert";
import { randomStream } from "../lib/random.ts";

Deno.test("randomStream() is sfc32, begun from seed and key: the numbers of a Python with whole numbers of any size", () => {
  const first = (seed: number, ...key: number[]) => {
    const random = randomStream(seed, ...key);
    return Array.from({ length: 6 }, () => 2 ** 32 * random.uniform());
  };
  assertEquals(first(7, 1), [3792472411, 2668242353, 1926255414, 3240962206, 3433014042, 3253472391]);
  const wide = [568168628, 810684030, 603928135, 4135751080, 232953386, 283925084];
  assertEquals(first(-3, 2 ** 40 + 5, 0), wide);
});
