import { assert, assertAlmostEquals, assertEquals, assertNotEquals } from "@std/assert";
import { compareLoaders } from "../../../lib/commands/bench/bench_loader.ts";
import { photoJpeg } from "../../../lib/commands/bench/bench_photos.ts";
import { readJpegHeader } from "../../../lib/datasets/pixels/jpeg/jpeg_header.ts";

Deno.test("compareLoaders() sets each of torchvision's rounds beside ours of the same round", () => {
  const { ratio, spread, ours_img_s, peer_img_s, rounds } = compareLoaders(
    "uint8",
    [300, 100, 200],
    [200, 100, 100],
    "",
  );
  assertEquals([ours_img_s, peer_img_s, rounds], [200, 100, 3]);
  assertAlmostEquals(ratio!, 1.5);
  assertEquals(spread, [1, 2]);
  const none = compareLoaders("io", [300], [], "ImportError: no libjpeg");
  assertEquals([none.ratio, none.spread, none.peer_img_s, none.note], [null, null, null, "ImportError: no libjpeg"]);
});

Deno.test("the benchmark's pictures are the same each time, and as large as photos", async () => {
  const files = await Promise.all([0, 1, 0].map(photoJpeg));
  assertEquals(files[0], files[2]);
  assertNotEquals(files[0], files[1]);
  for (const file of files) {
    assertEquals(readJpegHeader(file), { width: 500, height: 375, channels: 3, profile: false, orientation: 1 });
    assert(file.length > 50_000 && file.length < 110_000, `${file.length} bytes`);
  }
});
