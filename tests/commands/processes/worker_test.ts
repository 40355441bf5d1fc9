import { assertEquals } from "@std/assert";
import { fromAll, fromFirst } from "../../../lib/commands/processes/worker.ts";
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
