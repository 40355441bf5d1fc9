/** The TypeScript files of a folder, at any depth, for tests that hold something of all of them. @module */

/** @param dir a folder's URL, with the slash at its end */
export function* sources(dir: URL): Generator<URL> {
  for (const entry of Deno.readDirSync(dir)) {
    const url = new URL(entry.name + (entry.isDirectory ? "/" : ""), dir);
    if (entry.isDirectory) yield* sources(url);
    else if (entry.name.endsWith(".ts")) yield url;
  }
}
