import { assertRejects } from "@std/assert";
import { openParts } from "../../../lib/weights/formats/file_parts.ts";

Deno.test("openParts() says in a sentence that there is no such file, or that it is none", async () => {
  const folder = await Deno.makeTempDir({ prefix: "file_parts_test_" });
  try {
    const none = `${folder}/none.safetensors`;
    await assertRejects(() => openParts(none), Deno.errors.NotFound, `There is no file ${none}: is the path right?`);
    await assertRejects(() => openParts(folder), Error, `${folder} is a folder, not a file.`);
    // It would wait for ever for somebody to write into it.
    await new Deno.Command("mkfifo", { args: [`${folder}/fifo`] }).output();
    await assertRejects(
      () => openParts(`${folder}/fifo`),
      Error,
      `${folder}/fifo is a FIFO, a socket or a device, not`,
    );
    await Deno.symlink("loop", `${folder}/loop`);
    await assertRejects(
      () => openParts(`${folder}/loop`),
      Error,
      `${folder}/loop cannot be read (Too many levels of sym`,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
