/** The kit imported from folders that are none of its own, whose deno.json, lock and packages it does not decide. @module */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { setUpJupyter } from "../lib/commands/jupyter/jupyter.ts";
import { codeCells, type Notebook } from "../lib/commands/jupyter/notebook_file.ts";
import { runNotebook } from "../lib/commands/notebooks.ts";
import { locateTensorFlow } from "../lib/tensorflow/libraries/locate.ts";

const MOD = new URL("../mod.ts", import.meta.url).href;

/** Opens the images beside it, computes with an encoder, and draws a figure into the folder. */
const drawing = (mod: string) => `
import { encode, encoderShapes, initialise, lossCurve, openImageFolder, patchify, saveFigure, show, tf } from "${mod}";

const images = await openImageFolder("images");
const size = { image: 16, patch: 4, width: 16, depth: 1, heads: 2, mlpRatio: 2 };
const parameters = initialise(encoderShapes(size), 1, "xavier");
const [, tokens] = encode(parameters, size, patchify(tf.zeros([images.length, 16, 16, 3]), 4)).shape;
const curve = lossCurve([0, 1, 2].map((step) => ({ step, loss: 1 / (step + 1), learningRate: 1e-3 })));
console.log(JSON.stringify({ tokens, files: await saveFigure(curve, "loss.png") }));
`;
const DRAW = drawing(MOD);
const DRAWN = { tokens: 16, files: ["loss.png"] };

/** Trains three steps on the images beside it besides, and reads the run. */
const training = (mod: string) => `
import { loadEncoder, preset, pretrain } from "${mod}";
${drawing(mod)}
const run = await pretrain({
  ...preset("smoke"),
  architecture: { ...size, predictor: { width: 8, depth: 1, heads: 2 } },
  masks: { sampler: "multiBlock", blocks: 2, targetScale: [0.25, 0.25], contextLength: 5 },
  ...{ batch: 2, epochs: 1 },
}, images, { dir: "run" });
const loaded = await loadEncoder(run.weights);
console.log(JSON.stringify({ steps: run.step, width: loaded.size.width, weights: run.weights }));
`;
const TRAIN = training(MOD);
const TRAINED = { steps: 3, width: 16, weights: "run/encoder.safetensors" };

/** Trains a step on the images beside it, as a project does that knows the kit by its name. */
const PROJECT = `
import { openImageFolder, preset, pretrain } from "@ijepa/kit";

const images = await openImageFolder("images"), config = { ...preset("smoke"), batch: 6, epochs: 1 };
const { step } = await pretrain(config, images, { dir: "run" });
console.log(step, "step,", images.length, "images");
`;

/** A folder outside of the checkout with some files and six images. */
async function withFolder(files: Record<string, unknown>, test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "elsewhere_test_" });
  try {
    for (const [name, content] of Object.entries(files)) {
      const text = typeof content === "string" ? content : JSON.stringify(content);
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    await Deno.mkdir(`${folder}/images`);
    for (let i = 0; i < 6; i++) {
      const noise = Uint8Array.from({ length: 20 * 20 * 3 }, (_, at) => (i + 1) * at * 37 % 256);
      await sharp(noise, { raw: { width: 20, height: 20, channels: 3 } }).toFile(`${folder}/images/${i}.png`);
    }
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Whether the figure is there, with its texts drawn: dark pixels above the curve. */
async function checkFigure(path: string): Promise<void> {
  const { data, info } = await sharp(path).greyscale().raw().toBuffer({ resolveWithObject: true });
  assert(data.subarray(0, 60 * info.width * info.channels).some((value) => value < 100), "the title is not drawn");
}

/** Where Deno keeps what it has fetched. */
async function denoDir(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}

/** What a script in the folder prints, the lines of JSON. */
async function runScript(folder: string, environment: Record<string, string> = {}): Promise<unknown[]> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "script.ts"],
    cwd: folder,
    env: { NO_COLOR: "1", ...environment },
  });
  const { success, stdout, stderr } = await command.output();
  assert(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
}

Deno.test("a script in an empty folder imports the kit, draws and trains", () =>
  withFolder({ "script.ts": TRAIN }, async (folder) => {
    assertEquals(await runScript(folder), [DRAWN, TRAINED]);
    await checkFigure(`${folder}/loss.png`);
  }));

