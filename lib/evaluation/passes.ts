/**
 * Passes over rows: in random orders, for training on features that are in memory, and in their own, chunk by chunk.
 *
 * @module
 */
import { randomStream, shuffled } from "../random.ts";

/** Steps of so many passes, the last one rounded up. */
export function stepsOf(epochs: number, rows: number, batch: number): number {
  return Math.ceil(epochs * rows / batch);
}

/**
 * The rows of each step, counted from 0: batches are cut from one endless stream, pass after pass, each in an order of its
 * own (`randomStream(seed, pass)`), so that all batches are of one size and no row is left out. Quick where steps are asked
 * for in turn.
 */
export function rowBatches(
  rows: Uint32Array,
  { batch, seed }: { batch: number; seed: number },
): (step: number) => Uint32Array<ArrayBuffer> {
  let order: { pass: number; places: Uint32Array } | undefined;
  return (step) =>
    Uint32Array.from({ length: batch }, (_, i) => {
      const place = step * batch + i, pass = Math.floor(place / rows.length);
      if (order?.pass !== pass) order = { pass, places: shuffled(rows.length, randomStream(seed, pass)) };
      return rows[order.places[place % rows.length]];
    });
}

/** 0, 1, ..., count - 1 */
export function everyRow(count: number): Uint32Array<ArrayBuffer> {
  return Uint32Array.from({ length: count }, (_, i) => i);
}

/** The rows in their order, `size` at a time; the last chunk may hold fewer. */
export function inChunks(rows: Uint32Array, size: number): Uint32Array[] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, i) => rows.subarray(i * size, (i + 1) * size));
}
