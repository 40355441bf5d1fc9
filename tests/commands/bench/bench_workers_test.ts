import { assert, assertAlmostEquals, assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import process from "node:process";
import { startProcess } from "../../../lib/commands/bench/bench_process.ts";
import { compareSteps, compareSums, startGroup, workersOf } from "../../../lib/commands/bench/bench_workers.ts";

/** A shell script in the place of a worker; $$ is its process, and an answer that is JSON. */
const script = (who: string, text: string) => () => startProcess(who, "sh", ["-c", text]);

/** Answers every line. */
const answering = (ms: string) => `echo $$; while read line; do echo '{"ms": [${ms}]}'; done`;

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

Deno.test("a group's time is the slowest process's, and its processes end with it", async () => {
  let pids: number[];
  {
    await using group = await startGroup([script("A", answering("1, 5")), script("B", answering("3, 2"))]);
    pids = group.ready as number[];
    assertEquals(pids.map(lives), [true, true]);
    assertEquals(await group.ask("step float32 2"), [3, 5]);
    assertEquals(await group.ask("step float32 2"), [3, 5]);
  }
  assertEquals(pids.map(lives), [false, false]);
});

Deno.test("where one of a group stops, its reason is the error, and those who wait for it are ended", async () => {
  const start = performance.now();
  let pids: number[] = [];
  const broken = async () => {
    await using group = await startGroup([
      script("A", "echo $$; exec sleep 60"), // heeds no input
      script("B", "echo $$; read line; echo 'Traceback:\nit broke.' >&2; exit 3"),
    ]);
    pids = group.ready as number[];
    await group.ask("sum float32 25 1");
  };
  await assertRejects(broken, Error, "B stopped: it broke.");
  assertEquals([pids.length, ...pids.map(lives)], [2, false, false]);
  assertLess(performance.now() - start, 8000);
});

Deno.test("a group of which one never gets ready is ended too", async () => {
  const dir = await Deno.makeTempDir(), file = `${dir}/pid`;
  const starting = startGroup([
    script("A", `echo $$ > ${file}; echo $$; exec sleep 60`),
    script("B", `until test -s ${file}; do sleep 0.02; done; kill -9 $$`),
  ]);
  await assertRejects(() => starting, Error, "B stopped: it was ended by SIGKILL.");
  const pid = Number(await Deno.readTextFile(file));
  assert(pid > 0 && !lives(pid));
  await Deno.remove(dir, { recursive: true });
});

Deno.test("workers are compared round by round: above 1 is to their credit, and to ours against gloo", () => {
  const steps = compareSteps(100, [[90, 100, 110], [400], [100]], [[50], [500], [50, 70, 50]]);
  assertEquals([steps.one_img_s, steps.workers_img_s, steps.steps], [1000, 2000, 5]);
  assertEquals([steps.ratio, steps.spread], [2, [0.8, 2]]);
  const sums = compareSums(25, [[50], [25]], [[100], [20]]);
  assertAlmostEquals(sums.gloo_gb_s, 0.025 / 0.0375, 1e-12);
  assertAlmostEquals(sums.ours_gb_s, 0.025 / 0.06, 1e-12);
  assertEquals([sums.ratio, sums.spread, sums.sums], [0.875, [0.5, 1.25], 2]);
});

Deno.test("--workers is a number that cores and batch allow", () => {
  assertEquals(workersOf(undefined, { batch: 128 }, 1), undefined);
  assertEquals(workersOf("4", { batch: 128 }, 4), 4);
  assertThrows(
    () => workersOf("4", { batch: 128 }, 2),
    Error,
    "--workers 4 cannot be compared with one worker, as this",
  );
  assertThrows(() => workersOf("3", { batch: 128 }, 4), Error, "as they cannot share 128 images evenly");
  assertThrows(() => workersOf("1", { batch: 128 }, 4), Error, "--workers takes a whole number from 2 on");
});
