/**
 * A training command as one process, or with --workers as several of the same command.
 *
 * @module
 */
import type { World } from "../../tensorflow/collectives/channel.ts";
import type { Communicator } from "../../tensorflow/collectives/collectives.ts";
import { setUpTensorFlow } from "../setup/set_up_tensorflow.ts";
import { argumentsOf, launchWorkers, type Token, workerFlags } from "../processes/launch_workers.ts";
import { asWorker, fromFirst } from "../processes/worker.ts";

/** What a training command is made of. */
export interface SharedTraining<Flags> {
  /** The run's folder, free where the run is new. */
  folderOf(flags: Flags): Promise<string>;
  /** How to go on with the run in a folder, as it is typed. */
  howToGoOn(dir: string, flags: Flags): string;
  /** Trains in that folder, as one of the workers. */
  run(flags: Flags, dir: string, workers: Communicator, world: World): Promise<void>;
}

/**
 * Trains, after TensorFlow is there: as the one worker that this process is, or by starting as many as the flags say and
 * ending with their exit code.
 *
 * @param tokens what the command was started with
 */
export async function shareTraining<Flags extends { resume: boolean; workers?: string; restarts?: string }>(
  flags: Flags,
  tokens: readonly Token[],
  { folderOf, howToGoOn, run }: SharedTraining<Flags>,
): Promise<void> {
  const { workers: size, restarts } = workerFlags(flags);
  if (size > 1) {
    const dir = await folderOf(flags), argsOf = () => argumentsOf(tokens, dir, flags.resume);
    await setUpTensorFlow();
    Deno.exit(await launchWorkers(size, restarts, argsOf, howToGoOn(dir, flags)));
  }
  await setUpTensorFlow();
  await asWorker(async (workers, world) => {
    const dir = await fromFirst(workers, "the run's folder", () => folderOf(flags));
    await run(flags, dir, workers, world);
  });
}
