/**
 * Several evaluations of several subjects: the table of what an encoder is worth, beside random weights and raw pixels.
 *
 * @module
 */
import type { EvaluationData, Measure, Protocol, ProtocolOptions } from "./protocol.ts";
import { type ProtocolName, PROTOCOLS } from "./protocols.ts";
import type { Subject } from "./subjects.ts";

/** One number of the table. */
export interface EvaluationResult extends Omit<Measure, "name"> {
  /** Which evaluation. */
  protocol: ProtocolName;
  /** What was measured, e.g. "5 labels a class". */
  measure: string;
  /** What was evaluated. */
  subject: string;
  /** What it was seeded with. */
  seed: number;
  /** Seconds that the subject's evaluation took, all its measures together. */
  seconds: number;
}

/**
 * Holds that protocols can be evaluated on this data, as far as that can be known before anything is computed.
 *
 * @throws RangeError that begins with the evaluation's name
 */
export function checkProtocols(
  protocols: readonly ProtocolName[],
  data: EvaluationData,
  options: ProtocolOptions = {},
): void {
  for (const protocol of protocols) {
    const { needs, check }: Protocol = PROTOCOLS[protocol];
    if (!data[needs]) throw new RangeError(`The evaluation ${protocol} needs ${needs}: give them.`);
    try {
      check(data as Required<EvaluationData>, options);
    } catch (error) {
      throw new RangeError(`${protocol}: ${(error as Error).message}`, { cause: error });
    }
  }
}

/**
 * Evaluates each subject by each protocol, in the order of the protocols.
 *
 * @param onResult is told of each number as it comes
 * @throws RangeError where data is missing or not enough, before the first evaluation; Error with the evaluation's name
 *   before its reason
 */
export async function evaluate(
  subjects: readonly Subject[],
  protocols: readonly ProtocolName[],
  data: EvaluationData,
  options: ProtocolOptions & { onResult?: (result: EvaluationResult) => void } = {},
): Promise<EvaluationResult[]> {
  const { onResult, onStage, seed = 0 } = options;
  const results: EvaluationResult[] = [];
  checkProtocols(protocols, data, options);
  for (const protocol of protocols) {
    const { run } = PROTOCOLS[protocol];
    for (const subject of subjects) {
      onStage?.(`${protocol}, ${subject.name}`);
      const start = performance.now();
      const measures = await run(subject, data as Required<EvaluationData>, options).catch((error) => {
        throw new Error(`${protocol}, ${subject.name}: ${error.message}`, { cause: error });
      });
      const seconds = (performance.now() - start) / 1000;
      for (const { name, ...rest } of measures) {
        const result = { protocol, measure: name, subject: subject.name, seed, seconds, ...rest };
        results.push(result);
        onResult?.(result);
      }
    }
  }
  return results;
}
