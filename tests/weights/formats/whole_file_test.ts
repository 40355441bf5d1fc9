import { assertEquals, assertRejects } from "@std/assert";
import { formatBytes, formatShare, writeWhole } from "../../../lib/weights/formats/whole_file.ts";

Deno.test("formatBytes() and formatShare() say sizes in one unit", () => {
  assertEquals([999, 1000, 4.4e6, 5_116_681_152].map(formatBytes), ["1 kB", "1 kB", "4 MB", "5.1 GB"]);
  assertEquals(formatShare(2.1e9, 5_116_681_152), "2.1 of 5.1 GB");
  assertEquals(formatShare(4e6, 5_116_681_152), "0.0 of 5.1 GB");
  assertEquals(formatShare(0, 71_000), "0 of 71 kB");
});

Deno.test("writeWhole() shows a file at its name once it is whole", async () => {
  const dir = await Deno.makeTempDir({ prefix: "whole_file_test_" }), path = `${dir}/a`;
  await writeWhole(path, 3, async (file) => {
    await file.write(1, Uint8Array.of(8, 9));
    await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
    await file.write(0, Uint8Array.of(7));
  });
  assertEquals(await Deno.readFile(path), Uint8Array.of(7, 8, 9));
  await assertRejects(
    () => writeWhole(`${dir}/no/b`, 3, () => Promise.resolve()),
    Error,
    "make its folder, or name another place",
  );
  await Deno.remove(dir, { recursive: true });
});
