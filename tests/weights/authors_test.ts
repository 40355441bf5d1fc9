import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { openAuthorsCheckpoint } from "../../lib/weights/authors.ts";

/** Written by PyTorch, see fixtures/make_torch_files.py and lib/commands/parity/parity.py. */
const FILES = new URL("fixtures/torch/", import.meta.url).pathname;
const AUTHORS = new URL("../parity/fixtures/authors-12px-p4-w8-d2.pth.tar", import.meta.url).pathname;

Deno.test("openAuthorsCheckpoint() takes the target encoder and the predictor, without DDP's prefix", async () => {
  const { tensors, prefix, aside, predictor } = await openAuthorsCheckpoint(AUTHORS);
  assertEquals(Object.keys(tensors).slice(0, 3), ["pos_embed", "patch_embed.proj.weight", "patch_embed.proj.bias"]);
  assertEquals(Object.keys(predictor!).slice(0, 2), ["mask_token", "predictor_pos_embed"]);
  assertEquals(tensors["patch_embed.proj.weight"].shape, [8, 3, 4, 4]);
  assertEquals(prefix, "target_encoder.module.");
  assertEquals(aside.map((name) => name.replace(/^encoder\.module\./, "")), Object.keys(tensors)); // the other encoder
});

Deno.test("openAuthorsCheckpoint() takes a state_dict by itself, or under any name, for an encoder's", async () => {
  const cases: [file: string, prefix: string, aside: string[]][] = [
    ["alone.pth", "module.", []],
    ["wrapped.pth", "state_dict.module._orig_mod.backbone.", ["state_dict.module._orig_mod.head.bias"]],
  ];
  for (const [file, prefix, aside] of cases) {
    const { tensors, predictor, ...found } = await openAuthorsCheckpoint(`${FILES}${file}`);
    assertEquals(found, { prefix, aside });
    assertEquals(Object.keys(tensors), ["patch_embed.proj.weight", "norm.bias"]);
    assertEquals((await tensors["norm.bias"].read()).data, Float32Array.of(3));
    assertEquals(predictor, undefined);
  }
});

Deno.test("openAuthorsCheckpoint() says what a file holds that has no encoder, or too many", async () => {
  const refused = async (name: string, message: string) => {
    const error = await assertRejects(() => openAuthorsCheckpoint(`${FILES}${name}`), Error, message);
    assertStringIncludes(error.message, `${FILES}${name}`);
  };
  await refused("networks.pth", `its "predictor" is not a state_dict`);
  await refused("state.pth", `its tensors are "module.weight", "module.bias".`);
  await refused(
    "protocol2.pth",
    `holds no encoder: none of its tensors is called patch_embed.proj.weight or embeddings.`,
  );
  await refused("several.pth", `several encoders, with "student.backbone.", "teacher.backbone." before their names`);
  await refused("transformers.bin", `convert it with python -c 'import torch, safetensors.torch as s; s.save_file(`);
});
