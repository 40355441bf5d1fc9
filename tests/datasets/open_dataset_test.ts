import { assertEquals, assertRejects } from "@std/assert";
import { dirname, join } from "node:path";
import sharp from "sharp";
import type { Layout } from "../../lib/datasets/folders/layout.ts";
import { openDataset } from "../../lib/datasets/open_dataset.ts";
import { tarOf } from "./fixtures/tar_of.ts";
import { withFolder } from "../with_folder.ts";

const PNG = await sharp({ create: { width: 4, height: 4, channels: 3, background: "red" } }).png().toBuffer();

async function write(dir: string, ...paths: string[]): Promise<void> {
  for (const path of paths) {
    await Deno.mkdir(dirname(join(dir, path)), { recursive: true });
    await Deno.writeFile(join(dir, path), PNG);
  }
}

Deno.test("openDataset() opens a folder with train/ and test/ or val/, or one to train on alone", () =>
  withFolder(async (dir) => {
    await write(dir, "alone/cat/1.png", "alone/dog/2.png");
    const alone = await openDataset(join(dir, "alone"));
    assertEquals([alone.train.classes, alone.test], [["cat", "dog"], undefined]);

    await write(dir, "a/train/cat/1.png", "a/train/dog/2.png", "a/val/cat/3.png", "a/val/dog/4.png");
    const { train, test } = await openDataset(join(dir, "a"));
    assertEquals([train.name, test!.name], [join(dir, "a/train"), join(dir, "a/val")]);
    assertEquals([...test!.labels], [0, 1]);
    await write(dir, "a/test/5.png");
    assertEquals((await openDataset(join(dir, "a"))).test!.name, join(dir, "a/val"), "test/ has no classes");
    await write(dir, "a/test/cat/6.png");
    await Deno.remove(join(dir, "a/test/5.png"));
    assertEquals((await openDataset(join(dir, "a"))).test!.name, join(dir, "a/test"), "both have classes");
    await Deno.remove(join(dir, "a/val"), { recursive: true });
    await Deno.remove(join(dir, "a/test"), { recursive: true });
    await write(dir, "a/test/5.png");
    assertEquals([...(await openDataset(join(dir, "a"))).test!.labels], [-1], "the only one there is");
  }));

Deno.test("openDataset() takes splits by other names, tells what it leaves out, and asks where it is in doubt", () =>
  withFolder(async (dir) => {
    const opened = async (layout?: Layout) => {
      const { train, test } = await openDataset(dir, { layout });
      return [train.classes, train.length, test?.classes, test?.length];
    };
    await write(dir, "Train/cat/1.png", "Train/dog/2.png", "Test/cat/3.png", "extra/x.png", "loose.png");
    assertEquals(await opened(), [["cat", "dog"], 2, ["cat"], 1]);
    const { train } = await openDataset(dir);
    assertEquals(train.ignored, [join(dir, "extra"), join(dir, "loose.png")]);
    await Deno.remove(join(dir, "loose.png"));
    assertEquals(await opened("classes"), [["Test", "Train", "extra"], 4, undefined, undefined]);
    assertEquals(await opened("flat"), [["unlabelled"], 4, undefined, undefined]);
    await Deno.remove(join(dir, "Test"), { recursive: true });
    await assertRejects(
      () => opened(),
      Error,
      `${dir} holds Train/, which looks like a split, beside other folders of`,
    );
    assertEquals(await opened("splits"), [["cat", "dog"], 2, undefined, undefined]);

    await write(dir, "Train/cat/images/4.png");
    await Deno.remove(join(dir, "Train/cat/1.png"));
    await Deno.remove(join(dir, "extra"), { recursive: true });
    await assertRejects(() => opened(), Error, `${dir}/Train/cat holds no images itself, but folders of them (images)`);
    assertEquals(await opened("splits"), [["cat", "dog"], 2, undefined, undefined]);
  }));

Deno.test("openDataset() does not take a data set's own folder for a class", () =>
  withFolder(async (dir) => {
    await write(dir, "pets/train/cat/1.png", "pets/val/cat/1.png");
    await assertRejects(
      () => openDataset(dir),
      Error,
      `${dir}/pets holds no images itself, but folders of them (train, val): name the folder that holds the classes, or`,
    );
  }));

Deno.test("openDataset() opens ImageNet by its archives, and keeps their indexes in the folder of data sets", () =>
  withFolder(async (dir) => {
    const inner = tarOf(new Map([["n01440764_1.JPEG", PNG]]), "");
    await Deno.writeFile(join(dir, "ILSVRC2012_img_train.tar"), tarOf(new Map([["n01440764.tar", inner]]), ""));
    const { train, test } = await openDataset(dir, { dir: join(dir, "data") });
    assertEquals([train.classes, train.length, test], [["n01440764"], 1, undefined]);
    assertEquals([...Deno.readDirSync(join(dir, "data/imagenet"))].length, 1);
    await Deno.remove(join(dir, "ILSVRC2012_img_train.tar"));
    await write(dir, "ILSVRC2012_img_val.tar", "val/n01440764/1.JPEG");
    await assertRejects(() => openDataset(dir), Error, `${dir} has ImageNet's validation images, but neither train/`);
  }));

Deno.test("openDataset() passes on what is to be done about bad images", () =>
  withFolder(async (dir) => {
    await write(dir, "train/cat/1.png", "train/cat/2.png");
    await Deno.writeTextFile(join(dir, "train/cat/1.png"), "no image");
    const indices = Uint32Array.of(0);
    const stopping = await openDataset(dir), skipping = await openDataset(dir, { onBadImage: "skip" });
    await assertRejects(() => stopping.train.centred(indices, 4), Error, "1.png cannot be read");
    await skipping.train.centred(indices, 4);
    assertEquals(skipping.train.skipped, [join(dir, "train/cat/1.png")]);
  }));

Deno.test("openDataset() opens the CIFARs by name, and refuses what is neither a name nor a folder", () =>
  withFolder(async (dir) => {
    for (const name of ["cifar10", "cifar100"]) {
      await Deno.mkdir(join(dir, name));
      await Deno.writeTextFile(join(dir, name, `${name}.json`), "{"); // it is this one that is looked for
      await assertRejects(() => openDataset(name, { dir }), Error, `${join(dir, name, name)}.json cannot be used`);
    }
    await assertRejects(
      () => openDataset("cifar-10", { dir }),
      Error,
      '"cifar-10" is neither a data set\'s name (cifar10',
    );
    await Deno.writeTextFile(join(dir, "file"), "");
    await assertRejects(() => openDataset(join(dir, "file")), Error, "nor a .parquet or .tar file: is the path right?");
  }));
