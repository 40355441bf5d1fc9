import { assertEquals, assertRejects } from "@std/assert";
import { cannotWrite, formatBytes, formatShare, writeWhole } from "../../lib/weights/whole_file.ts";

Deno.test("formatBytes() and formatShare() say sizes in one unit", () => {
  assertEquals([999, 1000, 4.4e6, 5_116_681_152].map(formatBytes), ["1 kB", "1 kB", "4 MB", "5.1 GB"]);
  assertEquals(formatShare(2.1e9, 5_116_681_152), "2.1 of 5.1 GB");
  assertEquals(formatShare(4e6, 5_116_681_152), "0.0 of 5.1 GB");
  assertEquals(formatShare(0, 71_000), "0 of 71 kB");
});

Deno.test("cannotWrite() says in a sentence why, how far it came, and what to do", () => {
  const error = (code: string) => Object.assign(new Error(`What the system says (os error 1): open 'x'`), { code });
  const { message } = cannotWrite("x", error("ENOSPC"), 2.1e9, 5.1e9);
  assertEquals(message, "x cannot be written (after 2.1 of 5.1 GB): there is no space left for it: free some.");
  assertEquals(
    cannotWrite("x", error("EACCES")).message,
    "x cannot be written: the folder or the file may not be written to.",
  );
  assertEquals(cannotWrite("x", error("EWHATEVER")).message, "x cannot be written: What the system says.");
});

Deno.test("writeWhole() shows a file at its name once it is whole", async () => {
  const dir = await Deno.makeTempDir({ prefix: "whole_file_test_" }), path = `${dir}/a`;
  await writeWhole(path, 3, async (file) => {
    await file.write(1, Uint8Array.of(8, 9));
    await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
    await file.write(0, Uint8Array.of(7));
  });
  assertEquals(await Deno.readFile(path), Uint8Array.of(7, 8, 9));
  await assertRejects(() => writeWhole(`${dir}/no/b`, 3, () => Promise.resolve()), Error, "there is no such folder");
  await Deno.remove(dir, { recursive: true });
});
