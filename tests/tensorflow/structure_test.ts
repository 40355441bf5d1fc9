import { assert, assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { tf } from "../../lib/tensorflow/backend.ts";
import { flatten, tensorsAt } from "../../lib/tensorflow/structure.ts";
import "./loaded.ts";

/** Any structure of tensors and constants. */
const structures = fc.letrec((tie) => ({
  item: fc.oneof(
    { depthSize: "small" },
    fc.nat(9).map((v) => tf.scalar(v)),
    fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.constant(null), fc.constant(undefined)),
    fc.array(tie("item"), { maxLength: 3 }),
    fc.dictionary(fc.string({ maxLength: 3 }).filter((key) => key !== "__proto__"), tie("item"), {
      maxKeys: 3,
      noNullPrototype: true,
    }),
  ),
})).item;

Deno.test("flatten() takes structures apart and rebuild() puts them together", () => {
  fc.assert(fc.property(structures, (value) => {
    const { tensors, paths, rebuild, key } = flatten(value, "v");
    assertEquals(paths.length, tensors.length);
    const rebuilt = rebuild(tensors);
    assertEquals(rebuilt, value);
    assertEquals(flatten(rebuilt, "other").key, key);
    assert(flatten(rebuilt, "v").tensors.every((tensor, i) => tensor === tensors[i]));
  }));
});

Deno.test("flatten() names each tensor's place", () => {
  const t = tf.scalar(0);
  assertEquals(flatten({ a: [t, { b: t }], c: t }, "batch").paths, ["batch.a[0]", "batch.a[1].b", "batch.c"]);
  assertEquals(flatten(t, "x").paths, ["x"]);
});

Deno.test("flatten() gives structures that differ different keys", () => {
  const t = tf.scalar(0);
  const different = [t, [t], [[t]], [t, t], { a: t }, { b: t }, { a: t, b: 1 }, { a: t, b: "1" }, { a: t, b: true }];
  const constants = [null, undefined, "null", "undefined", 0, "", [], {}, "*", [1, 2], ["1,2"], NaN, { a: undefined }];
  const keys = [...different, ...constants].map((value) => flatten(value, "v").key);
  assertEquals(new Set(keys).size, keys.length);
  assertNotEquals(flatten({ a: t, b: t }, "v").key, flatten({ b: t, a: t }, "v").key);
});

Deno.test("tensorsAt() follows the paths, not the order", () => {
  const [a, b] = [tf.scalar(1), tf.scalar(2)];
  const { paths } = flatten({ a, b }, "state");
  const found = tensorsAt({ b, a }, paths, "It");
  assert(found[0] === a && found[1] === b);
});
