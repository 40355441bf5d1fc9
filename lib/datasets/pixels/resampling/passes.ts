/**
 * The passes over an image's rows and columns, as passes.wat has them.
 *
 * @module
 */

/** What wabt assembles of passes.wat. */
export const ASSEMBLED = [
  "AGFzbQEAAAABHAJgC39/f39/f39/f39/AGAKf39/f39/f39/fwADAwIAAQUDAQABBxoDBm1lbW9yeQIABmFjcm9zcwAABGRvd24AAQqPCgKcBQIIfw",
  "x7IAFBAXQhESARIAFqIRL9DACAA4ABgASAAoAFgICAgIAhFgNAIAchCyAJIRADQP0MAAAAAAAAAAAAAAAAAAAAACEX/QwAAAAAAAAAAAAAAAAAAAAA",
  "IRj9DAAAAAAAAAAAAAAAAAAAAAAhGf0MAAAAAAAAAAAAAAAAAAAAACEa/QwAACAAAAAgAAAAIAAAACAAIRv9DAAAIAAAACAAAAAgAAAAIAAhHP0MAA",
  "AgAAAAIAAAACAAAAAgACEd/QwAACAAAAAgAAAAIAAAACAAIR4gAEEDIAMgC0ECdGooAgBsaiEPIAUgCyAGbEEDdGohDSANIAQgC0ECdGooAgBBA3Rq",
  "IQ4DQCAN/QkCACETIA39CQIEIRQgD/1dAwAgFv0OIRUgFyAVIBP9ugH9rgEhFyAbIBUgFP26Af2uASEbIA8gAWr9XQMAIBb9DiEVIBggFSAT/boB/a",
  "4BIRggHCAVIBT9ugH9rgEhHCAPIBFq/V0DACAW/Q4hFSAZIBUgE/26Af2uASEZIB0gFSAU/boB/a4BIR0gDyASav1dAwAgFv0OIRUgGiAVIBP9ugH9",
  "rgEhGiAeIBUgFP26Af2uASEeIA9BBmohDyANQQhqIg0gDkkNAAsgF0EI/asBIBv9rgFBFv2sASEXIBhBCP2rASAc/a4BQRb9rAEhGCAZQQj9qwEgHf",
  "2uAUEW/awBIRkgGkEI/asBIB79rgFBFv2sASEaIBcgGP2FASAZIBr9hQH9ZiEXIBAgF/1aAgAAIBAgCmogF/1aAgABIBAgCkEBdGogF/1aAgACIBAg",
  "CkEDbGogF/1aAgADIBBBA2ohECALQQFqIgsgCEkNAAsgACABQQJ0aiEAIAkgCkECdGohCSAMQQRqIgwgAkkNAAsL7gQCB38PeyAHIQoDQCAAIAEgAy",
  "AKQQJ0aigCAGxqIRAgBSAKIAZsQQN0aiENIA0gBCAKQQJ0aigCAEEDdGohDkEAIQsDQP0MAAAAAAAAAAAAAAAAAAAAACEY/QwAAAAAAAAAAAAAAAAA",
  "AAAAIRn9DAAAAAAAAAAAAAAAAAAAAAAhGv0MAAAAAAAAAAAAAAAAAAAAACEb/QwAACAAAAAgAAAAIAAAACAAIRz9DAAAIAAAACAAAAAgAAAAIAAhHf",
  "0MAAAgAAAAIAAAACAAAAAgACEe/QwAACAAAAAgAAAAIAAAACAAIR8gECALaiEPIA0hDANAIAz9CQIAIRUgDP0JAgQhFiAP/QAEACERIA8gAWr9AAQA",
  "IRIgESAS/Q0AEAERAhIDEwQUBRUGFgcXIRMgESAS/Q0IGAkZChoLGwwcDR0OHg8fIRQgE/2JASEXIBggFyAV/boB/a4BIRggHCAXIBb9ugH9rgEhHC",
  "AT/YoBIRcgGSAXIBX9ugH9rgEhGSAdIBcgFv26Af2uASEdIBT9iQEhFyAaIBcgFf26Af2uASEaIB4gFyAW/boB/a4BIR4gFP2KASEXIBsgFyAV/boB",
  "/a4BIRsgHyAXIBb9ugH9rgEhHyAPIAFBAXRqIQ8gDEEIaiIMIA5JDQALIBhBCP2rASAc/a4BQRb9rAEhGCAZQQj9qwEgHf2uAUEW/awBIRkgGkEI/a",
  "sBIB79rgFBFv2sASEaIBtBCP2rASAf/a4BQRb9rAEhGyAJIAtqIBggGf2FASAaIBv9hQH9Zv0LBAAgC0EQaiILIAJJDQALIAkgAmohCSAKQQFqIgog",
  "CEkNAAsL",
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
export type WeightPlaces = [first: number, count: number, value: number, pairs: number];

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
