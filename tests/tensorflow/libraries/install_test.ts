import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { installTensorFlow } from "../../../lib/tensorflow/libraries/install.ts";
import { LIBRARY_NAMES, locateTensorFlow } from "../../../lib/tensorflow/libraries/locate.ts";
import type { Progress } from "../../../lib/tensorflow/libraries/python.ts";
import { withEnvironment } from "../environment.ts";

// A Python of our own stands in for the environment's: its pip "downloads" from a folder and writes down what it was
// asked for, so that these tests need neither network nor gigabytes. Unpacking is done by the machine's real Python.
const FAKE_PYTHON = `#!/bin/sh
here=$(dirname "$0")/../..
case "$*" in
  "-m pip --version") echo "pip 25.0 from here" ;;
  "-m pip download"*)
    for list; do :; done # The last argument.
    read -r requirement hashes < "$list"
    echo "$requirement" >> "$here/asked.txt"
    name=$(echo "$requirement" | sed 's/[^a-z0-9-].*//; s/-/_/g')
    echo "Progress 0 of 100"; echo "Progress 100 of 100"
    cp "$here/wheels/$name"-*.whl "$(dirname "$list")" || { echo "ERROR: No matching distribution found"; exit 1; } ;;
  *) exec python3 "$@" ;;
esac
`;

const MAKE_WHEEL = `
import json, sys, zipfile
path, files = sys.argv[1], json.loads(sys.argv[2])
with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
    for name, text in files.items():
        archive.writestr(name, text)
`;

async function putWheel(folder: string, name: string, files: Record<string, string>) {
  await Deno.mkdir(`${folder}/wheels`, { recursive: true });
  const args = ["-c", MAKE_WHEEL, `${folder}/wheels/${name}-1-py3-none-any.whl`, JSON.stringify(files)];
  const { success } = await new Deno.Command("python3", { args }).output();
  assertEquals(success, true);
}

async function putFakePython(venv: string) {
  await Deno.mkdir(`${venv}/bin`, { recursive: true });
  await Deno.writeTextFile(`${venv}/bin/python`, FAKE_PYTHON, { mode: 0o755 });
}

/** The wheels of a tiny TensorFlow for this platform, and a Python that fetches them. */
async function putMachine(folder: string): Promise<string> {
  const libraries = {
    [`tensorflow/${LIBRARY_NAMES.cc}`]: "the cc library",
    [`tensorflow/${LIBRARY_NAMES.framework}`]: "the framework library",
    "tensorflow/python/large.py": "of no use",
    "tensorflow-1.dist-info/METADATA": [
      "Requires-Dist: numpy>=1.26.0",
      'Requires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"',
      'Requires-Dist: nvidia-cuda-nvcc-cu12<13.0,>=12.5.82; extra == "and-cuda"',
      'Requires-Dist: other; extra == "gcs"',
    ].join("\n"),
  };
  await putWheel(folder, "tensorflow_cpu", libraries);
  await putWheel(folder, "tensorflow", libraries);
  await putWheel(folder, "nvidia_cublas_cu12", {
    "nvidia/cublas/lib/libcublas.so.12": "cublas",
    "nvidia/cublas/include/cublas.h": "of no use",
    "nvidia_cublas-1.dist-info/METADATA": "Name: nvidia-cublas-cu12",
  });
  await putFakePython(`${folder}/venv`);
  return `${folder}/venv`;
}

async function putNvcc(folder: string) {
  await putWheel(folder, "nvidia_cuda_nvcc_cu12", {
    "nvidia/cuda_nvcc/bin/ptxas": "ptxas",
    "nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc": "libdevice",
    "nvidia/cuda_nvcc/nvvm/lib64/libnvvm.so": "of no use",
    "nvidia_cuda_nvcc-1.dist-info/METADATA": "Name: nvidia-cuda-nvcc-cu12",
  });
}

async function asked(folder: string): Promise<string[]> {
  const text = await Deno.readTextFile(`${folder}/asked.txt`).catch(() => "");
  return text.split("\n").filter((line) => line !== "");
}

function tree(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap((entry) =>
    entry.isDirectory ? tree(`${folder}/${entry.name}`).map((name) => `${entry.name}/${name}`) : [entry.name]
  ).sort();
}

const CPU_WHEEL = Deno.build.os === "linux" && Deno.build.arch === "x86_64" ? "tensorflow-cpu" : "tensorflow";
const NO_CUDA_BUILD = CPU_WHEEL === "tensorflow";

Deno.test("installTensorFlow() keeps the two libraries, and does nothing the second time", () =>
  withEnvironment({}, async (folder) => {
    const venv = await putMachine(folder);
    const progress: Progress[] = [];
    await installTensorFlow({ variant: "cpu", venv, onProgress: (step) => progress.push(step) });
    assertEquals(tree(`${venv}/tensorflow-cpu`), [
      "manifest.json",
      `tensorflow/${LIBRARY_NAMES.cc}`,
      `tensorflow/${LIBRARY_NAMES.framework}`,
    ]);
    assertEquals(progress[0], { label: `${CPU_WHEEL}: download`, unit: "bytes", done: 0, total: 100 });
    assertEquals(progress.at(-1), { label: `${CPU_WHEEL}: unpack`, unit: "bytes", done: 35, total: 35 });

    await Deno.remove(`${venv}/bin`, { recursive: true });
    await installTensorFlow({ variant: "cpu", venv, onProgress: (step) => progress.push(step) });
    assertEquals(await asked(folder), [`${CPU_WHEEL}==2.21.0`]);

    Deno.env.set("IJEPA_TF", "cpu");
    assertEquals(locateTensorFlow({ venv }).dir, `${venv}/tensorflow-cpu/tensorflow`);
  }));

