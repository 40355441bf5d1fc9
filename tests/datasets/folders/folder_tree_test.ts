import { assertEquals, assertRejects } from "@std/assert";
import { dirname, join, relative } from "node:path";
import { holdsImage, readTree } from "../../../lib/datasets/folders/folder_tree.ts";

/** Runs `test` with a folder that is removed afterwards. */
async function withFolder(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await test(dir);
  } finally {
    await new Deno.Command("rm", { args: ["-rf", dir] }).output(); // Deno finds no name that is not UTF-8
  }
}

async function write(dir: string, ...paths: string[]): Promise<void> {
  for (const path of paths) {
    await Deno.mkdir(dirname(join(dir, path)), { recursive: true });
    await Deno.writeTextFile(join(dir, path), "x");
  }
}

async function shell(dir: string, command: string): Promise<void> {
  const { success } = await new Deno.Command("bash", { args: ["-ec", command], cwd: dir }).output();
  if (!success) throw new Error(`bash cannot do ${command}`);
}

/** A tree with its paths from `dir`. */
async function treeOf(dir: string) {
  const { images, ignored, unreadable } = await readTree(dir);
  return {
    images: images.map((path) => relative(dir, path)),
    ignored: ignored.map((path) => relative(dir, path)),
    unreadable: unreadable.map(({ path, reason }) => [relative(dir, path), reason]),
  };
}

Deno.test("readTree() follows links to files and folders, and none back to where it comes from", () =>
  withFolder(async (dir) => {
    await write(dir, "in/a/x.png", "in/b/y.jpg", "out/z.webp");
    await Deno.symlink(join(dir, "out"), join(dir, "in/a/out"));
    await Deno.symlink(join(dir, "out/z.webp"), join(dir, "in/w.webp"));
    await Deno.symlink("..", join(dir, "in/b/up"));
    await Deno.symlink(join(dir, "in/a"), join(dir, "out/a")); // in/a/out/a is in/a again
    await Deno.symlink("self", join(dir, "in/self"));
    assertEquals(await treeOf(join(dir, "in")), {
      images: ["w.webp", "a/x.png", "a/out/z.webp", "b/y.jpg"],
      ignored: ["self", "a/out/a", "b/up"],
      unreadable: [],
    });
  }));

Deno.test("readTree() tells what has an image's name and is no file, and leaves out and counts the rest", () =>
  withFolder(async (dir) => {
    await write(
      dir,
      "a.png",
      ".DS_Store",
      "Thumbs.db",
      "._a.png",
      ".cache/b.png",
      "@eaDir/c.jpg",
      "ü.gif",
      "\uFFFD.jpg",
    );
    await Deno.symlink("nowhere", join(dir, "README"));
    await Deno.symlink("nowhere", join(dir, "link.jpg"));
    await Deno.symlink("loop.png", join(dir, "loop.png"));
    await Deno.symlink("/dev/zero", join(dir, "zero.jpg"));
    await shell(dir, "mkfifo fifo.jpg fifo; printf x > $'caf\\xe9.jpg'; printf x > $'caf\\xe9.txt'; mkdir $'d\\xe9'");
    const special = "it is no file, but a FIFO, a socket or a device", name = "its name is not UTF-8: rename it";
    const { images, ignored, unreadable } = await treeOf(dir);
    assertEquals(images, ["a.png", "ü.gif", "\uFFFD.jpg"]);
    assertEquals(
      new Set(ignored),
      new Set([".DS_Store", "Thumbs.db", "._a.png", ".cache", "@eaDir", "README", "fifo", "caf\uFFFD.txt"]),
    );
    assertEquals(Object.fromEntries(unreadable), {
      "link.jpg": "it is a link to nothing",
      "loop.png": "Too many levels of symbolic links (os error 40)",
      "zero.jpg": special,
      "fifo.jpg": special,
      "caf\uFFFD.jpg": name,
      "d\uFFFD": name,
    });
  }));

Deno.test("readTree() names a folder that does not open, and tells of one below it", async () => {
  await assertRejects(
    () => readTree("/no/where"),
    Error,
    "The image folder /no/where cannot be read (No such file or directory (os error 2)): is the path right?",
  );
  // What root opens all the same, another user does not.
  await withFolder(async (dir) => {
    await write(dir, "a/x.png", "shut/y.png");
    await Deno.chmod(dir, 0o755);
    await Deno.chmod(join(dir, "shut"), 0o000);
    const opened = await Array.fromAsync(Deno.readDir(join(dir, "shut"))).then(() => true, () => false);
    const { images, unreadable } = await treeOf(dir);
    assertEquals(images, opened ? ["a/x.png", "shut/y.png"] : ["a/x.png"]);
    assertEquals(unreadable, opened ? [] : [["shut", "Permission denied (os error 13)"]]);
    await Deno.chmod(join(dir, "shut"), 0o700);
  });
});

Deno.test("holdsImage() looks at any depth, and at nothing that is hidden", () =>
  withFolder(async (dir) => {
    await write(dir, "a/b/c/x.png", "d/notes.txt", "d/.x.png");
    assertEquals([await holdsImage(join(dir, "a")), await holdsImage(join(dir, "d"))], [true, false]);
  }));
