import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "node:path";
import sharp from "sharp";
import { keptBy, sideForCrops, sideForFraming } from "../../../lib/commands/inputs/keep_images.ts";
import { openImages } from "../../../lib/commands/inputs/open_images.ts";
import { defaultPreprocessing } from "../../../lib/datasets/pixels/preprocessing.ts";
import { withFolder } from "../../with_folder.ts";

Deno.test("--cache keeps images at the side that the command needs, or that --cache-side says", () => {
  assertEquals(keptBy({ cache: "kept" }, 409), { dir: "kept", side: 409 });
  assertEquals(keptBy({ "cache": "kept", "cache-side": "256" }, 409), { dir: "kept", side: 256 });
  assertEquals(keptBy({}, 409), undefined);
  assertThrows(
    () => keptBy({ "cache": "kept", "cache-side": "0" }, 9),
    Error,
    "--cache-side takes a whole number from 1",
  );
  assertThrows(() => keptBy({ "cache-side": "9" }, 9), Error, "--cache DIR");
  // A square of 0.3 of a square image of 409 pixels has 224.
  assertEquals(sideForCrops(224, { scale: [0.3, 1], aspect: [3 / 4, 4 / 3] }), 409);
  assertEquals(sideForFraming({ ...defaultPreprocessing(224), resize: [256, 300] }), 300);
});

Deno.test("openImages() keeps both parts of a folder, whose images have the bytes of their files where nothing is shrunk", () =>
  withFolder(async (dir) => {
    const file = await sharp({ create: { width: 20, height: 16, channels: 3, background: "teal" } }).png().toBuffer();
    for (const path of ["images/train/a/1.png", "images/val/a/2.png"]) {
      await Deno.mkdir(join(dir, path, ".."), { recursive: true });
      await Deno.writeFile(join(dir, path), file);
    }
    const flags = { "skip-bad-images": false }, images = join(dir, "images"), cache = join(dir, "kept");
    const plain = await openImages(images, flags, 16), kept = await openImages(images, { ...flags, cache }, 16);
    assertEquals([...Deno.readDirSync(cache)].length, 2);
    for (const part of ["train", "test"] as const) {
      const [ours, theirs] = await Promise.all(
        [kept, plain].map((opened) => opened[part]!.centred(Uint32Array.of(0), 8)),
      );
      assertEquals(ours, theirs);
      assertEquals(kept[part]!.source, images);
    }
    await assertRejects(() => openImages(images, { ...flags, "cache-side": "8" }, 16), Error, "--cache DIR");
  }));
