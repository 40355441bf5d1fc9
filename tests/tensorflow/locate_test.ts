import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  forcedVariant,
  LIBRARY_NAMES,
  locateTensorFlow,
  preferredVariant,
  PROJECT_VENV,
} from "../../lib/tensorflow/locate.ts";
import { withEnvironment } from "./environment.ts";

function putLibraries(folder: string) {
  Deno.mkdirSync(folder, { recursive: true });
  for (const name of Object.values(LIBRARY_NAMES)) Deno.writeTextFileSync(`${folder}/${name}`, "");
}

Deno.test("locateTensorFlow() prefers the option to TF_DIR, and TF_DIR to .venv", () =>
  withEnvironment({}, (folder) => {
    for (const name of ["option/tensorflow", "variable", "venv/tensorflow-cpu/tensorflow"]) {
      putLibraries(`${folder}/${name}`);
    }
    Deno.env.set("IJEPA_TF", "cpu");
    const venv = `${folder}/venv`;
    assertEquals(locateTensorFlow({ venv }).dir, `${venv}/tensorflow-cpu/tensorflow`);
    Deno.env.set("TF_DIR", `${folder}/variable/`);
    assertEquals(locateTensorFlow({ venv }).dir, `${folder}/variable`);
    assertEquals(locateTensorFlow({ venv, tfDir: `${folder}/option` }), {
      cc: `${folder}/option/tensorflow/${LIBRARY_NAMES.cc}`,
      framework: `${folder}/option/tensorflow/${LIBRARY_NAMES.framework}`,
      cuda: false,
      dir: `${folder}/option/tensorflow`,
    });
  }));

Deno.test("locateTensorFlow() knows the CUDA build by NVIDIA's libraries beside it", () =>
  withEnvironment({ IJEPA_TF: "cuda" }, (folder) => {
    putLibraries(`${folder}/tensorflow-cpu/tensorflow`);
    putLibraries(`${folder}/tensorflow-cuda/tensorflow`);
    Deno.mkdirSync(`${folder}/tensorflow-cuda/nvidia`);
    assertEquals(locateTensorFlow({ venv: folder }).cuda, true);
    Deno.env.set("IJEPA_TF", "cpu");
    assertEquals(locateTensorFlow({ venv: folder }).cuda, false);
  }));

Deno.test("locateTensorFlow() lists every path that it missed and says what to do", () =>
  withEnvironment({ IJEPA_TF: "cpu" }, (folder) => {
    let { message } = assertThrows(() => locateTensorFlow({ venv: folder }), Error, "To download them, run");
    assertStringIncludes(message, `\`deno task setup\` in ${new URL("../..", import.meta.url).pathname.slice(0, -1)}.`);
    for (const name of Object.values(LIBRARY_NAMES)) {
      assertStringIncludes(message, `${folder}/tensorflow-cpu/tensorflow/${name}`);
    }

    Deno.env.set("TF_DIR", `${folder}/elsewhere`);
    putLibraries(`${folder}/tensorflow-cpu/tensorflow`);
    ({ message } = assertThrows(() => locateTensorFlow({ venv: folder }), Error, "Correct TF_DIR, or unset it"));
    for (const place of ["elsewhere", "elsewhere/tensorflow"]) {
      assertStringIncludes(message, `${folder}/${place}/${LIBRARY_NAMES.cc}`);
    }

    // One of the two is not enough, and only the other is missing.
    Deno.removeSync(`${folder}/tensorflow-cpu/tensorflow/${LIBRARY_NAMES.framework}`);
    const tfDir = `${folder}/tensorflow-cpu/tensorflow`;
    ({ message } = assertThrows(() => locateTensorFlow({ tfDir }), Error, "Name the folder that holds both"));
    assertEquals(message.includes(`  ${tfDir}/${LIBRARY_NAMES.cc}`), false);
    assertStringIncludes(message, `  ${tfDir}/${LIBRARY_NAMES.framework}`);
  }));

Deno.test("locateTensorFlow() looks under the project, whatever the working folder", () => {
  assertEquals(PROJECT_VENV, new URL("../../.venv", import.meta.url).pathname);
});

Deno.test("preferredVariant() does what IJEPA_TF says, and refuses what it does not know", () =>
  withEnvironment({ IJEPA_TF: "cuda" }, () => {
    assertEquals(preferredVariant(), "cuda");
    Deno.env.set("IJEPA_TF", "gpu");
    assertThrows(preferredVariant, Error, `IJEPA_TF must be "cpu" or "cuda", but is "gpu"`);
    Deno.env.delete("IJEPA_TF");
    assertEquals(forcedVariant(), undefined);
  }));

Deno.test("preferredVariant() is cuda where NVIDIA's driver answers, under the tasks' permissions too", () =>
  withEnvironment({ PATH: Deno.env.get("PATH")! }, (folder) => {
    Deno.writeTextFileSync(`${folder}/nvidia-smi`, "#!/bin/sh\necho 'GPU 0: a test'\n", { mode: 0o755 });
    Deno.env.set("PATH", `${folder}:${Deno.env.get("PATH")}`);
    const expected = Deno.build.os === "linux" && Deno.build.arch === "x86_64" ? "cuda" : "cpu";
    assertEquals(preferredVariant(), expected);
  }));
