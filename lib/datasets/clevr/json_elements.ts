/**
 * Reads a large JSON file piece by piece: CLEVR's scenes are hundreds of megabytes, of which one scene at a time is needed.
 *
 * @module
 */
import { osReason } from "../../os_error.ts";

const QUOTE = 0x22, BACKSLASH = 0x5c, OPEN = 0x5b, CLOSE = 0x5d, OPEN_OBJECT = 0x7b, CLOSE_OBJECT = 0x7d;

/** Space, tab, line feed, carriage return and comma: what may stand between the elements of an array. */
const BETWEEN = new Set([0x20, 0x09, 0x0a, 0x0d, 0x2c]);

const isOpening = (byte: number) => byte === OPEN || byte === OPEN_OBJECT;
const isClosing = (byte: number) => byte === CLOSE || byte === CLOSE_OBJECT;

/**
 * The objects in the array that the object in a JSON file has under `key`, in their order.
 *
 * @throws Error naming the file, where it cannot be read, is cut short, or has no such array of objects
 */
export async function* elementsOf(path: string, key: string): AsyncGenerator<Record<string, unknown>> {
  const fail = (why: string): never => {
    throw new Error(`${path} cannot be used: ${why}.`);
  };
  const { isFile } = await Deno.stat(path).catch((error) => fail(osReason(error)));
  if (!isFile) fail("it is no file");
  const file = await Deno.open(path).catch((error) => fail(osReason(error)));
  let depth = 0, inString = false, escaped = false, inArray = false, found = false, elements = 0;
  let name = ""; // the last string of the outermost object, which before an array is its key
  let pieces: Uint8Array[] | undefined; // of the element or name that is being read, from chunks before this one

  function text(chunk: Uint8Array, start: number, end: number): string {
    const decoder = new TextDecoder();
    const whole = pieces!.map((piece) => decoder.decode(piece, { stream: true })).join("") +
      decoder.decode(chunk.subarray(start, end));
    pieces = undefined;
    return whole;
  }

  function parse(element: string): Record<string, unknown> {
    elements++;
    try {
      return JSON.parse(element);
    } catch (error) {
      return fail(
        `element ${elements - 1} of "${key}" is not JSON (${error instanceof Error ? error.message : error})`,
      );
    }
  }

  for await (const chunk of file.readable) {
    let start = 0; // of what is being read, in this chunk
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i];
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) {
          inString = false;
          if (depth === 1) name = text(chunk, start, i);
        }
        continue;
      }
      if (inArray && depth === 2 && byte !== OPEN_OBJECT && byte !== CLOSE && !BETWEEN.has(byte)) {
        fail(`"${key}" must hold objects and nothing else, but after ${elements} of them something else follows`);
      }
      if (byte === QUOTE) {
        inString = true;
        if (depth === 1) [pieces, start] = [[], i + 1];
      } else if (isOpening(byte)) {
        if (depth === 1 && byte === OPEN && name === key) inArray = found = true;
        if (inArray && depth === 2) [pieces, start] = [[], i];
        depth++;
      } else if (isClosing(byte)) {
        depth--;
        if (inArray && depth === 2) yield parse(text(chunk, start, i + 1));
        if (depth === 1) inArray = false;
      }
    }
    pieces?.push(chunk.subarray(start));
  }
  if (depth !== 0 || inString) fail(`it is cut short, after ${elements} elements of "${key}"`);
  if (!found) fail(`it has no array "${key}"`);
}
