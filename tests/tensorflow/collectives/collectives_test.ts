import { assert, assertEquals, assertGreater, assertLess, assertMatch, assertRejects, assertThrows } from "@std/assert";
import type { World } from "../../../lib/tensorflow/collectives/channel.ts";
import { visibleGpu } from "../../../lib/tensorflow/collectives/cluster.ts";
import { joinWorld } from "../../../lib/tensorflow/collectives/collectives.ts";
import { tf } from "../../../lib/tensorflow/backend.ts";
import { spawn } from "../program.ts";
import "../loaded.ts";

/** What a worker whose neighbour was taken away says. */
interface Ending {
  reason: string;
  /** Seconds since the signal. */
  seconds: number;
  code: number;
}

function worlds(size: number): World[] {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const leader = { hostname: "127.0.0.1", port: listener.addr.port };
  return Array.from({ length: size }, (_, rank) => ({ rank, size, localRank: rank, localSize: size, leader }));
}

/** Runs three workers until all are adding up, takes one away, and returns what was added up and how the others ended. */
async function lose(rank: number, signal: Deno.Signal): Promise<{ bits: string[]; endings: Ending[] }> {
  // A proxy for the web, which gRPC would take too.
  const env = { http_proxy: "http://127.0.0.1:9" };
  const workers = worlds(3).map((world) => spawn("worker.ts", [JSON.stringify(world), "3"], env));
  // What waits for ever shall fail, with what the workers complain of.
  const limit = setTimeout(() => workers.forEach(({ end }) => end()), 90_000);
  try {
    const bits = await Promise.all(workers.map(async ({ nextLine }) => JSON.parse(await nextLine()).bits));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const start = performance.now();
    workers[rank].process.kill(signal);
    const others = workers.filter((_, other) => other !== rank);
    const endings = await Promise.all(others.map(async ({ nextLine, process }) => {
      const { reason } = JSON.parse(await nextLine());
      const { code } = await process.status;
      return { reason, code, seconds: (performance.now() - start) / 1000 };
    }));
    return { bits, endings };
  } finally {
    clearTimeout(limit);
    await Promise.all(workers.map(({ end }) => end()));
  }
}

Deno.test("three processes add up to the same bits, every time; when one is killed or stopped, the others end and name it", async () => {
  const killed = await lose(1, "SIGKILL");
  const host = Deno.hostname();
  for (const { reason, seconds, code } of killed.endings) {
    assertEquals(
      reason,
      `Worker 1 (${host}) is lost: its connection ended, so it was killed, has crashed or is out of reach.`,
    );
    assertEquals(code, 0);
    assertLess(seconds, 5);
  }
  const stopped = await lose(0, "SIGSTOP");
  for (const { reason, seconds, code } of stopped.endings) {
    assertEquals(reason, `Worker 0 (${host}) hangs: it said nothing for 3 s, so it is stopped, stuck or out of reach.`);
    assertEquals(code, 0);
    assertGreater(seconds, 2);
    assertLess(seconds, 10);
  }
  assertEquals([...killed.bits, ...stopped.bits], Array(6).fill(killed.bits[0]));
  assertMatch(killed.bits[0], /^[0-9a-f]{64},/);
});

Deno.test("a world of one joins nothing: its sums are what it was given", async () => {
  const [world] = worlds(1);
  const workers = await joinWorld(world);
  const x = tf.tensor1d([1, 2.1]);
  const { y, list } = await workers.allReduce({ y: x, list: [x] }, { bfloat16: true });
  x.dispose();
  assertEquals([...y.dataSync(), ...list[0].dataSync()], [1, Math.fround(2.1), 1, Math.fround(2.1)]);
  const copy = await workers.broadcast(y);
  assertEquals(copy.dataSync(), y.dataSync());
  assertEquals(await workers.gather("x", "1"), ["1"]);
  await workers.agree("x", 1);
  await workers.close();
  tf.dispose([y, list, copy]);
  assert(!workers.lost.aborted);
});

Deno.test("workers are joined before the first tensor", async () => {
  await assertRejects(() => joinWorld(worlds(2)[0]), Error, "Join the other workers before the first tensor is made");
});

Deno.test("each worker of a machine sees a GPU of its own", () => {
  const [, second] = worlds(2);
  assertEquals(visibleGpu(second, undefined), "1");
  assertEquals(visibleGpu(second, "5, 7,9"), "7");
  assertEquals(visibleGpu(second, "4"), "4"); // The launcher's choice.
  assertEquals(visibleGpu(second, ""), "");
  const { message } = assertThrows(() => visibleGpu(worlds(3)[0], "0,1"));
  assertEquals(
    message,
    "CUDA_VISIBLE_DEVICES names 2 GPUs (0,1) for 3 workers on this machine: start one worker a GPU.",
  );
});
