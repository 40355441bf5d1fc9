/**
 * Where a run's folder is that nobody has given a name.
 *
 * @module
 */
import { commandLine } from "../terminal/advice.ts";

const exists = async (path: string) => (await Deno.stat(path).catch(() => undefined)) !== undefined;

/** weights/PRESET-n: the newest one where a run is to go on, else the first that is free. */
export async function defaultFolder(name: string, resume: boolean): Promise<string> {
  let n = 1;
  while (await exists(`weights/${name}-${n}`)) n++;
  if (!resume) return `weights/${name}-${n}`;
  if (n === 1) {
    const start = commandLine("pretrain", "--preset", name);
    throw new Error(`There is no run of the preset ${name} to resume. Start one with: ${start}`);
  }
  return `weights/${name}-${n - 1}`;
}
