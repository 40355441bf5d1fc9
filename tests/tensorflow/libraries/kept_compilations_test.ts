import { assertEquals, assertStringIncludes } from "@std/assert";
import { keptFolder, removeDamaged } from "../../../lib/tensorflow/libraries/kept_compilations.ts";
import { locateTensorFlow } from "../../../lib/tensorflow/libraries/locate.ts";
import { execute, withCache } from "../program.ts";
import { withEnvironment } from "../environment.ts";

const { cc } = locateTensorFlow();
const entriesOf = (folder: string) =>
  Array.from(Deno.readDirSync(folder), ({ name }) => name).filter((name) => name.endsWith(".pb"));

Deno.test("keptFolder() is one for the same settings, in the user's cache, for the user alone", () =>
  withEnvironment({ XDG_CACHE_HOME: "" }, (cache) => {
    Deno.env.set(Deno.build.os === "darwin" ? "HOME" : "XDG_CACHE_HOME", cache);
    const folder = keptFolder(cc, "a")!;
    assertStringIncludes(folder, `${cache}/`);
    assertEquals(keptFolder(cc, "a"), folder);
    assertEquals(keptFolder(cc, "b") === folder, false);
    assertEquals(Deno.statSync(folder).mode! & 0o777, 0o700);
    assertEquals(entriesOf(folder), []);
    // Where there is no folder to be made, nothing is kept.
    Deno.writeTextFileSync(`${cache}/file`, "");
    Deno.env.set("XDG_CACHE_HOME", `${cache}/file`);
    if (Deno.build.os !== "darwin") assertEquals(keptFolder(cc, "a"), undefined);
  }));

Deno.test({
  name: "a second process takes what the first has compiled, to the same values; damaged files are removed and named",
  ignore: Deno.build.os === "darwin",
  fn: () =>
    withEnvironment({}, async (cache) => {
      const run = () => execute("compute.ts", [], { TF_CPP_MIN_LOG_LEVEL: "3", ...withCache(cache) });
      const expected = { code: 0, stdout: `${[1, 1, 1].map(() => 64 ** 3).join()}\n`, stderr: "" };
      assertEquals(await run(), expected);
      const [folder] = Array.from(Deno.readDirSync(`${cache}/ijepa-kit`), ({ name }) => `${cache}/ijepa-kit/${name}`);
      const entries = entriesOf(folder), written = () => entries.map((name) => Deno.statSync(`${folder}/${name}`).ino);
      const before = written();
      assertEquals(before.length > 0, true);
      assertEquals(await run(), expected);
      assertEquals(written(), before);
      assertEquals(removeDamaged(folder), []);

      const [first] = entries.map((name) => `${folder}/${name}`);
      Deno.truncateSync(first, Deno.statSync(first).size - 1);
      const { code, stderr } = await run();
      assertEquals(code, 1);
      assertStringIncludes(stderr, `damaged and are removed, start again: ${first}`);
      assertEquals(await run(), expected);
      for (const length of [0, 1, 10]) {
        Deno.truncateSync(first, length);
        assertEquals(removeDamaged(folder), [first]);
        Deno.writeFileSync(first, new Uint8Array(1));
      }
    }),
});
