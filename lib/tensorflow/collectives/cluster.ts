/**
 * TensorFlow as one task of a cluster: the protocol buffers that say so, the GPU that this process takes, and the end of
 * all collectives when a worker is lost. Every task is its own program; none sends another one ops.
 *
 * TensorFlow listens on all of the machine's addresses, unencrypted, as its own distribution strategies do: train in a
 * network that you trust.
 *
 * @module
 */
import type { World } from "./channel.ts";
import { context, isStarted, startInCluster } from "../ops/eager.ts";
import { checkedAsync, cString, library } from "../libraries/library.ts";

const encoder = new TextEncoder();

// Protocol buffers: a varint, and the fields that hold one, bytes or text.
const varint = (value: number): number[] =>
  value < 128 ? [value] : [value & 127 | 128, ...varint(Math.floor(value / 128))];
const number = (field: number, value: number) => [...varint(field << 3), ...varint(value)];
const bytes = (field: number, value: ArrayLike<number>) => [
  ...varint(field << 3 | 2),
  ...varint(value.length),
  ...Array.from(value),
];
const text = (field: number, value: string) => bytes(field, encoder.encode(value));

const JOB = "worker";

/** What a ConfigProto says in a cluster: experimental.collective_group_leader (tensorflow/core/protobuf/config.proto). */
const CONFIG = bytes(16, text(1, `/job:${JOB}/replica:0/task:0`));

/** A ServerDef (tensorflow/core/protobuf/tensorflow_server.proto). */
function serverDef(addresses: readonly string[], rank: number): Uint8Array<ArrayBuffer> {
  const tasks = addresses.flatMap((address, i) => bytes(2, [...number(1, i), ...text(2, address)]));
  const cluster = bytes(1, [...text(1, JOB), ...tasks]);
  return new Uint8Array([
    ...[...bytes(1, cluster), ...text(2, JOB), ...number(3, rank)],
    ...[...bytes(4, CONFIG), ...text(5, "grpc")],
  ]);
}

/** A port that is free, and kept so until it is released. */
export function reservePort(): { port: number; release(): void } {
  const listener = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  return { port: listener.addr.port, release: () => listener.close() };
}

/**
 * The value of CUDA_VISIBLE_DEVICES with which a worker sees one GPU, its own. A launcher that has given each process its
 * GPU is left alone.
 *
 * @param visible the variable's present value
 * @throws Error where there are several GPUs, but fewer than workers on this machine
 */
export function visibleGpu({ localRank, localSize }: World, visible: string | undefined): string {
  if (visible === undefined) return `${localRank}`;
  const gpus = visible.split(",");
  if (gpus.length === 1) return visible;
  if (gpus.length >= localSize) return gpus[localRank].trim();
  throw new Error(
    `CUDA_VISIBLE_DEVICES names ${gpus.length} GPUs (${visible}) for ${localSize} workers on this machine: start one ` +
      "worker a GPU.",
  );
}

/**
 * Starts TensorFlow in the cluster, before the first tensor is made.
 *
 * @param addresses where each worker's TensorFlow listens, by rank
 * @param release gives this worker's own port free for TensorFlow
 */
export async function joinCluster({ rank }: World, addresses: readonly string[], release: () => void): Promise<void> {
  await startInCluster(CONFIG, serverDef(addresses, rank), release);
}

/** Ends all collectives, those of the future too, with an error that says why. */
export async function abortCollectives(reason: string): Promise<void> {
  const UNAVAILABLE = 14;
  await checkedAsync(() => "Collectives could not be ended", async (tf, status) => {
    tf.TF_SetStatus(status, UNAVAILABLE, cString(reason));
    await tf.TFE_AbortCollectiveOpsAsync(context(), status);
    tf.TF_SetStatus(status, 0, cString("")); // What went in says nothing of the call.
  });
}

/**
 * Loads TensorFlow, which blocks: to be done before others wait for our word.
 *
 * @throws Error where it runs already
 */
export function prepare(world: World): void {
  if (isStarted()) throw new Error("Join the other workers before the first tensor is made: TensorFlow runs already.");
  Deno.env.set("CUDA_VISIBLE_DEVICES", visibleGpu(world, Deno.env.get("CUDA_VISIBLE_DEVICES")));
  // A proxy for the web would keep the workers' TensorFlow apart; empty, this one goes before http_proxy.
  Deno.env.set("grpc_proxy", "");
  library();
}
