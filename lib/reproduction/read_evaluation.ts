/**
 * The files that `evaluate --json` writes.
 *
 * @module
 */
import type { EvaluationResult } from "../evaluation/evaluate.ts";
import { osSentence } from "../os_error.ts";

/**
 * The results in a file.
 *
 * @throws Error that names it where it is missing or damaged
 */
export async function readEvaluation(file: string): Promise<EvaluationResult[]> {
  let text: string;
  try {
    text = await Deno.readTextFile(file);
  } catch (error) {
    throw new Error(osSentence(error as Error) ?? `${file} cannot be read: ${(error as Error).message}`);
  }
  try {
    const { results } = JSON.parse(text);
    if (!Array.isArray(results) || results.length === 0) throw new Error();
    return results;
  } catch {
    throw new Error(`${file} is no evaluation, or one without results: delete it, and it is made again.`);
  }
}

/**
 * The score of a protocol that has one number.
 *
 * @throws Error as readEvaluation() does, and where the file has no such protocol
 */
export async function readScore(file: string, protocol: string): Promise<number> {
  const found = (await readEvaluation(file)).find((result) => result.protocol === protocol);
  if (!found) throw new Error(`${file} has no ${protocol}: delete it, and it is made again.`);
  return found.score;
}
