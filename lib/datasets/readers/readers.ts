/**
 * Threads that read image files, as many as there are cores: each decodes and cuts images of its own, so that nothing but
 * the finished squares passes through the thread that trains.
 *
 * @module
 */
import { Worker } from "node:worker_threads";
import { contextAddress } from "../../tensorflow/ops/eager.ts";
import type { PackedSize } from "../packed/cut_packed.ts";
import { channelsOf, type ImageReading, type Pixels } from "../pixels/cut_image.ts";
import { sizesOf, type Wanted } from "./wanted.ts";

/** Where an image file's bytes are: a file, or a part of one. */
export interface Place {
  /** The file's. */
  path: string;
  /** Where the part begins, in bytes; default the whole file. */
  offset?: number;
  /** Of the part, in bytes. */
  length?: number;
  /** What the bytes are where they are pixels that packDataset() keeps, not an image file. */
  packed?: PackedSize;
}

/** Images for one thread. */
export interface ReadRequest {
  id: number;
  images: { index: number; place: Place }[];
  wanted: Wanted;
  colours: ImageReading;
  /** Of TensorFlow, where it is running. */
  context?: bigint;
}

/** Their squares. */
export interface ReadAnswer {
  id: number;
  /** Of each view, one image's behind the other's. */
  pixels: Pixels[];
  /** The places in the request of those that could not be read. */
  failed: number[];
}

/** Images of one request: few enough that all threads have some of a batch. */
const CHUNK = 8;
/** Requests that a thread has at a time: the next one is there when it has answered one. */
const AHEAD = 2;
/** The threads take a fifth of a second to start: what reads fewer images than this does without. */
const WORTH = 512;
/** On no more cores than these the main thread keeps up: it cuts while others decode, and no core is idle. */
const FEW_CORES = 2;
/** Threads at most: they read 9,000 photos of 500 x 375 pixels a second, and each takes 30 MB. */
const MOST = 16;

/** The threads. */
export interface Readers {
  count: number;
  /** What one of them reads; rejects where that one stops. */
  read(request: Omit<ReadRequest, "id">): Promise<ReadAnswer>;
  /** Ends them. */
  stop(): Promise<void>;
}

/** Starts threads; the process does not wait for those that have nothing to do. */
export function startReaders(count: number): Readers {
  interface Waiting {
    request: ReadRequest;
    resolve: (answer: ReadAnswer) => void;
    reject: (error: unknown) => void;
  }
  const waiting: Waiting[] = [], threads = new Map<Worker, Map<number, Waiting>>();
  let next = 0;
  const assign = () => {
    while (waiting.length > 0) {
      const [freest] = [...threads].sort(([, a], [, b]) => a.size - b.size);
      if (!freest) return waiting.splice(0).forEach(({ reject }) => reject(new Error("All threads have stopped.")));
      const [thread, own] = freest;
      if (own.size >= AHEAD) return;
      const one = waiting.shift()!;
      if (own.size === 0) thread.ref();
      own.set(one.request.id, one);
      thread.postMessage(one.request);
    }
  };
  for (let i = 0; i < count; i++) {
    const thread = new Worker(new URL("reader.ts", import.meta.url)), own = new Map<number, Waiting>();
    threads.set(thread, own);
    thread.unref();
    thread.on("message", (answer: ReadAnswer) => {
      own.get(answer.id)?.resolve(answer);
      own.delete(answer.id);
      if (own.size === 0) thread.unref();
      assign();
    });
    thread.on("error", (error: unknown) => {
      threads.delete(thread);
      own.forEach(({ reject }) => reject(error));
      assign();
    });
  }
  return {
    count,
    read: (request) =>
      new Promise((resolve, reject) => {
        waiting.push({ request: { ...request, id: next++ }, resolve, reject });
        assign();
      }),
    async stop() {
      await Promise.all([...threads.keys()].map((thread) => thread.terminate()));
    },
  };
}

let started: Readers | undefined, asked = 0;

/** The threads of this process, where they are worth it: not on few cores, nor for a program's first few hundred images. */
export function sharedReaders(images: number, cores = navigator.hardwareConcurrency): Readers | undefined {
  asked += images;
  if (cores <= FEW_CORES || asked < WORTH) return undefined;
  return started ??= startReaders(Math.min(cores, MOST));
}

/**
 * Squares of images read by the threads, written into a batch of each view.
 *
 * @param images their indices, and where their files are
 * @param batches [images, size, size, channels] for each view
 * @returns the places among `images` of those that could not be read, which are left to the caller
 */
export async function readSquares(
  { count, read }: Readers,
  images: readonly { index: number; place: Place }[],
  wanted: Wanted,
  colours: ImageReading,
  batches: readonly Pixels[],
): Promise<number[]> {
  const chunk = Math.min(CHUNK, Math.ceil(images.length / count)), left: number[] = [];
  const lengths = sizesOf(wanted).map((size) => size * size * channelsOf(colours));
  const request = async (first: number) => {
    const some = images.slice(first, first + chunk);
    try {
      const { pixels, failed } = await read({ images: some, wanted, colours, context: contextAddress() });
      pixels.forEach((squares, view) => batches[view].set(squares, first * lengths[view]));
      left.push(...failed.map((i) => first + i));
    } catch {
      left.push(...some.map((_, i) => first + i)); // A thread has stopped: it is not needed.
    }
  };
  await Promise.all(Array.from({ length: Math.ceil(images.length / chunk) }, (_, i) => request(i * chunk)));
  return left.sort((a, b) => a - b);
}
