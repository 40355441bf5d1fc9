/**
 * Tasks that wait for a disk or another thread, several at a time.
 *
 * @module
 */

/** Tasks at the same time: enough to keep all cores busy. */
const IN_FLIGHT = Math.max(8, navigator.hardwareConcurrency);

/** Runs `task` for 0 .. n - 1, several at a time; after an error starts no more, waits for those under way, throws it. */
export async function forEachInFlight(n: number, task: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const errors: { i: number; error: unknown }[] = [];
  const worker = async () => {
    while (next < n && errors.length === 0) {
      const i = next++;
      await task(i).catch((error) => void errors.push({ i, error }));
    }
  };
  await Promise.all(Array.from({ length: Math.min(n, IN_FLIGHT) }, worker));
  if (errors.length > 0) throw errors.sort((a, b) => a.i - b.i)[0].error;
}
