/**
 * A command as one of several workers: who it is, who speaks, and how all end.
 *
 * @module
 */
import process from "node:process";
import { fromJson, toJson } from "../../json.ts";
import { type Communicator, joinWorld } from "../../tensorflow/collectives/collectives.ts";
import type { World } from "../../tensorflow/collectives/channel.ts";
import { worldOf } from "../../training/world.ts";

/** Seconds without a word after which a worker counts as hung: tracing a large step holds the event loop up for some of them. */
const SILENCE = 45;

/** Seconds that a worker has to end by itself when another one is lost; a step may be long. */
const GRACE = 5;

/**
 * Has TensorFlow take a GPU's memory whole when it starts, unless the user's TF_FORCE_GPU_ALLOW_GROWTH or TF_GPU_ALLOCATOR
 * decides: a training step wants one block of most of it (17 GiB of ViT-H/14 with 64 images), which memory that has grown
 * piece by piece does not have. All other commands leave room for their neighbours.
 */
export function takeMemoryWhole(): void {
  const isDecided = ["TF_FORCE_GPU_ALLOW_GROWTH", "TF_GPU_ALLOCATOR"].some((name) => Deno.env.get(name));
  if (!isDecided) Deno.env.set("TF_FORCE_GPU_ALLOW_GROWTH", "false");
}

/** Runs the part of a command that all workers share, as the one that this process is; alone, where nobody said otherwise. */
export async function asWorker(main: (workers: Communicator, world: World) => Promise<void>): Promise<void> {
  takeMemoryWhole();
  const world = worldOf(Deno.env.toObject()), workers = await joinWorld(world, { silence: SILENCE });
  if (workers.rank > 0) sayNothing();
  workers.lost.addEventListener("abort", () => {
    const end = () => {
      console.error((workers.lost.reason as Error).message);
      Deno.exit(1);
    };
    Deno.unrefTimer(setTimeout(end, 1000 * GRACE));
  });
  try {
    await main(workers, world);
    await workers.close();
  } catch (error) {
    await workers.close(error);
    throw workers.lost.aborted ? workers.lost.reason : error;
  }
}

/** What all workers would say, the first one says. */
function sayNothing(): void {
  console.log = console.warn = () => {};
  process.stderr.write = () => true; // progress bars
}

/** What worker 0 finds, at every worker: the run's folder may be its machine's alone. */
export async function fromFirst<T>(workers: Communicator, what: string, find: () => Promise<T>): Promise<T> {
  const found = workers.rank === 0 ? toJson(await find()) : "";
  return fromJson((await workers.gather(what, found))[0]);
}

/** What each worker says, by rank, at every one. */
export async function fromAll<T>(workers: Communicator, what: string, value: T): Promise<T[]> {
  return (await workers.gather(what, JSON.stringify(value))).map((text) => JSON.parse(text));
}

/** Does on each machine at one worker first what the others then find done, such as a download. */
export async function inTurn<T>(
  workers: Communicator,
  { localRank }: World,
  what: string,
  act: () => Promise<T>,
): Promise<T> {
  const early = localRank === 0 ? await act() : undefined;
  await workers.gather(what, "");
  return localRank === 0 ? early! : await act();
}
