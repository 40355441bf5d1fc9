import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import sharp from "sharp";
import { type CropRange, type CropView, cropViews } from "../../../lib/datasets/dataset.ts";
import { imageFiles } from "../../../lib/datasets/folders/image_files.ts";
import { type FolderOptions, openImageFolder } from "../../../lib/datasets/folders/image_folder.ts";
import { subsetOf } from "../../../lib/datasets/subset.ts";
import { withFolder } from "../../with_folder.ts";

const CROP: CropRange = { scale: [0.3, 1], aspect: [3 / 4, 4 / 3] };
const ALL = (n: number) => Uint32Array.from({ length: n }, (_, i) => i);

/** A picture of one colour. */
function plain(colour: string, width = 20, height = 16) {
  return sharp({ create: { width, height, channels: 3, background: colour } });
}

async function write(dir: string, path: string, bytes: Uint8Array): Promise<void> {
  await Deno.mkdir(join(dir, path, ".."), { recursive: true });
  await Deno.writeFile(join(dir, path), bytes);
}

/** Two classes: cat a.png, b.jpg; dog c.webp and, one folder deeper, d.JPEG; plus what is no image. */
async function writePets(dir: string): Promise<void> {
  await write(dir, "dog/c.webp", await plain("rgb(0,0,200)").webp({ lossless: true }).toBuffer());
  await write(dir, "dog/old/d.JPEG", await plain("rgb(90,90,90)").jpeg().toBuffer());
  await write(dir, "cat/a.png", await plain("rgb(200,0,0)").png().toBuffer());
  await write(dir, "cat/b.jpg", await plain("rgb(120,120,120)").jpeg().toBuffer());
  await write(dir, "cat/notes.txt", new TextEncoder().encode("a note"));
  await write(dir, "cat/.hidden.png", new Uint8Array(3));
}

Deno.test("openImageFolder() sorts classes and files, and says what it ignored", () =>
  withFolder(async (dir) => {
    await writePets(dir);
    const dataset = await openImageFolder(dir);
    assertEquals(dataset.classes, ["cat", "dog"]);
    assertEquals(dataset.paths, ["cat/a.png", "cat/b.jpg", "dog/c.webp", "dog/old/d.JPEG"].map((p) => join(dir, p)));
    assertEquals(dataset.labels, Int32Array.of(0, 0, 1, 1));
    assertEquals(dataset.ignored, [join(dir, "cat/.hidden.png"), join(dir, "cat/notes.txt")]);
    const { pixels, labels } = await dataset.centred(Uint32Array.of(3, 0), 4);
    assertEquals(labels, Int32Array.of(1, 0));
    assertEquals([...pixels.slice(0, 3)], [90, 90, 90]);
    assertEquals([...pixels.slice(48, 51)], [200, 0, 0]);
  }));

Deno.test("openImageFolder() takes images without class folders as one class, unlabelled", () =>
  withFolder(async (dir) => {
    await write(dir, "a.png", await plain("red").png().toBuffer());
    const dataset = await openImageFolder(dir);
    assertEquals(dataset.classes, ["unlabelled"]);
    assertEquals((await dataset.centred(Uint32Array.of(0), 4)).labels, Int32Array.of(-1));
  }));

Deno.test("openImageFolder() says what is wrong with a folder", () =>
  withFolder(async (dir) => {
    await assertRejects(() => openImageFolder(join(dir, "no")), Error, `The image folder ${join(dir, "no")} cannot be`);
    await assertRejects(() => openImageFolder(dir), Error, `${dir} holds no image: expected class folders, or .jpg`);
    await Deno.mkdir(join(dir, "cat"));
    await assertRejects(() => openImageFolder(dir), Error, `The class folder ${join(dir, "cat")} holds no image`);
    await write(dir, "loose.png", await plain("red").png().toBuffer());
    await assertRejects(() => openImageFolder(dir), Error, "both class folders and 1 images of no class");
  }));

Deno.test("openImageFolder() asks where folders look like splits or hold folders alone, and takes a user's word", () =>
  withFolder(async (dir) => {
    const png = await plain("red").png().toBuffer();
    const opened = async (options: FolderOptions = {}) => {
      const { classes, paths } = await openImageFolder(dir, options);
      return [classes, paths.length];
    };
    for (const path of ["part1/cat/a.png", "part1/dog/b.png", "part2/cat/c.png"]) await write(dir, path, png);
    await assertRejects(
      () => openImageFolder(dir),
      Error,
      `${dir}/part1 holds no images itself, but folders of them (cat, dog): name the folder that holds the classes, or set ` +
        `layout to "classes" where the folders in ${dir} are classes all the same, or set layout to "flat" for all images`,
    );
    assertEquals(await opened({ layout: "classes" }), [["part1", "part2"], 3]);
    assertEquals(await opened({ layout: "flat" }), [["unlabelled"], 3]);
    await write(dir, "loose.png", png);
    await assertRejects(() => openImageFolder(dir, { layout: "classes" }), Error, "1 images of no class");
    assertEquals(await opened({ layout: "flat" }), [["unlabelled"], 4]);
  }));

Deno.test("openImageFolder() leaves out and counts what is no image, and ends for none of it", () =>
  withFolder(async (dir) => {
    await writePets(dir);
    await Deno.symlink("nowhere", join(dir, "README"));
    await Deno.symlink(dir, join(dir, "cat/again"));
    await write(dir, "cat/._a.png", new Uint8Array(3));
    await write(dir, "__MACOSX/cat/._a.png", new Uint8Array(3));
    const { classes, paths, ignored } = await openImageFolder(dir);
    assertEquals([classes, paths.length], [["cat", "dog"], 4]);
    const left = ["README", "__MACOSX", "cat/._a.png", "cat/.hidden.png", "cat/again", "cat/notes.txt"];
    assertEquals([...ignored].sort(), left.map((name) => join(dir, name)));
  }));

