import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { coloursOf, readPreprocessingFlag } from "../../../lib/commands/inputs/image_flags.ts";
import { defaultPreprocessing } from "../../../lib/datasets/pixels/preprocessing.ts";

const size = { image: 16, patch: 4, width: 16, depth: 4, heads: 2, mlpRatio: 4 };
const own = { ...defaultPreprocessing(16), resize: 20 };

Deno.test("--preprocessing is what the weights say, ImageNet's, or another file's", async () => {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(path, JSON.stringify({ size: { height: 16, width: 16 }, image_std: [0.25, 0.5, 1] }));
    const choose = async (value: string | undefined, preprocessing?: typeof own) =>
      (await readPreprocessingFlag(value))("w", { size, preprocessing });
    assertEquals(await choose(undefined, own), own);
    assertEquals(await choose(undefined), defaultPreprocessing(16));
    assertEquals(await choose("file", own), own);
    assertEquals(await choose("imagenet", own), defaultPreprocessing(16));
    const half: [number, number, number] = [0.5, 0.5, 0.5], deviation: [number, number, number] = [0.25, 0.5, 1];
    const theirs = { resize: [16, 16] as [number, number], crop: 16, interpolation: "bilinear" as const };
    assertEquals(await choose(path, own), { ...theirs, mean: half, deviation });

    const file = await readPreprocessingFlag("file");
    assertThrows(() => file("w.pth.tar", { size }), Error, "w.pth.tar does not say its preprocessing, which");
    const other = await readPreprocessingFlag(path);
    assertThrows(
      () => other("w", { size: { ...size, image: 32 } }),
      Error,
      `${path} cuts squares of 16 pixels, but w takes images of 32: change the file's size, or add --image 16.`,
    );
    await Deno.writeTextFile(path, JSON.stringify({ do_pad: true }));
    await assertRejects(() => readPreprocessingFlag(path), Error, `${path}: it asks for do_pad`);
    await assertRejects(() => readPreprocessingFlag("nowhere.json"), Error, "nowhere.json");
    await assertRejects(
      () => readPreprocessingFlag("clip"),
      Error,
      '--preprocessing is file, imagenet or the path of a FILE.json; got "clip".',
    );
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("--colours is managed or pillow", () => {
  assertEquals([coloursOf("managed"), coloursOf("pillow")], ["managed", "pillow"]);
  assertThrows(() => coloursOf("srgb"), Error, '--colours is managed or pillow; got "srgb".');
});
