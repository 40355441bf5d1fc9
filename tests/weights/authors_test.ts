import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { openAuthorsCheckpoint } from "../../lib/weights/authors.ts";

/** Written by PyTorch, see fixtures/make_torch_files.py and lib/commands/parity.py. */
const FILES = new URL("fixtures/torch/", import.meta.url).pathname;
const AUTHORS = new URL("../parity/fixtures/authors-12px-p4-w8-d2.pth.tar", import.meta.url).pathname;

Deno.test("openAuthorsCheckpoint() takes the target encoder and the predictor, without DDP's prefix", async () => {
  const { encoder, predictor } = await openAuthorsCheckpoint(AUTHORS);
  assertEquals(Object.keys(encoder).slice(0, 3), ["pos_embed", "patch_embed.proj.weight", "patch_embed.proj.bias"]);
  assertEquals(Object.keys(predictor!).slice(0, 2), ["mask_token", "predictor_pos_embed"]);
  assertEquals(encoder["patch_embed.proj.weight"].shape, [8, 3, 4, 4]);
});

Deno.test("openAuthorsCheckpoint() takes a state_dict by itself for an encoder's", async () => {
  for (const name of ["state.pth", "rezipped.pth"]) {
    const { encoder, predictor } = await openAuthorsCheckpoint(`${FILES}${name}`);
    assertEquals(Object.keys(encoder), ["weight", "bias"]);
    assertEquals((await encoder.weight.read()).data, Float32Array.of(1, 2));
    assertEquals(predictor, undefined);
  }
});

Deno.test("openAuthorsCheckpoint() names the file that holds no networks", async () => {
  const refused = async (name: string, message: string) => {
    const error = await assertRejects(() => openAuthorsCheckpoint(`${FILES}${name}`), Error, message);
    assertStringIncludes(error.message, `${FILES}${name}`);
  };
  await refused("networks.pth", `its "predictor" is not a state_dict`);
  await refused("protocol2.pth", `should hold the state_dict of a "target_encoder" or "encoder"; it holds views, half`);
});
