/**
 * What the workers of a run do together: sums and copies of tensors, agreement on small values, and one end for all.
 *
 * @module
 */
import { disposeAll, idsOf, tensorOf, tf } from "../backend.ts";
import { eagerValue, register } from "../binding.ts";
import { agree, workerName, type World } from "./channel.ts";
import { abortCollectives, joinCluster, prepare, reservePort } from "./cluster.ts";
import { type Collective, collectiveFunction } from "./collective_function.ts";
import { describe, DType } from "../ops/dtypes.ts";
import { executeFunction, hasGpu, tensorflowVersion } from "../ops/eager.ts";
import { meet, type Patience } from "./meeting.ts";
import { flatten } from "../structure.ts";

/**
 * The other workers, from one worker's side. All workers make the same calls in the same order; none of them blocks the
 * event loop. In a world of one every call is the identity.
 */
export interface Communicator {
  /** This worker's number, from 0 on. */
  rank: number;
  /** Workers in all. */
  size: number;
  /**
   * Aborts when another worker is lost (killed, hung, out of reach) or has failed. Its reason is an Error of one sentence
   * that names the worker and its machine; calls that wait, and all later ones, throw it. Listen where you wait for
   * something else.
   */
  lost: AbortSignal;
  /**
   * Adds all workers' tensors up. The same number of workers gives the same bits every time, and every worker gets the same.
   *
   * Call it once a step, with all that is to be added up (gradients, metrics, whether this worker was asked to stop): few
   * large reductions are made of it.
   *
   * @param tensors float32, in nested records and arrays as for compile(); the same structure and shapes everywhere. They
   *   stay the caller's, and may be disposed of at once.
   * @param options.bfloat16 sends them as bfloat16, at half the traffic: addends and sums are rounded to 8 bits. Scalars
   *   are always sent in float32. Default false.
   * @returns the sums in the same structure, the caller's
   * @throws Error, `lost`'s reason; TypeError where a tensor is not float32
   */
  allReduce<T>(tensors: T, options?: { bfloat16?: boolean }): Promise<T>;
  /**
   * Gives every worker worker 0's tensors, bit for bit.
   *
   * @param tensors as for allReduce(); of the others' only the structure and shapes count
   * @returns worker 0's in the same structure, the caller's
   */
  broadcast<T>(tensors: T): Promise<T>;
  /**
   * Gives every worker everybody's value, by rank; a barrier, for it waits for all.
   *
   * @param what names the values, for errors; the same everywhere
   * @param value text, small: it goes through worker 0
   */
  gather(what: string, value: string): Promise<string[]>;
  /**
   * Checks that every worker has the same value.
   *
   * @param what what the value is, e.g. "the configuration"
   * @param value anything that JSON can hold
   * @throws Error, the same everywhere, that names the entry that differs, and which worker has what
   */
  agree(what: string, value: unknown): Promise<void>;
  /**
   * Parts from the others, in a finally at the latest: the process does not end before. At a run's good end without an
   * error: it waits for all. Else with the error, which the others then throw as well ("Worker 1 (host) stopped: ...").
   *
   * @throws Error, `lost`'s reason, where there is no error and a worker is lost while it waits
   */
  close(error?: unknown): Promise<void>;
}

/** Seconds for the channel to say who is lost, after TensorFlow has noticed that something is. */
const VERDICT = 15;

/** Seconds for the first exchange of tensors, in which TensorFlow, and NCCL, connect. */
const FIRST = 120;

/** Resolves to nothing; does not keep the program alive. */
function after(seconds: number): Promise<undefined> {
  return new Promise((resolve) => Deno.unrefTimer(setTimeout(() => resolve(undefined), 1000 * seconds)));
}

