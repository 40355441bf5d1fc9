import { assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import sharp from "sharp";
import { findImages, type ListedImage, namedBatches, readImageList } from "../../../lib/datasets/folders/image_list.ts";
import { defaultPreprocessing } from "../../../lib/datasets/pixels/preprocessing.ts";
import { withFolder } from "../../with_folder.ts";

async function write(dir: string, path: string, bytes = new Uint8Array(1)): Promise<void> {
  await Deno.mkdir(join(dir, path, ".."), { recursive: true });
  await Deno.writeFile(join(dir, path), bytes);
}

const grey = (level: number) =>
  sharp({ create: { width: 10, height: 8, channels: 3, background: { r: level, g: level, b: level } } }).png()
    .toBuffer();

Deno.test("findImages() finds images in folders at will, sorted by their paths", () =>
  withFolder(async (dir) => {
    const names = ["b.png", "a/z.JPG", "a/b/c/d.webp", "a.png", "a/10.jpg", "a/9.jpg", "ü.gif"];
    for (const name of names) await write(dir, name);
    for (const name of ["a/notes.txt", ".hidden.png", ".git/x.png"]) await write(dir, name);
    const { images, ignored } = await findImages(dir + "/");
    assertEquals(images.map(({ name }) => name), [
      "a.png",
      "a/10.jpg",
      "a/9.jpg",
      "a/b/c/d.webp",
      "a/z.JPG",
      "b.png",
      "ü.gif",
    ]);
    assertEquals(images.map(({ path }) => path), images.map(({ name }) => join(dir, name)));
    assertEquals(ignored, [".git", ".hidden.png", "a/notes.txt"].map((path) => join(dir, path)));
    await assertRejects(() => findImages(join(dir, ".git/y")), Error, ".git/y");
    await Deno.mkdir(join(dir, "empty/deep"), { recursive: true });
    await assertRejects(() => findImages(join(dir, "empty")), Error, "holds no image (.jpg");
  }));

Deno.test("findImages() stops at what has an image's name and is no file, or tells of it", () =>
  withFolder(async (dir) => {
    await write(dir, "a/x.png");
    await Deno.symlink(join(dir, "none.png"), join(dir, "a/y.png"));
    await assertRejects(
      () => findImages(dir),
      Error,
      `${join(dir, "a/y.png")} cannot be read (it is a link to nothing)`,
    );
    const { images, unreadable } = await findImages(dir, { onBadImage: "skip" });
    assertEquals(images.map(({ name }) => name), ["a/x.png"]);
    assertEquals(unreadable, [{ path: join(dir, "a/y.png"), reason: "it is a link to nothing" }]);
  }));

Deno.test("readImageList() keeps the list's order and names, and names the line that has no file", () =>
  withFolder(async (dir) => {
    await write(dir, "pictures/b.png");
    await write(dir, "pictures/a a.dat");
    const list = join(dir, "list.txt"), absolute = join(dir, "pictures/b.png");
    await Deno.writeTextFile(list, `b.png\r\n\na a.dat\n${absolute}\n`);
    assertEquals(await readImageList(list, join(dir, "pictures")), [
      { name: "b.png", path: absolute },
      { name: "a a.dat", path: join(dir, "pictures/a a.dat") },
      { name: absolute, path: absolute },
    ]);
    await assertRejects(() => readImageList(list, dir), Error, `${list}, line 1: ${join(dir, "b.png")} is not there`);
    await Deno.writeTextFile(list, `${absolute}\n\n${dir}\n`);
    await assertRejects(() => readImageList(list), Error, `${list}, line 3: ${dir} is no file`);
    await Deno.writeTextFile(list, "\n");
    await assertRejects(() => readImageList(list), Error, "names no image");
    await assertRejects(() => readImageList(join(dir, "none.txt")), Error, "none.txt cannot be read");
  }));

Deno.test("namedBatches() leaves out what cannot be read, once it was told, and keeps the order", () =>
  withFolder(async (dir) => {
    const images: ListedImage[] = [];
    for (let i = 0; i < 7; i++) {
      const name = `${i}.png`;
      await write(dir, name, i === 1 || i > 4 ? new Uint8Array(9) : new Uint8Array(await grey(30 * i)));
      images.push({ name, path: join(dir, name) });
    }
    const bad: string[] = [], seen: [string, number][][] = [], tried: number[] = [];
    const options = { batch: 3, framing: defaultPreprocessing(4) };
    const onBadImage = ({ name }: ListedImage, reason: string) => {
      bad.push(name);
      assertEquals(reason.includes("\n"), false);
    };
    for await (const { pixels, names, tried: count } of namedBatches(images, { ...options, onBadImage })) {
      assertEquals(pixels.length, names.length * 4 * 4 * 3);
      seen.push(names.map((name, i) => [name, pixels[i * 48]]));
      tried.push(count);
    }
    assertEquals(seen, [[["0.png", 0], ["2.png", 60]], [["3.png", 90], ["4.png", 120]], []]);
    assertEquals([bad, tried], [["1.png", "5.png", "6.png"], [3, 3, 1]]);
    const stop = () => {
      throw new Error("bad");
    };
    await assertRejects(() => namedBatches(images, { ...options, onBadImage: stop }).next(), Error, "bad");
  }));
