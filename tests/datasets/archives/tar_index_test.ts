import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Progress } from "../../../lib/datasets/sources.ts";
import { indexTar, readMember } from "../../../lib/datasets/archives/tar_index.ts";
import { tarOf } from "../fixtures/tar_of.ts";
import { withFolder } from "../../with_folder.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** An archive of two archives and a file. */
function nested(second = "two"): Uint8Array {
  const inner = (files: [string, string][]) => tarOf(new Map(files.map(([name, text]) => [name, bytesOf(text)])), "");
  return tarOf(
    new Map([
      ["n02.tar", inner([["n02_9.JPEG", "nine"], ["n02_1.JPEG", "one".repeat(400)]])],
      ["n01.tar", inner([["n01_5.JPEG", second]])],
      ["readme", bytesOf("text")],
    ]),
    "",
  );
}

Deno.test("indexTar() finds the files of archives in the archive, sorted, and readMember() reads each in place", () =>
  withFolder(async (dir) => {
    const archive = join(dir, "all.tar"), seen: Progress[] = [];
    await Deno.writeFile(archive, nested());
    const index = await indexTar(archive, join(dir, "cache"), (progress) => seen.push(progress));
    assertEquals(index.names, ["n01/n01_5.JPEG", "n02/n02_1.JPEG", "n02/n02_9.JPEG", "readme"]);
    const texts = await Promise.all(
      index.names.map(async (_, i) => new TextDecoder().decode(await readMember(index, i))),
    );
    assertEquals(texts, ["two", "one".repeat(400), "nine", "text"]);
    const { size } = await Deno.stat(archive);
    assertEquals(seen, [{ label: "Indexing all.tar", done: size, total: size }]);
  }));

Deno.test("indexTar() goes through an archive that Python's tarfile wrote", () =>
  withFolder(async (dir) => {
    const archive = join(dir, "a.tar");
    await Deno.writeFile(
      archive,
      gunzipSync(await Deno.readFile(new URL("../fixtures/tar_gnu.tar.gz", import.meta.url))),
    );
    const index = await indexTar(archive, dir);
    const long = `${"f".repeat(60)}/${"n".repeat(60)}.txt`;
    assertEquals(index.names, ["Käfer.txt", "a/b.txt", "empty", long, "n01/n01_1.JPEG", "n01/n01_2.JPEG"]);
    assertEquals(new TextDecoder().decode(await readMember(index, 4)), "one".repeat(300));
    assertEquals(await readMember(index, 2), new Uint8Array(0));
  }));

Deno.test("indexTar() keeps the index, and makes it anew where the archive is another or the index is damaged", () =>
  withFolder(async (dir) => {
    const archive = join(dir, "all.tar"), cache = join(dir, "cache");
    await Deno.writeFile(archive, nested());
    const walked = async () => {
      let reports = 0;
      const index = await indexTar(archive, cache, () => reports++);
      return { index, anew: reports > 0 };
    };
    const { index } = await walked();
    assertEquals(await walked(), { index, anew: false });
    const [file, ...others] = [...Deno.readDirSync(cache)];
    assertEquals(others, []);

    for (
      const damage of [
        "",
        "{",
        "{}",
        JSON.stringify({ ...JSON.parse(Deno.readTextFileSync(join(cache, file.name))), sizes: [1] }),
      ]
    ) {
      await Deno.writeTextFile(join(cache, file.name), damage);
      assertEquals(await walked(), { index, anew: true }, damage);
    }
    await Deno.utime(archive, 1, 1);
    assertEquals(await walked(), { index, anew: true });
    await Deno.writeFile(archive, nested("another, longer".repeat(99)));
    const changed = await walked();
    assert(changed.anew);
    assertEquals(changed.index.sizes[0], 15 * 99);
    // A second archive of that name has an index of its own.
    await Deno.mkdir(join(dir, "b"));
    await Deno.writeFile(join(dir, "b", "all.tar"), tarOf(new Map([["x.png", bytesOf("x")]]), ""));
    assertEquals((await indexTar(join(dir, "b", "all.tar"), cache)).names, ["x.png"]);
    assertEquals((await walked()).anew, false);
  }));

Deno.test("indexTar() names an archive that is missing, cut short anywhere, damaged, or holds a file twice", () =>
  withFolder(async (dir) => {
    const archive = join(dir, "all.tar"), tar = nested(), cache = join(dir, "cache");
    const refused = async (bytes: Uint8Array, message: string) => {
      await Deno.writeFile(archive, bytes);
      await assertRejects(() => indexTar(archive, cache), Error, `${archive}: ${message}`);
    };
    await assertRejects(() => indexTar(archive, cache), Error, `${archive}: No such file`);
    for (let end = 0; end < tar.length - 1024; end += 256) await refused(tar.subarray(0, end), "");
    await refused(tar.subarray(0, 3000), "the archive ends inside n02.tar");
    await refused(
      tar.subarray(0, tar.length - 1024),
      "the archive lacks its mark of the end, so its copy is incomplete",
    );
    await refused(tar.map((byte, i) => i === 600 ? byte ^ 1 : byte), "it is no tar archive, or damaged at byte 512");
    await Deno.writeFile(archive, tarOf(new Map(["a-b/c", "a/b", "a.png"].map((name) => [name, bytesOf("x")])), ""));
    assertEquals((await indexTar(archive, join(dir, "other"))).names, ["a/b", "a-b/c", "a.png"], "by folder");
    const double = tarOf(new Map([["a/b.png", bytesOf("x")], ["./a/b.png", bytesOf("y")]]), "");
    await refused(double, "the archive holds a/b.png more than once");
    assertEquals(await Deno.stat(cache).catch(() => undefined), undefined, "nothing is kept of these");
  }));

Deno.test("readMember() names the file where the archive was cut after it was indexed", () =>
  withFolder(async (dir) => {
    const archive = join(dir, "all.tar"), tar = nested();
    await Deno.writeFile(archive, tar);
    const index = await indexTar(archive, dir);
    await Deno.truncate(archive, 1600);
    await assertRejects(() => readMember(index, 1), Error, `${archive} ends inside n02/n02_1.JPEG`);
  }));
