import { assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeFolder, openToWrite, replaceFile, writeFile, writing } from "../lib/write_file.ts";
import { withFolder } from "./with_folder.ts";

const FULL =
  "cannot be written (No space left on device (os error 28)): make room on its disk, or name a place on another one";

/** /dev/full, a disk without room, is there alone. */
const onLinux = { ignore: Deno.build.os !== "linux" };

Deno.test("what cannot be written is named, with what to do", () =>
  withFolder(async (dir) => {
    const file = join(dir, "file");
    await writeFile(file, "text");
    await replaceFile(file, new Uint8Array([65]));
    assertEquals(await Deno.readTextFile(file), "A");
    const refused = (write: () => Promise<unknown>, message: string) => assertRejects(write, Error, message);
    await refused(
      () => writeFile(dir, "x"),
      `${dir} cannot be written (Is a directory (os error 21)): a folder has its`,
    );
    await refused(
      () => writeFile(join(file, "x"), "x"),
      `${file}/x cannot be written (Not a directory (os error 20)): a p`,
    );
    await refused(
      () => writeFile(join(dir, "no/x"), "x"),
      "no/x cannot be written (No such file or directory (os error 2))",
    );
    await refused(() => makeFolder(join(file, "x")), `${file}/x cannot be written (Not a directory`);
    await refused(
      () => makeFolder(file),
      `${file} cannot be written (File exists (os error 17)): a file has the name of a`,
    );
    await refused(() => openToWrite(dir), `${dir} cannot be written (Is a directory`);
    await refused(
      () => openToWrite(join(dir, "none"), { append: true }),
      `${dir}/none cannot be written (No such file`,
    );
    await Deno.mkdir(join(dir, "folder/in"), { recursive: true });
    await refused(() => replaceFile(join(dir, "folder"), "x"), `${dir}/folder cannot be written (`);
    assertEquals([...Deno.readDirSync(dir)].map(({ name }) => name).sort(), ["file", "folder"], "no half file is left");
    const own = new RangeError("own");
    assertEquals(await writing(file, () => Promise.reject(own)).catch((error) => error), own);
  }));

Deno.test("openToWrite() writes all, where it is told", () =>
  withFolder(async (dir) => {
    const path = join(dir, "file"), bytes = (text: string) => new TextEncoder().encode(text);
    {
      using file = await openToWrite(path);
      await file.write(bytes("xxx"));
      await file.seek(1);
      file.writeText("é");
      await file.sync();
    }
    {
      using file = await openToWrite(path, { append: true });
      file.writeText("\n");
    }
    assertEquals(await Deno.readTextFile(path), "xé\n");
  }));

Deno.test("a full disk is told with the file's name by all that write", onLinux, () =>
  withFolder(async (dir) => {
    const program = fileURLToPath(new URL("programs/full_disk.ts", import.meta.url));
    // Deno opens /dev/full for programs alone that are permitted everything.
    const args = ["run", "-A", "--no-check", program, dir];
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
    const said = new TextDecoder().decode(stdout).trimEnd().split("\n");
    const files = [
      "log.jsonl",
      "weights.safetensors (after 0 of 1 kB)",
      "rows.npy",
      "names.npy.txt",
      "figure.svg",
      "new/data.json",
      "packed/pixels.u8",
    ];
    const expected = [...files, "cache/index.json"].map((name) => `${dir}/${name} ${FULL}.`);
    assertEquals(said, expected, new TextDecoder().decode(stderr));
  }));
