import { assert, assertEquals, assertMatch } from "@std/assert";
import { sources } from "./sources.ts";

const root = new URL("..", import.meta.url);
const lib = [new URL("mod.ts", root), ...sources(new URL("lib/", root))];
const tests = [...sources(new URL("tests/", root))];

/** npm packages that a text asks for, with the versions. */
const packagesIn = (text: string): { name: string; version: string }[] =>
  Array.from(
    text.matchAll(/["`]npm:((?:@[^/"`]+\/)?[^@/"`]+)(?:@([^/"`]*))?/g),
    ([, name, version = ""]) => ({ name, version }),
  );

Deno.test("lib names each npm package with an exact version, for an importer elsewhere has neither import map nor lock", () => {
  let checked = 0;
  for (const file of lib) {
    for (const { name, version } of packagesIn(Deno.readTextFileSync(file))) {
      assertMatch(version, /^\d+\.\d+\.\d+$/, `${file} imports ${name}`);
      checked++;
    }
  }
  assert(checked > 8);
});

Deno.test("each npm package has one version in lib, tests and deno.json", () => {
  const versions = new Map<string, string>();
  for (const file of [...lib, ...tests, new URL("deno.json", root)]) {
    for (const { name, version } of packagesIn(Deno.readTextFileSync(file))) {
      const first = versions.get(name) ?? version;
      assertEquals(version, first, `${file} asks for another version of ${name}`);
      versions.set(name, first);
    }
  }
  assert(versions.size > 8);
});

Deno.test("lib imports by path, node: or npm: alone, for an import map would be left behind", () => {
  let checked = 0;
  for (const file of lib) {
    const text = Deno.readTextFileSync(file).replace(/^ *(\/\*\*[\s\S]*?\*\/|\/\/.*)$/gm, "");
    for (
      const [, from] of text.matchAll(
        /(?:^(?:import|export)\b[^;"`]*?\bfrom\s*|^import\s*|\bimport\s*\(\s*)["`]([^"`]+)["`]/gm,
      )
    ) {
      assertMatch(from, /^(\.{1,2}\/|node:|npm:)/, `${file}`);
      checked++;
    }
  }
  assert(checked > 300, `${checked}`);
});
