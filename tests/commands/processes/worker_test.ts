import { assertEquals } from "@std/assert";
import { fromAll, fromFirst, takeMemoryWhole } from "../../../lib/commands/processes/worker.ts";
import type { Communicator } from "../../../lib/tensorflow/collectives/collectives.ts";

/** Two workers, of which each has to make as many calls as the other. */
function twoWorkers(): Communicator[] {
  const texts: string[][] = [[], []];
  const gather = (rank: number) => async (_what: string, value: string) => {
    const round = texts[rank].push(value) - 1;
    while (texts.some((own) => own.length <= round)) await new Promise((resolve) => setTimeout(resolve, 0));
    return texts.map((own) => own[round]);
  };
  return [0, 1].map((rank) => ({ rank, size: 2, gather: gather(rank) }) as unknown as Communicator);
}

Deno.test("what worker 0 finds every worker has, infinity too, and nobody else looks for it", async () => {
  const config = { clip: Infinity, learningRate: { peak: 1e-3 } }, asked: number[] = [];
  const found = await Promise.all(
    twoWorkers().map((workers) =>
      fromFirst(workers, "the configuration", () => {
        asked.push(workers.rank);
        return Promise.resolve(config);
      })
    ),
  );
  assertEquals(found, [config, config]);
  assertEquals(asked, [0]);
});

Deno.test("what each worker says all have, by rank", async () => {
  const said = await Promise.all(twoWorkers().map((workers) => fromAll(workers, "x", [`${workers.rank}.png`])));
  assertEquals(said, [[["0.png"], ["1.png"]], [["0.png"], ["1.png"]]]);
});

Deno.test("a training takes a GPU's memory whole, unless the user has decided", () => {
  const names = ["TF_FORCE_GPU_ALLOW_GROWTH", "TF_GPU_ALLOCATOR"], before = names.map((name) => Deno.env.get(name));
  const after = (env: Record<string, string>) => {
    for (const name of names) Deno.env.delete(name);
    for (const [name, value] of Object.entries(env)) Deno.env.set(name, value);
    takeMemoryWhole();
    return Deno.env.get(names[0]);
  };
  try {
    assertEquals(after({}), "false");
    assertEquals(after({ TF_FORCE_GPU_ALLOW_GROWTH: "true" }), "true");
    assertEquals(after({ TF_GPU_ALLOCATOR: "cuda_malloc_async" }), undefined);
  } finally {
    names.forEach((name, i) => before[i] === undefined ? Deno.env.delete(name) : Deno.env.set(name, before[i]));
  }
});
