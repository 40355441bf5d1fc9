import { assertEquals, assertStringIncludes } from "@std/assert";
import { findCause, likelyCause } from "../../../lib/tensorflow/libraries/no_gpu.ts";
import { locateTensorFlow } from "../../../lib/tensorflow/libraries/locate.ts";
import { execute } from "../program.ts";

Deno.test("likelyCause() names the library, the variable or the driver, and what to do", () => {
  const of = (found: Parameters<typeof likelyCause>[0]) => likelyCause(found);
  assertStringIncludes(of({ cuda: false }), "built without CUDA");
  const driver = of({ cuda: true, missing: { library: "libcuda.so.1", reason: "no such file." } });
  assertEquals(
    driver,
    "The driver's library libcuda.so.1 does not load (no such file): install NVIDIA's driver, or start the container with " +
      "its GPUs (--gpus all).",
  );
  const cudnn = of({ cuda: true, missing: { library: "libcudnn.so.9", reason: "truncated" } });
  assertStringIncludes(cudnn, "libcudnn.so.9 does not load (truncated): delete its tensorflow-cuda folder");
  for (const visible of ["", "-1"]) {
    assertEquals(
      of({ cuda: true, visible, driver: 100 }),
      `CUDA_VISIBLE_DEVICES="${visible}" hides them all: unset it.`,
    );
  }
  for (const visible of [undefined, "0,1", "GPU-8932f937"]) {
    assertStringIncludes(of({ cuda: true, visible, driver: 803 }), "cuInit() returned 803");
  }
  assertStringIncludes(of({ cuda: true, driver: 0 }), "TF_CPP_MIN_LOG_LEVEL=0");
});

function withoutDriver(): boolean {
  try {
    Deno.dlopen("libcuda.so.1", {}).close();
    return false;
  } catch {
    return true;
  }
}

Deno.test({
  name: "a CUDA build without a GPU is an error where it was asked for, which names what is missing",
  ignore: !withoutDriver(),
  fn: async () => {
    const { dir } = locateTensorFlow();
    assertEquals(findCause({ cuda: true, dir }).missing?.library, "libcuda.so.1");
    const { code, stderr } = await execute("device.ts", [], { IJEPA_TF: "cuda", TF_DIR: dir });
    assertEquals(code, 1);
    assertStringIncludes(stderr, "IJEPA_TF=cuda asks for a GPU, but TensorFlow sees none. It was built without CUDA");
  },
});

Deno.test({
  name: "where there is a driver, a TensorFlow without a GPU says so and goes on; with IJEPA_TF=cpu it is silent",
  ignore: !withoutDriver() || Deno.build.os !== "linux" || Deno.build.arch !== "x86_64",
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${folder}/nvidia-smi`, "#!/bin/sh\necho 'GPU 0: a test'\n", { mode: 0o755 });
      const env = { PATH: `${folder}:${Deno.env.get("PATH")}`, TF_DIR: locateTensorFlow().dir };
      const { code, stderr, stdout } = await execute("device.ts", [], env);
      assertEquals([code, stdout], [0, "false\nfalse\n"]);
      const [line, ...rest] = stderr.trim().split("\n");
      assertStringIncludes(line, "There is an NVIDIA driver, but TensorFlow sees no GPU and computes on the CPU.");
      assertEquals(rest, []);
      assertEquals((await execute("device.ts", [], { ...env, IJEPA_TF: "cpu" })).stderr, "");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