Deno.test("openImageFolder() names what has an image's name and is none before anything is read, or skips it", () =>
  withFolder(async (dir) => {
    await writePets(dir);
    await Deno.symlink("nowhere", join(dir, "cat/gone.jpg"));
    await assertRejects(
      () => openImageFolder(dir),
      Error,
      `${dir}/cat/gone.jpg cannot be read (it is a link to nothing): repair or remove it, or set onBadImage to "skip".`,
    );
    const { paths, skipped } = await openImageFolder(dir, { onBadImage: "skip" });
    assertEquals([paths.length, skipped], [4, [join(dir, "cat/gone.jpg")]]);
  }));

Deno.test("crops() of files are the same in any batch, and others each epoch", () =>
  withFolder(async (dir) => {
    const noise = Uint8Array.from({ length: 40 * 30 * 3 }, (_, i) => (i * 7919) >> 3);
    for (let i = 0; i < 12; i++) {
      const file = await sharp(noise, { raw: { width: 40, height: 30, channels: 3 } }).png().toBuffer();
      await write(dir, `${i}.png`, file);
    }
    const dataset = await openImageFolder(dir);
    const crops = (indices: Uint32Array, epoch: number) => dataset.crops(indices, 8, CROP, { seed: 1, epoch });
    const many = await crops(ALL(12), 0);
    assertEquals((await crops(Uint32Array.of(7), 0)).pixels, many.pixels.slice(7 * 192, 8 * 192));
    assertEquals(await crops(ALL(12), 0), many);
    assertNotEquals((await crops(ALL(12), 1)).pixels, many.pixels);
    await assertRejects(
      () => dataset.crops(ALL(1), 8, { scale: [2, 3], aspect: [1, 1] }, { seed: 0, epoch: 0 }),
      RangeError,
    );
    await assertRejects(() => dataset.centred(ALL(1), 0.5), RangeError, "size");
  }));

Deno.test("an unreadable image stops with its path, or is skipped, counted and replaced by the next one", () =>
  withFolder(async (dir) => {
    await writePets(dir);
    const jpeg = await plain("white", 200, 200).jpeg().toBuffer();
    await write(dir, "cat/b.jpg", jpeg.subarray(0, jpeg.length / 2));
    await write(dir, "dog/c.webp", new Uint8Array(0));

    const strict = await openImageFolder(dir);
    const error = await assertRejects(
      () => strict.centred(ALL(4), 8),
      Error,
      `${join(dir, "cat/b.jpg")} cannot be read`,
    );
    assert(!error.message.includes("\n"), error.message);

    const lenient = await openImageFolder(dir, { onBadImage: "skip" });
    for (let epoch = 0; epoch < 2; epoch++) {
      const { pixels, labels } = await lenient.crops(ALL(4), 8, CROP, { seed: 0, epoch });
      assertEquals(labels, Int32Array.of(0, 1, 1, 1), "d.JPEG, a dog, stands in for b.jpg and c.webp");
      assertEquals([...pixels.slice(192, 195)], [90, 90, 90]);
      assertEquals(lenient.skipped, [join(dir, "cat/b.jpg"), join(dir, "dog/c.webp")]);
    }
    await write(dir, "cat/a.png", new Uint8Array(9));
    await write(dir, "dog/old/d.JPEG", new Uint8Array(9));
    const hopeless = await openImageFolder(dir, { onBadImage: "skip" });
    await assertRejects(() => hopeless.centred(ALL(4), 8), Error, "Not one of the 4 images");
  }));

Deno.test("views() decodes each file once, and gives the crops of each view; so does a part of the set", () =>
  withFolder(async (dir) => {
    const noise = Uint8Array.from({ length: 3 * 40 * 30 }, (_, i) => (i * 7919) >> 4);
    const file = await sharp(noise, { raw: { width: 40, height: 30, channels: 3 } }).jpeg().toBuffer();
    let reads = 0;
    const list = { name: dir, classes: ["a"], labels: new Int32Array(3), paths: ["0.jpg", "1.jpg", "2.jpg"] };
    const dataset = imageFiles({ ...list, read: () => Promise.resolve((reads++, file)) });
    const views: CropView[] = [
      { size: 8, crop: CROP, key: { seed: 1, epoch: 0 } },
      { size: 8, crop: CROP, key: { seed: -2, epoch: 0 } },
      { size: 4, crop: { scale: [0.05, 0.3], aspect: [1, 1] }, key: { seed: 1, epoch: 2 ** 32 } },
    ];
    const indices = Uint32Array.of(2, 0), together = await dataset.views!(indices, views);
    assertEquals(reads, 2);
    for (const [i, { size, crop, key }] of views.entries()) {
      assertEquals(together[i], await dataset.crops(indices, size, crop, key));
    }
    assertNotEquals(together[0].pixels, together[1].pixels);
    assertEquals(await subsetOf(dataset, Uint32Array.of(2, 0)).views!(Uint32Array.of(0, 1), views), together);
    assertEquals(await cropViews({ ...dataset, views: undefined }, indices, views), together);
    await assertRejects(() => dataset.views!(indices, [{ ...views[0], size: 0 }]), RangeError, "got 0");
  }));