Deno.test("a script imports the kit from a server, draws and trains", async () => {
  const types: Record<string, string> = { ts: "application/typescript", js: "text/javascript" };
  const missing: string[] = [];
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url), file = new URL(`..${pathname}`, import.meta.url);
    const content = await Deno.readFile(file).catch(() => undefined);
    if (!content) missing.push(pathname);
    const type = types[pathname.split(".").at(-1)!] ?? "text/plain";
    return content ? new Response(content, { headers: { "content-type": type } }) : new Response("", { status: 404 });
  });
  const at = `http://127.0.0.1:${server.addr.port}`;
  // TensorFlow's libraries, which no server of modules has, lie where they lie for this checkout.
  const environment = { TF_DIR: locateTensorFlow().dir }, cache = await denoDir();
  const lock = await Deno.readTextFile(new URL("../deno.lock", import.meta.url)); // so that no version is asked for
  const files = { "script.ts": training(`${at}/mod.ts`), "deno.json": {}, "deno.lock": lock };
  await withFolder(files, async (folder) => {
    assertEquals(await runScript(folder, environment), [DRAWN, TRAINED]);
    await checkFigure(`${folder}/loss.png`);
    await Deno.writeTextFile(
      `${folder}/script.ts`,
      `import { tf } from "${at}/mod.ts";
      try { await tf.add(1, 2).data(); } catch (error) { console.log(JSON.stringify(error.message.split("Missing")[0])); }`,
    );
    assertEquals(await runScript(folder, { XDG_CACHE_HOME: folder, DENO_DIR: cache, TF_DIR: "" }), [
      "TensorFlow's libraries were not found. To download them, run " +
      `\`deno run -A ${at}/lib/commands/setup.ts\`. `,
    ]);
    const setUp = new Deno.Command(Deno.execPath(), { args: ["run", "-A", `${at}/lib/commands/setup.ts`, "--help"] });
    assertMatch(new TextDecoder().decode((await setUp.output()).stdout), /^deno task setup\n/);
  });
  assertEquals(missing, []);
  await Deno.remove(`${cache}/remote/http/127.0.0.1_PORT${server.addr.port}`, { recursive: true });
});

Deno.test("deno link makes the kit a package of an empty project, without a registry, and its set-up a program", () =>
  withFolder({ "script.ts": PROJECT }, async (folder) => {
    const run = async (...args: string[]) => {
      const env = { HOME: `${folder}/home`, DENO_DIR: await denoDir(), TF_DIR: locateTensorFlow().dir, NO_COLOR: "1" };
      const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: folder, env }).output();
      assert(success, new TextDecoder().decode(stderr));
      return new TextDecoder().decode(stdout);
    };
    await run("link", fileURLToPath(new URL("..", import.meta.url)));
    assertEquals(await run("run", "-A", "--cached-only", "script.ts"), "1 step, 6 images\n");
    assertMatch(await run("run", "-A", "--cached-only", "@ijepa/kit/setup", "--help"), /^deno task setup\n/);
  }));

Deno.test("a script imports the kit where an import map knows its packages by other names", () =>
  withFolder({
    "script.ts": DRAW,
    "deno.json": { imports: { "sharp": "./none.ts", "@tensorflow/tfjs-core": "./none.ts" } },
  }, async (folder) => {
    assertEquals(await runScript(folder), [DRAWN]);
    await checkFigure(`${folder}/loss.png`);
  }));

Deno.test("a script imports the kit where packages are kept in a node_modules of its own", () =>
  withFolder({
    "script.ts": DRAW,
    "deno.json": { nodeModulesDir: "auto" },
    "package.json": { name: "study", version: "1.0.0", type: "module" },
  }, async (folder) => {
    assertEquals(await runScript(folder), [DRAWN]);
    await checkFigure(`${folder}/loss.png`);
  }));

Deno.test("a notebook in an empty folder imports the kit, computes and shows a figure", () =>
  withFolder({}, async (folder) => {
    await setUpJupyter("deno task test");
    const cells = [DRAW, "await show(curve);"].map((source, index) => ({
      ...{ cell_type: "code", id: `cell-${index}`, source, metadata: {}, outputs: [], execution_count: null },
    }));
    const kernelspec = { name: "deno", display_name: "Deno", language: "typescript" };
    const path = `${folder}/study.ipynb`;
    await Deno.writeTextFile(
      path,
      JSON.stringify({ cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 }),
    );
    // Holds, too, that the figure is an output with its PNG.
    const ran: Notebook = JSON.parse(await runNotebook(path, { quick: false, cellSeconds: 120 }));
    const [{ outputs }] = codeCells(ran);
    assertEquals(JSON.parse([outputs![0].text!].flat().join("")), DRAWN);
    await checkFigure(`${folder}/loss.png`);
  }));
