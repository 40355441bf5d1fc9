/**
 * Numbers as colours.
 *
 * @module
 */

/** Viridis (van der Walt and Smith 2015), at 0, 1/8, ... 1: even steps to the eye, with any colour vision and in grey. */
const VIRIDIS = [
  [68, 1, 84],
  [71, 45, 123],
  [59, 82, 139],
  [44, 114, 142],
  [33, 145, 140],
  [40, 174, 128],
  [94, 201, 98],
  [173, 220, 48],
  [253, 231, 37],
] as const;

/** Red, green and blue, 0 .. 255, of a number in 0 .. 1; numbers beyond count as the nearest end. */
export function viridis(value: number): [red: number, green: number, blue: number] {
  const place = Math.min(1, Math.max(0, value)) * (VIRIDIS.length - 1);
  const i = Math.min(Math.floor(place), VIRIDIS.length - 2), share = place - i;
  const mix = (channel: 0 | 1 | 2) => Math.round((1 - share) * VIRIDIS[i][channel] + share * VIRIDIS[i + 1][channel]);
  return [mix(0), mix(1), mix(2)];
}
