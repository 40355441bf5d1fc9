import "../../tensorflow/loaded.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { tf } from "../../../lib/tensorflow/backend.ts";
import { compileUpdate } from "../../../lib/tensorflow/compile.ts";
import { Variables } from "../../../lib/tensorflow/variables.ts";
import { readCheckpoint, writeCheckpoint } from "../../../lib/training/runs/checkpoint.ts";
import type { FileProgress } from "../../../lib/training/runs/run_checkpoints.ts";
import { initialState, type TrainingState } from "../../../lib/training/step.ts";
import { checkpointsIn } from "../../../lib/weights/checkpoint_names.ts";
import { readSafetensors, writeSafetensors } from "../../../lib/weights/formats/safetensors.ts";
import { lent } from "../../../lib/weights/formats/streamed.ts";
import { execute } from "../../tensorflow/program.ts";
import { STEPS, stopAt, toyObjective, toyRun } from "../toy_run.ts";

const root = await Deno.makeTempDir({ prefix: "run_checkpoints_test_" });
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));

const [FOURTH, EIGHTH, LAST] = [4, 8, STEPS].map((step) => `checkpoint-${`${step}`.padStart(8, "0")}.safetensors`);
const files = async (dir: string) => (await Array.fromAsync(Deno.readDir(dir), ({ name }) => name)).sort();
const dispose = (tensors: unknown) => tf.dispose(tensors as Parameters<typeof tf.dispose>[0]);

/** A copy of a run that was killed after step 9, with the checkpoints of 4 and 8. */
async function killedRun(name: string): Promise<string> {
  const killed = `${root}/killed`, dir = `${root}/${name}`;
  if (!await Deno.stat(killed).catch(() => undefined)) {
    await toyRun({ dir: killed, keep: 3, ...stopAt(9) });
    await Deno.remove(`${killed}/checkpoint-00000009.safetensors`);
  }
  await Deno.mkdir(dir);
  for (const file of await files(killed)) await Deno.copyFile(`${killed}/${file}`, `${dir}/${file}`);
  return dir;
}

/** The last checkpoint of a run that nothing happened to. */
const wholeRun = async () => {
  await toyRun({ dir: `${root}/whole`, keep: 9 });
  return await Deno.readFile(`${root}/whole/${LAST}`);
};
let whole: Promise<Uint8Array> | undefined;

async function assertEndsAlike(dir: string): Promise<void> {
  assertEquals(await Deno.readFile(`${dir}/${LAST}`), await (whole ??= wholeRun()));
  const steps = (await Deno.readTextFile(`${dir}/log.jsonl`)).trimEnd().split("\n").map((line) =>
    JSON.parse(line).step
  );
  assertEquals(steps, Array.from({ length: STEPS }, (_, i) => i + 1));
}

Deno.test("a checkpoint that is written beside the next steps holds its own step's state", async () => {
  await (whole ??= wholeRun());
  for (const step of [4, 8]) {
    const dir = `${root}/stopped-at-${step}`;
    await toyRun({ dir, ...stopAt(step) });
    const [name] = await checkpointsIn(dir);
    assertEquals(await Deno.readFile(`${root}/whole/${name}`), await Deno.readFile(`${dir}/${name}`), name);
  }
});

for (const jit of ["graph", "xla"] as const) {
  Deno.test(`what a slow writer is lent stays as it was, whatever steps are done meanwhile (${jit})`, async () => {
    const initial = Array.from({ length: 4 }, (_, i) => tf.fill([1000], i));
    const variables = new Variables<tf.Tensor[]>(initial), path = `${root}/slow-${jit}.safetensors`;
    const step = compileUpdate(
      (state: tf.Tensor[]) => ({ state: state.map((x) => tf.add(tf.mul(x, 2), 1)), result: null }),
      variables,
      { jit },
    );
    await step();
    const held = variables.read();
    const slow = held.map((tensor, i) => [`${i}`, {
      ...lent(tensor),
      lend: (use: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>) =>
        lent(tensor).lend(async (bytes) => {
          await step();
          await step();
          await use(bytes);
        }),
    }]);
    await writeSafetensors(path, Object.fromEntries(slow));
    const { tensors } = await readSafetensors(path);
    for (let i = 0; i < 4; i++) assertEquals(tensors[i].data, new Float32Array(1000).fill(2 * i + 1));
    const now = variables.read();
    assertEquals(now[0].dataSync()[0], 2 ** 9 - 1); // nine steps were done
    dispose([initial, held, now]);
    variables.dispose();
    step.dispose();
  });
}

