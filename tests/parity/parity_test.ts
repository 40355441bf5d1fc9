import "../tensorflow/loaded.ts";
import { assert, assertEquals } from "@std/assert";
import { differences } from "../../lib/commands/parity/parity_differences.ts";
import { TOLERANCE } from "../../lib/commands/parity.ts";
import { tf } from "../../lib/tensorflow/backend.ts";

/** Small encoders and what PyTorch computes with them: python lib/commands/parity/parity.py fixtures tests/parity/fixtures */
const FIXTURES = new URL("fixtures", import.meta.url).pathname;

Deno.test("encoders of transformers, timm and PyTorch compute here what they compute there", async () => {
  const before = tf.memory().numTensors;
  const compared: string[] = [];
  for await (const { what, difference } of differences(FIXTURES)) {
    assert(difference <= TOLERANCE / 10, `${what}: ${difference}`);
    compared.push(what);
  }
  assertEquals(compared.toSorted(), [
    "12px-p4-w16-d1-h2-bfloat16",
    "12px-p4-w16-d2-h2-float32",
    "12px-p4-w16-d2-h2-float32, positions interpolated for 20px",
    "12px-p4-w16-d2-h2-float32, positions interpolated for 8px",
    "8px-p4-w8-d2-h2-float32-renamed",
    "authors-12px-p4-w8-d2",
    "authors-12px-p4-w8-d2, predictor",
    "timm-8px-p4-w8-d1",
  ]);
  assertEquals(tf.memory().numTensors, before);
});
