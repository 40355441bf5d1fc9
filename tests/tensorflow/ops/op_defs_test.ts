import { assertEquals, assertThrows } from "@std/assert";
import { groupInputs, opDef } from "../../../lib/tensorflow/ops/op_defs.ts";
import "../loaded.ts";

Deno.test("opDef() knows which inputs are lists and which attributes TensorFlow infers", () => {
  assertEquals(opDef("MatMul"), { inputs: [{ typeAttr: "T" }, { typeAttr: "T" }], inferred: new Set(["T"]) });
  assertEquals(opDef("ConcatV2"), {
    inputs: [{ typeAttr: "T", listAttr: "N" }, { typeAttr: "Tidx" }],
    inferred: new Set(["T", "N", "Tidx"]),
  });
  assertEquals(opDef("Where").inputs, [{ typeAttr: "T" }]);
  assertEquals(opDef("NoOp"), { inputs: [], inferred: new Set<string>() });
  assertThrows(() => opDef("Conact"), Error, "TensorFlow has no op named Conact.");
});

Deno.test("groupInputs() finds the list, wherever it stands and however long it is", () => {
  assertEquals(groupInputs("MatMul", [1, 2]), [1, 2]);
  assertEquals(groupInputs("ConcatV2", [1, 2, 3]), [[1, 2], 3]);
  assertEquals(groupInputs("AddN", [1]), [[1]]);
  assertEquals(groupInputs("Pack", []), [[]]);
  assertEquals(groupInputs("IdentityN", [1, 2]), [[1, 2]]); // a list of types
  assertThrows(
    () => groupInputs("MatMul", [1, 2, 3]),
    Error,
    "Op MatMul takes 2 inputs (0 of them lists), but was given 3.",
  );
  assertThrows(() => groupInputs("ConcatV2", []), Error, "was given 0");
});