const damages: Record<string, (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>> = {
  "cut short": (bytes) => bytes.subarray(0, bytes.length - 5000),
  "empty": () => new Uint8Array(),
  "with a bit flipped": (bytes) => {
    bytes[bytes.length - 3001] ^= 4;
    return bytes;
  },
  "with a page of zeros": (bytes) => bytes.fill(0, bytes.length - 9000, bytes.length - 9000 + 4096),
  "with another step in its header": (bytes) => {
    const text = new TextDecoder("latin1").decode(bytes), at = text.indexOf('"step":"8"');
    bytes[at + 8] = "9".charCodeAt(0);
    return bytes;
  },
};

for (const [kind, damage] of Object.entries(damages)) {
  Deno.test(`a newest checkpoint ${kind} is named, and the run goes on from the one before`, async () => {
    const dir = await killedRun(kind), notes: string[] = [];
    await Deno.writeFile(`${dir}/${EIGHTH}`, damage(await Deno.readFile(`${dir}/${EIGHTH}`)));
    const steps: number[] = [];
    await toyRun({ dir, resume: true, onNote: (note) => notes.push(note), onStep: ({ step }) => steps.push(step) });
    assertEquals(notes.length, 1);
    assertStringIncludes(notes[0], `${dir}/${EIGHTH} is `);
    assertStringIncludes(notes[0], "goes on from the one before, of step 4.");
    assertEquals(steps[0], 5);
    await assertEndsAlike(dir);
    assert((await files(dir)).includes(`${EIGHTH}.damaged`));
    assertEquals(await checkpointsIn(dir), [LAST, EIGHTH]); // step 8 again, whole
  });
}

Deno.test("a newest checkpoint that the disk does not give back is named, and the run goes on from the one before", async () => {
  const dir = await killedRun("unreadable"), notes: string[] = [], { open } = Deno;
  const failing = () => Promise.reject(Object.assign(new Error("Input/output error (os error 5)"), { code: "EIO" }));
  Deno.open = async (path, options) => {
    const file = await open(path, options);
    if (`${path}` === `${dir}/${EIGHTH}` && !options?.write) file.read = failing;
    return file;
  };
  try {
    await toyRun({ dir, resume: true, onNote: (note) => notes.push(note) });
  } finally {
    Deno.open = open;
  }
  const why = `${dir}/${EIGHTH} cannot be read (Input/output error (os error 5)): is its disk all right?`;
  assertEquals(notes, [
    `${why} It is kept as ${dir}/${EIGHTH}.damaged, and the run goes on from the one before, of step 4.`,
  ]);
  await assertEndsAlike(dir);
});

Deno.test("a run whose checkpoints are all damaged says so, and leaves them", async () => {
  const dir = await killedRun("all damaged"), before = await files(dir);
  for (const name of [FOURTH, EIGHTH]) await Deno.truncate(`${dir}/${name}`, 100);
  const { message } = await assertRejects(
    () => toyRun({ dir, resume: true }),
    Error,
    "has no checkpoint that is whole",
  );
  for (const name of [FOURTH, EIGHTH]) {
    assertStringIncludes(message, `${dir}/${name} is not a safetensors file that can be read`);
  }
  assertEquals(await files(dir), before);
});

Deno.test("a checkpoint of another network is no damage: it stays, and the error names the tensor", async () => {
  const dir = await killedRun("other network");
  const resuming = () => toyRun({ dir, resume: true }, toyObjective(17));
  await assertRejects(resuming, Error, `${EIGHTH}: net.weight has shape [16,256], but the run needs [17,256]`);
  assertEquals(await checkpointsIn(dir), [EIGHTH, FOURTH]);
});

Deno.test("a run keeps as many checkpoints as it is told, the newest", async () => {
  for (const [keep, kept] of [[1, [LAST]], [2, [LAST, EIGHTH]], [9, [LAST, EIGHTH, FOURTH]]] as [number, string[]][]) {
    await toyRun({ dir: `${root}/keep-${keep}`, keep });
    assertEquals(await checkpointsIn(`${root}/keep-${keep}`), kept);
  }
  for (const keep of [0, 1.5]) {
    await assertRejects(() => toyRun({ dir: `${root}/never`, keep }), RangeError, `checkpoints; got ${keep}`);
  }
});

Deno.test("a run of an earlier version, with one checkpoint.safetensors, goes on, and that goes when newer ones are there", async () => {
  const dir = await killedRun("earlier"), old = `${dir}/checkpoint.safetensors`;
  const { tensors, metadata } = await readSafetensors(`${dir}/${EIGHTH}`);
  assertEquals(metadata, { step: "8" });
  await writeSafetensors(old, tensors, metadata);
  for (const name of [FOURTH, EIGHTH]) await Deno.remove(`${dir}/${name}`);
  const steps: number[] = [];
  await toyRun({ dir, resume: true, checkpointEvery: 2, onStep: ({ step }) => steps.push(step) });
  assertEquals(steps, [9, 10, 11, 12]);
  await assertEndsAlike(dir);
  assertEquals(await checkpointsIn(dir), [LAST, "checkpoint-00000010.safetensors"]);
});

Deno.test("what a killed run left half-written is removed when it is resumed", async () => {
  const dir = await killedRun("half");
  await Deno.writeTextFile(`${dir}/checkpoint-00000009.safetensors.part`, "half a file");
  await toyRun({ dir, resume: true });
  await assertEndsAlike(dir);
  assertEquals((await files(dir)).filter((name) => name.endsWith(".part")), []);
});

Deno.test("a checkpoint that cannot be written ends the run in a sentence, with the one before whole", async () => {
  const dir = `${root}/blocked`, blocking = `${dir}/${EIGHTH}.part`;
  await Deno.mkdir(`${blocking}/full`, { recursive: true });
  const { message } = await assertRejects(() => toyRun({ dir }), Error);
  assertMatch(message, /^The run stopped at step (9|1\d): /); // as soon as it is known
  assertStringIncludes(
    message,
    `${dir}/${EIGHTH} (after 0 of 71 kB) cannot be written (Is a directory (os error 21)): a folder has its name`,
  );
  assertStringIncludes(message, `The checkpoint of step 4 in ${dir} is kept: go on with --resume`);
  await Deno.remove(blocking, { recursive: true });
  await toyRun({ dir, resume: true });
  await assertEndsAlike(dir);
});

Deno.test("a run whose last checkpoint cannot be written has not ended well", async () => {
  const dir = `${root}/lost`;
  const onStep = ({ step }: { step: number }) => step === STEPS && Deno.removeSync(dir, { recursive: true });
  const { message } = await assertRejects(() => toyRun({ dir, onStep }), Error, "cannot be written");
  assertStringIncludes(message, "make its folder, or name another place");
});

Deno.test("a checkpoint costs one more state in memory, reading it none, and steps go on; a full disk leaves no half", async () => {
  const { code, stdout, stderr } = await execute("../../training/programs/large_checkpoint.ts");
  assertEquals(code, 0, stderr);
  const { megabytes, stepsWhileWriting, longestWait, full } = JSON.parse(stdout);
  const { state, before, training, writing, reading } = megabytes;
  const figures = stdout.trim();
  assertLess(training - before, 1.5 * state, figures);
  assertLess(writing - before, 2 * state + 160, figures);
  assertLess(reading - before, 2 * state + 160, figures);
  assertGreater(stepsWhileWriting, 1, figures);
  assertLess(longestWait, 0.5, figures); // seconds for which the event loop stood still
  assertStringIncludes(full.message, "make room on its disk, or name a place on another one. The checkpoint of step 4");
  assertEquals(full.files, [FOURTH, "config.json", "data.json", "log.jsonl", "run.lock"]);
});

Deno.test("log and progress say how large checkpoints are, and how long they took", async () => {
  const dir = `${root}/told`, told: FileProgress[] = [];
  const { log } = await toyRun({ dir, keep: 9, onFile: (progress) => told.push(progress) });
  const { size } = await Deno.stat(`${dir}/${LAST}`);
  const saved = log.flatMap(({ checkpoints = [] }) => checkpoints);
  assertEquals(saved.map(({ step, bytes }) => [step, bytes]), [[4, size], [8, size], [12, size]]);
  assert(saved.every(({ seconds }) => seconds > 0));
  assertEquals(log[STEPS - 1].checkpoints!.at(-1), saved[2]);
  const lines = (await Deno.readTextFile(`${dir}/log.jsonl`)).trimEnd().split("\n");
  assertEquals(lines.map((line) => JSON.parse(line)), log);
  for (const name of [FOURTH, EIGHTH, LAST]) {
    const own = told.filter(({ path }) => path === `${dir}/${name}`);
    assert(own.length > 2 && own.every(({ action, total }) => action === "writing" && total === size));
    assertEquals(own.filter(({ done }) => done === size).length, 1);
    assertEquals(own.at(-1)!.done, size);
  }
  told.length = 0;
  await toyRun({ dir, resume: true, onFile: (progress) => told.push(progress) });
  assertEquals(told.at(-1), {
    action: "reading",
    path: `${dir}/${LAST}`,
    done: 4 * 17 * 256 * 4,
    total: 4 * 17 * 256 * 4,
  });
});

Deno.test("readCheckpoint() gives writeCheckpoint()'s bits back and leaves no tensors where it fails", async () => {
  const path = `${root}/bits.safetensors`, state = initialState(toyObjective());
  dispose(state.first.net.bias);
  state.first.net.bias = tf.tensor1d(Float32Array.from({ length: 256 }, (_, i) => (i - 128) * 1e-42));
  await writeCheckpoint(path, state, 7);
  const before = tf.memory().numTensors, read = await readCheckpoint(path, state);
  assertEquals(read.step, 7);
  const values = (state: TrainingState) =>
    Object.values(state).map((part) =>
      Object.values(part as TrainingState["trained"]).map((p) => Object.values(p).map((tensor) => tensor.dataSync()))
    );
  assertEquals(values(read.state), values(state));
  dispose(read.state);
  const bytes = await Deno.readFile(path);
  bytes[bytes.length - 1] ^= 1;
  await Deno.writeFile(path, bytes);
  await assertRejects(() => readCheckpoint(path, state), Error, 'is damaged: tensor "second_moment.net.weight"');
  assertEquals(tf.memory().numTensors, before);
  dispose(state);
});
