import { assert, assertEquals, assertMatch } from "@std/assert";
import { dirname, join, relative } from "node:path";
import { countTask } from "../../lib/datasets/clevr/clevr_tasks.ts";
import { listImageTar } from "../../lib/datasets/archives/image_tar.ts";
import { differenceOf, fingerprintOf } from "../../lib/datasets/fingerprint.ts";
import { imageFiles } from "../../lib/datasets/folders/image_files.ts";
import { openImageFolder } from "../../lib/datasets/folders/image_folder.ts";
import { memoryDataset } from "../../lib/datasets/memory.ts";
import { openDataset } from "../../lib/datasets/open_dataset.ts";
import { scenes } from "../../lib/datasets/scenes/scenes.ts";
import { subsetOf } from "../../lib/datasets/subset.ts";
import { tarOf } from "./fixtures/tar_of.ts";

const FILES = { "cats/a.png": 5, "cats/b.jpg": 700, "dogs/a.png": 0 };

async function write(dir: string, files: Record<string, number>): Promise<string> {
  for (const [name, bytes] of Object.entries(files)) {
    await Deno.mkdir(dirname(join(dir, name)), { recursive: true });
    await Deno.writeFile(join(dir, name), new Uint8Array(bytes));
  }
  return dir;
}

async function withFolder(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "fingerprint_test_" });
  try {
    await test(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const ofFolder = async (dir: string) => await fingerprintOf(await openImageFolder(dir));

Deno.test("a folder's fingerprint is the same under every name, at every place, and in an archive", () =>
  withFolder(async (dir) => {
    const here = await write(join(dir, "here"), FILES), there = await write(join(dir, "a/scratch/folder"), FILES);
    await Deno.symlink(there, join(dir, "link"));
    await Deno.writeFile(
      join(dir, "images.tar"),
      tarOf(new Map(Object.entries(FILES).map(([name, bytes]) => [name, new Uint8Array(bytes)])), ""),
    );
    const expected = await ofFolder(here);
    assertEquals(expected.images, 3);
    assert(expected.names && expected.sizes);
    for (const name of [`${here}/`, `${here}/.`, `./${relative(".", here)}`, there, join(dir, "link")]) {
      assertEquals(await ofFolder(name), expected, name);
    }
    const archive = imageFiles(await listImageTar(join(dir, "images.tar"), join(dir, "cache")));
    assertEquals(await fingerprintOf(archive), expected);
    const before = Deno.cwd();
    try {
      Deno.chdir(here);
      assertEquals(await ofFolder("."), expected);
      assertEquals(await ofFolder("../here"), expected);
    } finally {
      Deno.chdir(before);
    }
  }));

Deno.test("differenceOf() says what differs: number, names, sizes, part, pixels", () =>
  withFolder(async (dir) => {
    const base = await ofFolder(await write(join(dir, "base"), FILES));
    const difference = async (name: string, files: Record<string, number>) =>
      differenceOf(base, await ofFolder(await write(join(dir, name), files))) ?? "none";
    assertEquals(await difference("same", FILES), "none");
    assertEquals(await difference("more", { ...FILES, "dogs/b.png": 1 }), "there are 4, where the run has 3");
    const { "dogs/a.png": _, ...rest } = FILES;
    assertMatch(await difference("named", { ...rest, "dogs/c.png": 0 }), /other names/);
    assertMatch(await difference("moved", { ...rest, "cats/c.png": 0, "dogs/a.png": 0 }), /there are 4/);
    assertMatch(await difference("class", { ...rest, "eels/a.png": 0 }), /other names/);
    assertMatch(await difference("size", { ...FILES, "cats/b.jpg": 701 }), /not the same sizes/);

    const memory = (first: number) =>
      memoryDataset({
        ...{ name: `memory ${first}`, classes: ["only"], width: 1, height: 1 },
        pixels: Uint8Array.from({ length: 9 }, (_, i) => i === 0 ? first : i),
        labels: new Int32Array(3),
      });
    const one = await fingerprintOf(memory(1));
    assertEquals(differenceOf(one, await fingerprintOf({ ...memory(1), name: "another name" } as never)), undefined);
    assertMatch(differenceOf(one, await fingerprintOf(memory(2))) ?? "none", /other pixels/);
    assertMatch(differenceOf(base, one) ?? "none", /other/);
    const part = (...places: number[]) => fingerprintOf(subsetOf(memory(1), Uint32Array.from(places)));
    assertEquals(await part(0, 2), await part(0, 2));
    assertMatch(differenceOf(await part(0, 2), await part(1, 2)) ?? "none", /another part/);
    const inner = (place: number) => subsetOf(subsetOf(memory(1), Uint32Array.of(place, 2)), Uint32Array.of(0));
    assertMatch(
      differenceOf(await fingerprintOf(inner(0)), await fingerprintOf(inner(1))) ?? "none",
      /another part/,
    );
  }));

Deno.test("other labels are the same images, and lists without sizes are known by their names", async () => {
  const drawn = await scenes({ images: 2, size: 8 });
  assertEquals(await fingerprintOf(countTask(drawn)), await fingerprintOf(drawn));
  const list = (...paths: string[]) =>
    imageFiles({ name: "list", classes: [], labels: new Int32Array(2), paths, read: () => Promise.reject() });
  const one = await fingerprintOf(list("a.png", "b.png"));
  assertEquals(one, await fingerprintOf(list("a.png", "b.png")));
  assertMatch(differenceOf(one, await fingerprintOf(list("b.png", "a.png"))) ?? "none", /other names/);
});

Deno.test("openDataset() says what opens the images again, from wherever the program is started", () =>
  withFolder(async (dir) => {
    await write(join(dir, "train"), FILES);
    await write(join(dir, "val"), FILES);
    const { train, test } = await openDataset(`./${relative(".", dir)}/`);
    assertEquals([train.source, test!.source], [dir, dir]);
    assertEquals((await openDataset(train.source!)).train.length, 3);
  }));
