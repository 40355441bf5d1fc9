/**
 * TensorFlow's libraries on this machine, which every command that computes has first.
 *
 * @module
 */
import { installTensorFlow } from "../../tensorflow/libraries/install.ts";
import { barsInTurn } from "../terminal/bars.ts";

/** Installs TensorFlow's libraries where they are missing, with a progress bar for each download. */
export async function setUpTensorFlow(): Promise<void> {
  const bars = barsInTurn();
  await installTensorFlow({ onProgress: bars.onProgress }).finally(bars.stop);
}
