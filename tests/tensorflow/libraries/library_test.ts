import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { checked, cString, fromCString, library, TensorFlowError } from "../../../lib/tensorflow/libraries/library.ts";
import { execute } from "../program.ts";
import "../loaded.ts";

Deno.test("a process that loaded TensorFlow and did nothing with it ends well", async () => {
  assertEquals(await execute("load_only.ts"), { code: 0, stdout: "", stderr: "" });
});

Deno.test("TensorFlow writes nothing to the terminal, and a process that computed ends well", async () => {
  const sum = 64 ** 3;
  const expected = { code: 0, stdout: `${sum},${sum},${sum}\n`, stderr: "" };
  assertEquals(await execute("compute.ts", [], { TF_CPP_MIN_LOG_LEVEL: "3" }), expected);
});

Deno.test({
  name: "TF_CPP_MIN_LOG_LEVEL=0 shows TensorFlow's log",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const { code, stderr } = await execute("compute.ts", [], { TF_CPP_MIN_LOG_LEVEL: "0" });
    assertEquals(code, 0);
    assertStringIncludes(stderr, "oneDNN custom operations are on");
  },
});

Deno.test("libraries that cannot be loaded are named, with the loader's words", async () => {
  const folder = await Deno.makeTempDir({ prefix: "tensorflow_test_" });
  try {
    for (const name of ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"]) {
      await Deno.writeTextFile(`${folder}/${name}`, "not a library");
    }
    const { code, stderr } = await execute("load_only.ts", [], { TF_DIR: folder });
    assertEquals(code, 1);
    assertStringIncludes(stderr, `TensorFlow's libraries in ${folder} could not be loaded: `);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("checked() reports a status once, and the next call starts afresh", () => {
  const unknown = () => checked(() => "Doing this", (tf, status) => tf.TF_FinishOperation(newOperation(), status));
  const newOperation = () => library().TF_NewOperation(library().TF_NewGraph(), cString("NoSuchOp"), cString("n"));
  const { message } = assertThrows(unknown, TensorFlowError, "Doing this: ");
  assertStringIncludes(message, "NoSuchOp");
  assertEquals(checked(() => "That", () => 7), 7);
});

Deno.test("C strings come back", () => {
  const text = "Zielblöcke";
  assertEquals(fromCString(Deno.UnsafePointer.of(cString(text))), text);
  assertEquals(fromCString(null), "");
  assert(cString(text) === cString(text));
});