function whenLost(lost: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (lost.aborted) resolve();
    else lost.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** A world of one joins nothing. */
function alone(): Communicator {
  const copy = <T>(tensors: T) => {
    const flat = flatten(tensors, "tensors");
    return Promise.resolve(flat.rebuild(flat.tensors.map((tensor) => tf.clone(tensor))) as T);
  };
  return {
    rank: 0,
    size: 1,
    lost: new AbortController().signal,
    allReduce: copy,
    broadcast: copy,
    gather: (_what, value) => Promise.resolve([value]),
    agree: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

/**
 * Joins the other workers of a world. To be called before the first tensor is made, for it starts TensorFlow: with one GPU
 * (the one of this worker's number on its machine, see visibleGpu()) where there are any. Tensors travel by NCCL between
 * GPUs, else in TensorFlow's own ring.
 *
 * A worker that is killed is noticed at once, one that hangs or is out of reach after `patience.silence` seconds.
 *
 * @example
 * ```ts
 * const workers = await joinWorld(worldOf(Deno.env.toObject()));
 * try {
 *   await workers.agree("the configuration", config);
 *   for (let stop = false; !stop;) {
 *     const sums = await workers.allReduce({ gradients, stop: tf.scalar(asked ? 1 : 0) });
 *     stop = (await sums.stop.data())[0] > 0; // At the same step everywhere.
 *   }
 *   await workers.close();
 * } catch (error) {
 *   await workers.close(error);
 *   throw workers.lost.aborted ? workers.lost.reason : error;
 * }
 * ```
 *
 * @param world see worldOf() of lib/training/world.ts
 * @throws Error, one sentence and the same at every worker, where not all come, a rank is there twice, they disagree on
 *   their number, on TensorFlow's version, or on whether they have a GPU; and where worker 0's port is in use
 */
export async function joinWorld(world: World, patience: Patience = {}): Promise<Communicator> {
  const { rank, size } = world;
  if (size === 1) return alone();
  prepare(world);
  const reserved = reservePort();
  let release = () => {
    release = () => {};
    reserved.release();
  };
  const channel = await meet(world, reserved.port, patience).catch((error) => {
    release();
    throw error;
  });
  const { lost, members, gather } = channel;
  const me = workerName(rank, members[rank].host);
  const close = async (error?: unknown) => {
    release();
    await channel.close(error);
  };

  const functions = new Map<string, { name: string; agreed: Promise<void> }>();
  let turn: Promise<unknown> = Promise.resolve();

  const carry = async <T>(collective: Collective, tensors: T): Promise<T> => {
    lost.throwIfAborted();
    const flat = flatten(tensors, "tensors");
    const values = idsOf(flat.tensors).map(eagerValue), shapes = values.map(({ shape }) => shape);
    const wrong = values.findIndex(({ dtype }) => dtype !== DType.FLOAT);
    if (wrong >= 0) {
      const { dtype, shape } = values[wrong];
      throw new TypeError(`${flat.paths[wrong]} is ${describe(dtype, shape)}; workers exchange float32.`);
    }
    const key = `${collective} ${JSON.stringify(shapes)}`;
    if (!functions.has(key)) {
      const name = collectiveFunction(collective, shapes, world);
      const shapesByPath = Object.fromEntries(flat.paths.map((path, i) => [path, shapes[i]]));
      functions.set(key, { name, agreed: agree(channel, "an exchange of tensors", { collective, ...shapesByPath }) });
    }
    const { name, agreed } = functions.get(key)!;
    // One after another, for the same numbers stand for the next call's tensors.
    const execution = executeFunction(name, [], values, values.length, Promise.all([turn, agreed]));
    turn = execution.catch(() => {});
    await agreed;
    try {
      return flat.rebuild((await execution).map((value) => tensorOf(register(value)))) as T;
    } catch (error) {
      // TensorFlow may notice first that a worker is gone, but cannot say which.
      await Promise.race([whenLost(lost), after(VERDICT)]);
      const [reason] = (error as Error).message.replace(/\{\{.*?\}\} /g, "").split("\n");
      channel.fail(`An exchange of tensors failed at ${me}: ${reason}`);
      throw lost.reason ?? error;
    }
  };

  try {
    await joinCluster(world, members.map(({ address }) => address), () => release());
    whenLost(lost).then(() => abortCollectives((lost.reason as Error).message));
    // Also a barrier: from here on every worker's TensorFlow listens.
    await agree(channel, "TensorFlow", { version: tensorflowVersion(), device: hasGpu() ? "GPU" : "CPU" });
    const one = tf.scalar(1), limit = Math.min(FIRST, patience.arrival ?? FIRST);
    const sum = await Promise.race([carry("sum", one), after(limit)]);
    if (!sum) {
      channel.fail(
        `No tensor came through between ${me} and the others within ${limit} s: open all ports between the workers' ` +
          `machines, for TensorFlow takes free ones (${reserved.port} there).`,
      );
      throw lost.reason;
    }
    disposeAll([one, sum]);
  } catch (error) {
    await close(error);
    throw error;
  }

  return {
    rank,
    size,
    lost,
    gather,
    close,
    agree: (what, value) => agree(channel, what, value),
    allReduce: (tensors, { bfloat16 = false } = {}) => carry(bfloat16 ? "sum in bfloat16" : "sum", tensors),
    broadcast: (tensors) => carry("broadcast", tensors),
  };
}
