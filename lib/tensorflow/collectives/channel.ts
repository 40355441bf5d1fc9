/**
 * A plain TCP channel between the workers of a run: they meet at worker 0, exchange small values, and each knows at once
 * when another one is gone.
 *
 * TensorFlow's own coordination service stays off. It wants TensorFlow loaded, one process that must not end first, and
 * keys that are written once; it ends a process where it likes, in words about gRPC; and over the C API its list of tasks
 * cannot be read, so the worker that failed could not be named. What is needed is little: a star around worker 0, a line of
 * JSON a message, a word every two or three seconds. TensorFlow carries the tensors (collective_function.ts), and is told to
 * stop from here.
 *
 * @module
 */
import { disagreement } from "./disagreement.ts";
import type { Link } from "./link.ts";

/** Where a process stands among the workers of a run. */
export interface World {
  /** Its number, from 0 on. */
  rank: number;
  /** Workers in all. */
  size: number;
  /** Its number among the workers of this machine, from 0 on. */
  localRank: number;
  /** Workers on this machine. */
  localSize: number;
  /** Where worker 0 listens, in words that every worker's machine understands. */
  leader: { hostname: string; port: number };
}

/** A worker as the others know it. */
export interface Member {
  /** Its machine's name, for messages. */
  host: string;
  /** Where its TensorFlow listens, "host:port". */
  address: string;
}

/** The channel, from one worker's side. */
export interface Channel {
  /** All workers, by rank. */
  members: readonly Member[];
  /** Aborts when another worker is lost or has failed; its reason is an Error whose message names it. */
  lost: AbortSignal;
  /**
   * Gives every worker everybody's value, by rank, and waits for all. Every worker makes the same calls in the same order.
   *
   * @param what names the values, the same everywhere
   * @throws Error, lost's reason, where a worker is lost meanwhile or makes another call
   */
  gather(what: string, value: string): Promise<string[]>;
  /** Tells every worker that this one cannot go on; `sentence` becomes the reason of each one's `lost`. */
  fail(sentence: string): void;
  /** Ends the channel: without an error when all workers are here, so that none takes the end for a loss; with one, now. */
  close(error?: unknown): Promise<void>;
}

/** Words that a worker says within the time after which its silence counts. */
const BEATS = 15;

/** "worker 1 (host)" */
export function workerName(rank: number, host: string): string {
  return `worker ${rank} (${host})`;
}

const capital = (text: string) => text[0].toUpperCase() + text.slice(1);

/**
 * The channel over links that stand: worker 0's to all others, another's to worker 0.
 *
 * @param silence seconds after which a worker that says nothing counts as hung
 */
export function channelOver(
  { rank, size }: World,
  members: readonly Member[],
  links: ReadonlyMap<number, Link>,
  silence: number,
): Channel {
  const name = (rank: number) => workerName(rank, members[rank].host);
  const controller = new AbortController(), lost = controller.signal;
  const waiting = new Map<number, (values: string[]) => void>();
  const rounds = new Map<number, { what: string; value: string }[]>();
  const silentBeats = new Map(Array.from(links.keys(), (rank) => [rank, 0]));
  let round = 0, closed = false;

  const fail = (sentence: string) => {
    if (closed || lost.aborted) return;
    for (const link of links.values()) link.send({ fault: sentence });
    controller.abort(new Error(sentence));
  };

  /** At worker 0: a value of a round; with the last one everybody hears them all. */
  const collect = (round: number, from: number, what: string, value: string) => {
    const held = rounds.get(round) ?? [];
    rounds.set(round, held);
    held[from] = { what, value };
    if (Object.keys(held).length < size) return;
    rounds.delete(round);
    const other = held.findIndex((entry) => entry.what !== held[0].what);
    if (other >= 0) {
      return fail(
        `The workers are out of step: ${name(0)} is at "${held[0].what}", ${name(other)} at "${held[other].what}".`,
      );
    }
    const values = held.map(({ value }) => value);
    for (const link of links.values()) link.send({ round, values });
    waiting.get(round)!(values);
  };

  for (const [from, link] of links) {
    link.onMessage = (message) => {
      silentBeats.set(from, 0);
      if (message.fault) fail(message.fault);
      else if (message.values) waiting.get(message.round!)?.(message.values);
      else if (message.what !== undefined) collect(message.round!, from, message.what, message.value!);
    };
    link.ended.then(() =>
      fail(`${capital(name(from))} is lost: its connection ended, so it was killed, has crashed or is out of reach.`)
    );
  }
  // Counted in beats of our own, not by the clock: a process that was stopped itself shall not accuse the others.
  const beat = setInterval(() => {
    for (const [from, link] of links) {
      link.send({});
      const beats = silentBeats.get(from)! + 1;
      silentBeats.set(from, beats);
      if (beats > BEATS) {
        fail(
          `${capital(name(from))} hangs: it said nothing for ${silence} s, so it is stopped, stuck or out of reach.`,
        );
      }
    }
  }, 1000 * silence / BEATS);

  const gather = (what: string, value: string) => {
    const mine = round++;
    return new Promise<string[]>((resolve, reject) => {
      lost.throwIfAborted();
      if (closed) throw new Error(`The workers have parted: there is nobody to give ${what} to.`);
      const stop = () => reject(lost.reason);
      lost.addEventListener("abort", stop);
      waiting.set(mine, (values) => {
        waiting.delete(mine);
        lost.removeEventListener("abort", stop);
        resolve(values);
      });
      if (rank === 0) collect(mine, 0, what, value);
      else links.get(0)!.send({ round: mine, what, value });
    });
  };

  const close = async (error?: unknown) => {
    if (closed) return;
    try {
      if (error === undefined) await gather("the end", "");
      else fail(`${capital(name(rank))} stopped: ${error instanceof Error ? error.message : error}`);
    } finally {
      closed = true;
      clearInterval(beat);
      await Promise.all(Array.from(links.values(), (link) => link.close()));
    }
  };

  return { members, lost, gather, fail, close };
}

/**
 * Checks that every worker has the same value.
 *
 * @param what what the value is, e.g. "the configuration"
 * @param value anything that JSON can hold
 * @throws Error, the same at every worker, that names what differs and who has which
 */
export async function agree({ members, gather }: Channel, what: string, value: unknown): Promise<void> {
  const values = (await gather(what, JSON.stringify(value) ?? "null")).map((text) => JSON.parse(text));
  const problem = disagreement(what, values, (rank) => workerName(rank, members[rank].host));
  if (problem) throw new Error(problem);
}