Deno.test("installTensorFlow() repairs a library that has lost bytes", () =>
  withEnvironment({}, async (folder) => {
    const venv = await putMachine(folder);
    await installTensorFlow({ variant: "cpu", venv });
    const library = `${venv}/tensorflow-cpu/tensorflow/${LIBRARY_NAMES.cc}`;
    await Deno.truncate(library, 5);
    await installTensorFlow({ variant: "cpu", venv });
    assertEquals(await Deno.readTextFile(library), "the cc library");
    assertEquals((await asked(folder)).length, 2);

    await Deno.writeTextFile(`${venv}/tensorflow-cpu/manifest.json`, "{ cut o");
    await installTensorFlow({ variant: "cpu", venv });
    assertEquals((await asked(folder)).length, 3);
  }));

Deno.test({
  name: "installTensorFlow() goes on where an interrupted set-up of the CUDA build stopped",
  ignore: NO_CUDA_BUILD,
  fn: () =>
    withEnvironment({}, async (folder) => {
      const venv = await putMachine(folder); // Without nvcc's wheel.
      const error = await assertRejects(() => installTensorFlow({ variant: "cuda", venv }), Error);
      assertStringIncludes(
        error.message,
        "pip could not fetch nvidia-cuda-nvcc-cu12<13.0,>=12.5.82: No matching distribution found. Check",
      );
      assertStringIncludes(error.message, "run `deno task setup` again");
      assertEquals([...Deno.readDirSync(venv)].some((entry) => entry.name === "tensorflow-cuda"), false);

      await putNvcc(folder);
      await installTensorFlow({ variant: "cuda", venv });
      assertEquals(await asked(folder), [
        "tensorflow==2.21.0",
        "nvidia-cublas-cu12<13.0,>=12.5.3.2",
        "nvidia-cuda-nvcc-cu12<13.0,>=12.5.82",
        "nvidia-cuda-nvcc-cu12<13.0,>=12.5.82",
      ]);
      assertEquals(tree(`${venv}/tensorflow-cuda`), [
        "manifest.json",
        "nvidia/cublas/lib/libcublas.so.12",
        "nvidia/cuda_nvcc/bin/ptxas",
        "nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc",
        `tensorflow/${LIBRARY_NAMES.cc}`,
        `tensorflow/${LIBRARY_NAMES.framework}`,
      ]);
      assertEquals((await Deno.stat(`${venv}/tensorflow-cuda/nvidia/cuda_nvcc/bin/ptxas`)).mode! & 0o777, 0o755);

      // What is whole is not fetched again.
      await Deno.remove(`${venv}/tensorflow-cuda/nvidia/cublas/lib/libcublas.so.12`);
      await installTensorFlow({ variant: "cuda", venv });
      assertEquals((await asked(folder)).slice(4), ["nvidia-cublas-cu12<13.0,>=12.5.3.2"]);
    }),
});

Deno.test("installTensorFlow() called twice at once downloads once", () =>
  withEnvironment({}, async (folder) => {
    const venv = await putMachine(folder);
    await Promise.all([installTensorFlow({ variant: "cpu", venv }), installTensorFlow({ variant: "cpu", venv })]);
    assertEquals((await asked(folder)).length, 1);
  }));

Deno.test("installTensorFlow() leaves everything to a TF_DIR that is set", () =>
  withEnvironment({ TF_DIR: "/somewhere" }, async (folder) => {
    const venv = await putMachine(folder);
    await installTensorFlow({ venv });
    assertEquals(await asked(folder), []);
  }));

Deno.test("installTensorFlow() says what to install where there is no Python, an old one, or one without venv", () =>
  withEnvironment({}, async (folder) => {
    const path = Deno.env.get("PATH")!;
    const python = async (script: string) => {
      await Deno.mkdir(`${folder}/bin`, { recursive: true });
      await Deno.writeTextFile(`${folder}/bin/python3`, `#!/bin/sh\n${script}`, { mode: 0o755 });
    };
    const install = () => installTensorFlow({ variant: "cpu", venv: `${folder}/venv` });
    try {
      Deno.env.set("PATH", `${folder}/bin`);
      await assertRejects(
        install,
        Error,
        "Python 3.10 or newer is needed once, to download TensorFlow's libraries, but",
      );
      await python("echo 3.9");
      await assertRejects(install, Error, "was not found (python3 is 3.9). Install it (Debian and Ubuntu: sudo apt");
      await python(`[ "$2" = venv ] || { echo 3.12; exit; }\necho "ensurepip is not available."\nexit 1`);
      await assertRejects(install, Error, "its venv or ensurepip module is missing. Install it (Debian and Ubuntu");
    } finally {
      Deno.env.set("PATH", path);
    }
  }));
