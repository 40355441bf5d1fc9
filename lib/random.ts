/**
 * Seeded random streams: every random number of the kit comes from `randomStream(seed, ...key)`, so that a run can be
 * repeated, and resumed in its middle, bit for bit.
 *
 * @module
 */

/** A stream of pseudo-random numbers. */
export interface Random {
  /** A number in [0, 1), with 32 random bits. */
  uniform(): number;
  /** An integer in 0 .. n - 1. */
  integer(n: number): number;
  /** A standard normal number (Box-Muller). */
  normal(): number;
}

/** One round of MurmurHash3's finaliser: every input bit moves every output bit. */
function mix(hash: number, word: number): number {
  let h = (hash ^ Math.imul(word, 0xcc9e2d51)) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b) >>> 0;
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35) >>> 0;
  return (h ^ (h >>> 16)) + 0x9e3779b9 >>> 0;
}

/**
 * A stream that depends on the seed and the key alone, e.g. `randomStream(seed, epoch, imageIndex)`. Streams of different
 * keys are independent for every practical purpose. The generator is sfc32 (Chris Doty-Humphrey, PractRand).
 */
export function randomStream(seed: number, ...key: number[]): Random {
  let hash = mix(0x243f6a88, key.length);
  for (const word of [seed, ...key]) {
    if (!Number.isSafeInteger(word)) throw new RangeError(`A random stream's key must hold integers; got ${word}.`);
    hash = mix(mix(hash, word | 0), Math.floor(word / 2 ** 32));
  }
  // As signed integers, which V8 holds without a box where a closure keeps them: twice as fast.
  let a = hash | 0, b = mix(hash, 1) | 0, c = mix(hash, 2) | 0, counter = 1;
  const next = () => {
    const result = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + result) | 0;
    return result >>> 0;
  };
  for (let i = 0; i < 12; i++) next();

  const uniform = () => next() / 2 ** 32;
  return {
    uniform,
    integer: (n) => Math.floor(uniform() * n),
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  };
}

/** The numbers 0 .. n - 1 in random order (Fisher-Yates). */
export function shuffled(n: number, random: Random): Uint32Array<ArrayBuffer> {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
