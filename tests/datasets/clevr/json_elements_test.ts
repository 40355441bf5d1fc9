import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { elementsOf } from "../../../lib/datasets/clevr/json_elements.ts";

async function withFile<T>(text: string, test: (path: string) => Promise<T>): Promise<T> {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(path, text);
    return await test(path);
  } finally {
    await Deno.remove(path);
  }
}

const read = (text: string, key = "scenes") => withFile(text, (path) => Array.fromAsync(elementsOf(path, key)));

Deno.test("elementsOf() is what JSON.parse says, whatever the file holds", async () => {
  const rest = fc.dictionary(fc.string(), fc.jsonValue()).map((all) => {
    const { scenes: _, ...others } = all;
    return others;
  });
  const scenes = fc.array(fc.dictionary(fc.string({ unit: "grapheme" }), fc.jsonValue()));
  await fc.assert(
    fc.asyncProperty(rest, scenes, rest, fc.nat(3), async (before, scenes, after, indent) => {
      const text = JSON.stringify({ ...before, scenes, ...after }, null, indent);
      assertEquals(await read(text), JSON.parse(text).scenes);
    }),
    { numRuns: 100, seed: 1 },
  );
});

Deno.test("elementsOf() reads elements that go over the file's chunks", async () => {
  const scenes = Array.from({ length: 300 }, (_, i) => ({ i, text: 'é"\\{['.repeat(200 + i) }));
  assertEquals(await read(JSON.stringify({ info: {}, scenes })), scenes);
});

Deno.test("elementsOf() names the file that is cut short, at any byte", async () => {
  const text = JSON.stringify({ info: { a: ["}"] }, scenes: [{ b: "\\" }, { c: [1] }] });
  assertEquals((await read(text)).length, 2);
  for (let end = 1; end < text.length; end++) {
    await assertRejects(() => read(text.slice(0, end)), Error, "it is cut short");
  }
});

Deno.test("elementsOf() says what is wrong", async () => {
  const path = "/no/such.json";
  await assertRejects(() => Array.fromAsync(elementsOf(path, "scenes")), Error, `${path} cannot be used: No such file`);
  await assertRejects(() => read(`{"others": [{}]}`), Error, `it has no array "scenes"`);
  await assertRejects(() => read(""), Error, `it has no array "scenes"`);
  await assertRejects(() => read(`{"a": {"scenes": [{}]}}`), Error, `it has no array "scenes"`);
  await assertRejects(() => read(`{"scenes": [{}, 3]}`), Error, `"scenes" must hold objects and nothing else`);
  await assertRejects(() => read(`{"scenes": [{"a": 1,}]}`), Error, `element 0 of "scenes" is not JSON`);
});
