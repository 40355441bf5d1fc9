import { assertEquals, assertRejects } from "@std/assert";
import { listImageTar } from "../../../lib/datasets/archives/image_tar.ts";
import { withFolder } from "../../with_folder.ts";
import { tarOf } from "../fixtures/tar_of.ts";

Deno.test("listImageTar() finds the images that its reading has: arrays of bands, or photos", () =>
  withFolder(async (dir) => {
    const archive = `${dir}/images.tar`, one = Uint8Array.of(1);
    await Deno.writeFile(archive, tarOf(new Map([["a/0.npy", one], ["b/1.npy", one], ["b/2.gif", one]]), ""));
    const bands = await listImageTar(archive, `${dir}/cache`, undefined, { colours: 5 });
    assertEquals([bands.paths, [...bands.labels]], [[`${archive}/a/0.npy`, `${archive}/b/1.npy`], [0, 1]]);
    assertEquals(bands.ignored, [`${archive}/b/2.gif`]);
    assertEquals((await listImageTar(archive, `${dir}/cache`)).paths, [`${archive}/b/2.gif`]);
    await Deno.writeFile(archive, tarOf(new Map([["a/0.npy", one]]), ""));
    await assertRejects(() => listImageTar(archive, `${dir}/cache`), Error, "images.tar holds no image (.jpg, ");
  }));
