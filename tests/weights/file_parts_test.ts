import { assertRejects } from "@std/assert";
import { openParts } from "../../lib/weights/file_parts.ts";

Deno.test("openParts() says in a sentence that there is no such file, or that it is a folder", async () => {
  const folder = await Deno.makeTempDir({ prefix: "file_parts_test_" });
  try {
    const none = `${folder}/none.safetensors`;
    await assertRejects(() => openParts(none), Deno.errors.NotFound, `There is no file ${none}: is the path right?`);
    await assertRejects(() => openParts(folder), Error, `${folder} is a folder, not a file.`);
  } finally {
    await Deno.remove(folder);
  }
});
