import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  forcedVariant,
  librariesFolder,
  LIBRARY_NAMES,
  locateTensorFlow,
  preferredVariant,
} from "../../../lib/tensorflow/libraries/locate.ts";
import { existsSync } from "node:fs";
import { withEnvironment } from "../environment.ts";

/** What librariesFolder() gives in a checkout in another folder. */
function folderOfCopy(folder: string): () => string {
  Deno.mkdirSync(`${folder}/lib/tensorflow/libraries`, { recursive: true });
  for (const file of ["user_cache.ts", "tensorflow/libraries/locate.ts"]) {
    Deno.copyFileSync(new URL(`../../../lib/${file}`, import.meta.url), `${folder}/lib/${file}`);
  }
  const script = `${folder}/where.ts`;
  Deno.writeTextFileSync(
    script,
    'import { librariesFolder } from "./lib/tensorflow/libraries/locate.ts"; console.log(librariesFolder());',
  );
  return () => {
    const args = ["run", "-A", "--no-check", "--no-config", script];
    return new TextDecoder().decode(
      new Deno.Command(Deno.execPath(), { args, env: { DENO_DIR: `${folder}/deno` } }).outputSync().stdout,
    ).trim();
  };
}

function putLibraries(folder: string) {
  Deno.mkdirSync(folder, { recursive: true });
  for (const name of Object.values(LIBRARY_NAMES)) Deno.writeTextFileSync(`${folder}/${name}`, "");
}

Deno.test("locateTensorFlow() prefers the option to TF_DIR, and TF_DIR to what is set up", () =>
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
    assertStringIncludes(
      message,
      `\`deno task setup\` in ${new URL("../../..", import.meta.url).pathname.slice(0, -1)}.`,
    );
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

Deno.test("librariesFolder() is one for all of a user's checkouts, or the project's own where it holds them", () =>
  withEnvironment({ XDG_CACHE_HOME: "/somewhere/", HOME: "/home/me" }, (folder) => {
    const own = new URL("../../../.venv", import.meta.url).pathname;
    const isHere = ["cpu", "cuda"].some((variant) => existsSync(`${own}/tensorflow-${variant}`));
    // This checkout may be either; a copy of the code that has no .venv is the other.
    const elsewhere = folderOfCopy(folder);
    const [cache, home] = Deno.build.os === "darwin"
      ? ["/home/me/Library/Caches", "/home/me/Library/Caches"]
      : ["/somewhere", "/home/me/.cache"];
    assertEquals(elsewhere(), `${cache}/ijepa-kit/venv`);
    assertEquals(librariesFolder(), isHere ? own : `${cache}/ijepa-kit/venv`);
    Deno.env.set("XDG_CACHE_HOME", "not/absolute");
    assertEquals(elsewhere(), `${home}/ijepa-kit/venv`);
    Deno.mkdirSync(`${folder}/.venv/tensorflow-cuda`, { recursive: true });
    assertEquals(elsewhere(), `${folder}/.venv`);
  }));

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
