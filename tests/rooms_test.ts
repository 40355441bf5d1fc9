import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { sources } from "./sources.ts";

/** The rooms of the house from the top down: a room imports from itself and from those after it. */
const ROOMS = [
  ...["commands", "reproduction", "figures", "evaluation", "decoding", "video", "world", "methods"],
  ...["jepa", "training", "nn", "weights", "datasets", "hub"],
  ...[
    "tensorflow",
    "random.ts",
    "statistics.ts",
    "shapes.ts",
    "nearest_name.ts",
    "preset_named.ts",
    "json.ts",
    "npy_header.ts",
    "write_file.ts",
    "os_error.ts",
    "user_cache.ts",
  ],
];

const lib = new URL("../lib/", import.meta.url);

const roomOf = (url: URL) => url.pathname.slice(lib.pathname.length).split("/")[0];

function localImports(file: URL): URL[] {
  const text = Deno.readTextFileSync(file);
  return Array.from(text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g), ([, path]) => new URL(path, file));
}

Deno.test("imports point down the rooms, never up", () => {
  const wrong: string[] = [];
  let checked = 0;
  for (const file of sources(lib)) {
    for (const imported of localImports(file)) {
      const from = ROOMS.indexOf(roomOf(file)), to = ROOMS.indexOf(roomOf(imported));
      assert(from >= 0 && (to >= 0 || imported.pathname.endsWith(".py")), `${file} or ${imported} is in no known room`);
      checked++;
      if (to < from) wrong.push(`${fileURLToPath(file)} imports ${fileURLToPath(imported)}`);
    }
  }
  assertEquals(wrong, []);
  assert(checked > 100);
});

Deno.test("nobody in lib imports mod.ts", () => {
  for (const file of sources(lib)) {
    for (const imported of localImports(file)) assert(!imported.pathname.endsWith("/mod.ts"), `${file}`);
  }
});
