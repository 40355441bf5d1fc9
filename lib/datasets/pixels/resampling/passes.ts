/**
 * The passes over an image's rows and columns, as passes.wat has them.
 *
 * @module
 */

/** What wabt assembles of passes.wat. */
export const ASSEMBLED = [
  "AGFzbQEAAAABHAJgC39/f39/f39/f39/AGAKf39/f39/f39/fwADAwIAAQUDAQABBxoDBm1lbW9yeQIABmFjcm9zcwAABGRvd24AAQrFBQKKAwMGfw",
  "V7An8gAUEBdCEWIBYgAWohFwNAIAchCyAJIRADQP0MAAAgAAAAIAAAACAAAAAgACESIBIhEyASIRQgEiEVIABBAyADIAtBAnRqKAIAbGohDyAFIAsg",
  "BmxBAnRqIQ0gDSAEIAtBAnRqKAIAQQJ0aiEOA0AgDf0JAgAhESASIBEgD/1cAgD9iQH9qQH9tQH9rgEhEiATIBEgDyABav1cAgD9iQH9qQH9tQH9rg",
  "EhEyAUIBEgDyAWav1cAgD9iQH9qQH9tQH9rgEhFCAVIBEgDyAXav1cAgD9iQH9qQH9tQH9rgEhFSAPQQNqIQ8gDUEEaiINIA5JDQALIBJBFv2sASAT",
  "QRb9rAH9hQEgFEEW/awBIBVBFv2sAf2FAf1mIRIgECAS/VoCAAAgECAKaiAS/VoCAAEgECAKQQF0aiAS/VoCAAIgECAKQQNsaiAS/VoCAAMgEEEDai",
  "EQIAtBAWoiCyAISQ0ACyAAIAFBAnRqIQAgCSAKQQJ0aiEJIAxBBGoiDCACSQ0ACwu2AgIHfwd7IAchCgNAIAAgASADIApBAnRqKAIAbGohECAFIAog",
  "BmxBAnRqIQ0gDSAEIApBAnRqKAIAQQJ0aiEOQQAhCwNA/QwAACAAAAAgAAAAIAAAACAAIRQgFCEVIBQhFiAUIRcgECALaiEPIA0hDANAIAz9CQIAIR",
  "EgD/0ABAAhEiAS/YkBIRMgFCARIBP9qQH9tQH9rgEhFCAVIBEgE/2qAf21Af2uASEVIBL9igEhEyAWIBEgE/2pAf21Af2uASEWIBcgESAT/aoB/bUB",
  "/a4BIRcgDyABaiEPIAxBBGoiDCAOSQ0ACyAJIAtqIBRBFv2sASAVQRb9rAH9hQEgFkEW/awBIBdBFv2sAf2FAf1m/QsEACALQRBqIgsgAkkNAAsgCS",
  "ACaiEJIApBAWoiCiAISQ0ACws=",
].join("");

const bytes = Uint8Array.from(atob(ASSEMBLED), (c) => c.charCodeAt(0));
const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
const memory = exports.memory as WebAssembly.Memory;
const whole = () => new Uint8Array(memory.buffer as ArrayBuffer);
let view = whole();

/** Bytes of a page. */
const PAGE = 65536;

/** The passes' memory, of at least so many bytes. What it holds stays until somebody else writes there. */
export function reserve(size: number): Uint8Array<ArrayBuffer> {
  if (size > view.length) {
    memory.grow(Math.ceil((size - view.length) / PAGE));
    view = whole();
  }
  return view;
}

/** Where weights are in the memory. */
export type WeightPlaces = [first: number, count: number, value: number, taps: number];

/** Rows become narrower or wider: output columns `from` to `to` - 1. */
export const across = exports.across as (
  ...args: [
    image: number,
    stride: number,
    rows: number,
    ...WeightPlaces,
    from: number,
    to: number,
    out: number,
    outStride: number,
  ]
) => void;

/** Rows become fewer or more: output rows `from` to `to` - 1, of `length` bytes, one behind the other. */
export const down = exports.down as (
  ...args: [rows: number, stride: number, length: number, ...WeightPlaces, from: number, to: number, out: number]
) => void;
