import { assertEquals, assertThrows } from "@std/assert";
import { tensorflowSettings, wantsTensorFloat32, withFlags } from "../../../lib/tensorflow/libraries/settings.ts";
import { execute, withCache } from "../program.ts";

Deno.test("withFlags() adds to the user's flags, and a flag that the user gives is the user's", () => {
  assertEquals(withFlags(undefined, { a: "1", b: "2" }), "--a=1 --b=2");
  assertEquals(withFlags("--xla_dump_to=/tmp/a ", { a: "1" }), "--xla_dump_to=/tmp/a --a=1");
  assertEquals(withFlags("--a=7 -b", { a: "1", b: "2", ab: "3" }), "--a=7 -b --ab=3");
  assertEquals(withFlags("--dir=/x--a=1", { a: "1" }), "--dir=/x--a=1 --a=1");
  assertEquals(withFlags("", {}), "");
});

const settings = (env: Record<string, string>, cuda = true, kept: string | undefined = "/kept") =>
  tensorflowSettings(env, { cuda, dir: "/tf/tensorflow" }, () => kept);

Deno.test("tensorflowSettings() drops nothing of the user's, and keeps compilations", () => {
  const { XLA_FLAGS, TF_XLA_FLAGS, ...rest } = settings({ XLA_FLAGS: "--xla_dump_to=d", TF_CPP_MIN_LOG_LEVEL: "0" });
  assertEquals(XLA_FLAGS.split(" "), [
    "--xla_dump_to=d",
    "--xla_disable_hlo_passes=tree_reduction_rewriter",
    "--xla_gpu_cuda_data_dir=/tf/tensorflow/../nvidia/cuda_nvcc",
    "--xla_gpu_per_fusion_autotune_cache_dir=/kept/tuning",
  ]);
  assertEquals(TF_XLA_FLAGS, "--tf_xla_persistent_cache_directory=/kept");
  assertEquals(rest, { TF_ENABLE_ONEDNN_OPTS: "1", TF_CPP_MIN_LOG_LEVEL: "0" });

  const onCpu = settings({ TF_XLA_FLAGS: "--tf_xla_cpu_global_jit" }, false);
  assertEquals(onCpu.XLA_FLAGS, "--xla_disable_hlo_passes=tree_reduction_rewriter");
  assertEquals(onCpu.TF_XLA_FLAGS, "--tf_xla_cpu_global_jit --tf_xla_persistent_cache_directory=/kept");
  const own = settings({
    TF_XLA_FLAGS: "--tf_xla_persistent_cache_directory=",
    XLA_FLAGS: "--xla_disable_hlo_passes=dce",
  });
  assertEquals(own.TF_XLA_FLAGS, "--tf_xla_persistent_cache_directory=");
  assertEquals(
    own.XLA_FLAGS,
    "--xla_disable_hlo_passes=dce --xla_gpu_cuda_data_dir=/tf/tensorflow/../nvidia/cuda_nvcc",
  );
  // A worker gets what its launcher has set, and changes nothing of it.
  assertEquals(settings(settings({})), settings({}));
});

Deno.test("tensorflowSettings() reads the flags of a file, as XLA does, and refuses what is neither", () => {
  const file = Deno.makeTempFileSync();
  try {
    Deno.writeTextFileSync(file, "--xla_dump_to=d\n--xla_disable_hlo_passes=dce\n");
    assertEquals(
      settings({ XLA_FLAGS: file }, false).XLA_FLAGS,
      "--xla_dump_to=d\n--xla_disable_hlo_passes=dce",
    );
  } finally {
    Deno.removeSync(file);
  }
  assertThrows(() => settings({ TF_XLA_FLAGS: file }), Error, `TF_XLA_FLAGS is "${file}", which is neither flags`);
});

Deno.test("wantsTensorFloat32() knows 0 and 1", () => {
  assertEquals([undefined, "", "0", "1"].map(wantsTensorFloat32), [false, false, false, true]);
  assertThrows(() => wantsTensorFloat32("yes"), Error, "IJEPA_TF32 must be 1");
});

Deno.test("XLA gets the user's flags and ours, and float32 is float32 unless IJEPA_TF32=1", async () => {
  const folder = Deno.makeTempDirSync();
  try {
    // In the module's configuration XLA writes down what it was told.
    const XLA_FLAGS = `--xla_dump_to=${folder} --xla_dump_hlo_as_proto`, ours = "tree_reduction_rewriter";
    const quiet = { TF_CPP_MIN_LOG_LEVEL: "3", ...withCache(folder) };
    const plain = await execute("settings.ts", [], { ...quiet, XLA_FLAGS });
    assertEquals(plain, { code: 0, stdout: "false\n", stderr: "" });
    const dumped = Array.from(Deno.readDirSync(folder), ({ name }) => name).filter((name) =>
      /debug_options$/.test(name)
    );
    assertEquals(dumped.length > 0, true);
    assertEquals(Deno.readTextFileSync(`${folder}/${dumped[0]}`).includes(ours), true);
    assertEquals((await execute("settings.ts", [], { ...quiet, IJEPA_TF32: "1" })).stdout, "true\n");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
