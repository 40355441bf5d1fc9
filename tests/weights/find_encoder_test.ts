import { assertEquals, assertThrows } from "@std/assert";
import { findEncoder, someOf, splitPredictor } from "../../lib/weights/find_encoder.ts";
import type { StoredTensor } from "../../lib/weights/formats/tensors.ts";

const tensor: StoredTensor = { dtype: "F32", shape: [], read: () => Promise.reject(new Error("not to be read")) };
const stored = (...names: string[]) => Object.fromEntries(names.map((name) => [name, tensor]));
const OURS = ["patch_embed.proj.weight", "blocks.0.norm1.bias", "norm.bias"];
const THEIRS = ["embeddings.patch_embeddings.projection.weight", "encoder.layer.0.output.dense.bias", "layernorm.bias"];

Deno.test("findEncoder() takes off whatever stands before the names of all of an encoder", () => {
  const prefixes = [
    ...["", "_orig_mod.", "module.", "module._orig_mod.", "model.", "backbone.", "encoder.", "ijepa."],
    ...["model.encoder.module.", "a.b.c."],
  ];
  for (const names of [OURS, THEIRS]) {
    for (const prefix of prefixes) {
      const found = findEncoder("file", stored(...names.map((name) => prefix + name), "decoder.norm.bias"));
      const within = prefix === "" ? ["decoder.norm.bias"] : [];
      assertEquals([found.prefix, Object.keys(found.tensors)], [prefix, [...names, ...within]]);
      assertEquals(found.aside, prefix === "" ? [] : ["decoder.norm.bias"]);
    }
  }
});

Deno.test("findEncoder() takes a target encoder before an encoder, and leaves heads aside", () => {
  const both = ["encoder.", "module.target_encoder."].flatMap((prefix) => OURS.map((name) => prefix + name));
  const found = findEncoder("file", stored(...both));
  assertEquals([found.prefix, found.aside], ["module.target_encoder.", both.slice(0, 3)]);
  const [encoder, other] = [both.slice(0, 3), OURS.map((name) => `momentum.${name}`)];
  assertEquals(findEncoder("file", stored(...other, ...encoder)).prefix, "encoder.");

  const heads = ["model.head.weight", "model.classifier.bias", "model.pooler.dense.bias", "classifier.weight"];
  const headed = findEncoder("file", stored(...heads, ...OURS.map((name) => `model.${name}`)));
  assertEquals([Object.keys(headed.tensors), headed.aside], [OURS, heads]);
});

Deno.test("findEncoder() says what there is where there is no encoder, or no one", () => {
  const refused = (names: string[], message: string) =>
    assertThrows(() => findEncoder("a/file", stored(...names)), Error, message);
  refused([], "a/file holds no encoder: none of its tensors is called patch_embed.proj.weight or embeddings.");
  refused(["a", "b", "c", "d", "e"], `; its tensors are "a", "b", "c" and 2 more.`);
  refused(["my_patch_embed.proj.weight"], `its tensors are "my_patch_embed.proj.weight".`);
  refused(["student.", "teacher."].flatMap((prefix) => OURS.map((name) => prefix + name)), `"student.", "teacher."`);
  refused([...OURS.map((name) => `x.${name}`), "norm.bias"], `tensor "norm.bias" both with and without "x." before it`);
});

Deno.test("splitPredictor() divides a predictor under a prefix from the rest", () => {
  const names = ["predictor.module.predictor_embed.weight", "predictor.module.mask_token", "norm.bias"];
  const { predictor, rest } = splitPredictor("file", stored(...names));
  assertEquals([Object.keys(predictor!), Object.keys(rest)], [["predictor_embed.weight", "mask_token"], ["norm.bias"]]);
  assertEquals(splitPredictor("file", stored(...OURS)), { rest: stored(...OURS) });
  const two = stored("a.predictor_embed.weight", "b.predictor_embed.weight");
  assertThrows(() => splitPredictor("file", two), Error, `several predictors, under "a.", "b."`);
});

Deno.test("someOf() names the first three", () => {
  assertEquals(someOf(["a"]), `"a"`);
  assertEquals(someOf(["a", "b", "c", "d"]), `"a", "b", "c" and 1 more`);
});
