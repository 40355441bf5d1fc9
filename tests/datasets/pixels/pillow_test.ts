import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { join } from "node:path";
import { subsetOf } from "../../../lib/datasets/subset.ts";
import { openImageFolder } from "../../../lib/datasets/folders/image_folder.ts";
import { namedBatches } from "../../../lib/datasets/folders/image_list.ts";
import { type Box, squareOf } from "../../../lib/datasets/pixels/crop.ts";
import { decodeCut } from "../../../lib/datasets/pixels/decode.ts";
import { defaultPreprocessing } from "../../../lib/datasets/pixels/preprocessing.ts";
import { resample } from "../../../lib/datasets/pixels/resampling/resample.ts";
import fixture from "../fixtures/pillow_rgb.json" with { type: "json" };

const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

for (const { name, file, rgb, width, tolerance } of fixture.cases) {
  Deno.test(`decodeCut() gives the bytes of Pillow's convert("RGB") on request: ${name}`, async () => {
    const expected = bytesOf(rgb), whole: Box = { x: 0, y: 0, width, height: expected.length / 3 / width };
    const seen: Box[] = [];
    const keep = (w: number, h: number) => {
      seen.push({ ...whole, width: w, height: h });
      return { box: whole, width, height: whole.height, window: whole, interpolation: "bicubic" } as const;
    };
    const actual = await decodeCut(bytesOf(file), keep, "pillow");
    assertEquals(actual.length, expected.length);
    const distance = Math.max(...actual.map((value, i) => Math.abs(value - expected[i])));
    assert(distance <= tolerance, `${distance} away`);
    assertEquals(seen, [whole]);
    if (tolerance > 0) return;
    const cut = squareOf({ x: 1, y: 0, width: 2, height: 3 }, 2), shrunk = new Uint8Array(2 * 2 * 3);
    resample(expected, width, cut, shrunk);
    assertEquals(await decodeCut(bytesOf(file), () => cut, "pillow"), shrunk);
  });
}

Deno.test("data sets and lists of files read them by the colours that they are opened with", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const { file, rgb, width } = fixture.cases.find(({ name }) => name === "8-bit RGB PNG with a profile")!;
    const path = join(dir, "a.png"), framing = { ...defaultPreprocessing(3), resize: [3, width] as [number, number] };
    await Deno.writeFile(path, bytesOf(file));
    const pixels = bytesOf(rgb); // of which the middle three columns are taken
    const expected = pixels.filter((_, i) => i / 3 % width >= 1 && i / 3 % width < 4);
    const first = Uint32Array.of(0),
      range = { scale: [1, 1], aspect: [1, 1] } as { scale: [number, number]; aspect: [number, number] };
    const pillow = await openImageFolder(dir, { colours: "pillow" }), managed = await openImageFolder(dir);
    assertEquals([pillow.colours, managed.colours, subsetOf(pillow, first).colours], ["pillow", "managed", "pillow"]);
    assertEquals((await pillow.centred(first, framing)).pixels, expected);
    assertNotEquals((await managed.centred(first, framing)).pixels, expected);
    // The largest square, at its own size: the middle again.
    assertEquals((await pillow.crops(first, 3, range, { seed: 0, epoch: 0 })).pixels, expected);
    assertNotEquals((await managed.crops(first, 3, range, { seed: 0, epoch: 0 })).pixels, expected);
    const list = [{ name: "a.png", path }], onBadImage = (_: unknown, reason: string) => assert(false, reason);
    const batch = await namedBatches(list, { batch: 1, framing, colours: "pillow", onBadImage }).next();
    assertEquals(batch.value!.pixels, expected);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
