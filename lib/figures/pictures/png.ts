/**
 * A minimal PNG encoder (8-bit RGB, one Sub filter), synchronous, so that figures stay pure functions of their data; and
 * animated PNGs, which every reader of PNGs shows, those that know no animation by their first picture.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { crc32, deflateSync } from "node:zlib";

function chunk(type: string, body: Uint8Array): Buffer {
  const result = Buffer.alloc(12 + body.length);
  result.writeUInt32BE(body.length, 0);
  result.write(type, 4, "latin1");
  result.set(body, 8);
  result.writeUInt32BE(crc32(result.subarray(4, 8 + body.length)), 8 + body.length);
  return result;
}

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

function header(height: number, width: number): Buffer {
  const body = Buffer.alloc(13);
  body.writeUInt32BE(width, 0);
  body.writeUInt32BE(height, 4);
  body.set([8, 2, 0, 0, 0], 8); // 8 bits, RGB, deflate, adaptive filters, not interlaced
  return chunk("IHDR", body);
}

/** A part of a picture, in pixels. */
interface Area {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** The compressed pixels of a part of a picture that is `width` wide. */
function deflated(pixels: Uint8Array, width: number, area: Area): Buffer {
  const row = area.width * 3, filtered = new Uint8Array(area.height * (row + 1));
  for (let y = 0; y < area.height; y++) {
    const from = ((area.top + y) * width + area.left) * 3, to = y * (row + 1);
    filtered[to] = 1; // Sub: each byte less the same channel of the pixel to its left
    for (let x = 0; x < row; x++) {
      filtered[to + 1 + x] = pixels[from + x] - (x < 3 ? 0 : pixels[from + x - 3]);
    }
  }
  return deflateSync(filtered);
}

/** A `data:` URI of the image `pixels` [height, width, 3], which any browser, Plotly and librsvg can draw. */
export function pngDataUri(pixels: Uint8Array, height: number, width: number): string {
  const data = chunk("IDAT", deflated(pixels, width, { left: 0, top: 0, width, height }));
  const file = Buffer.concat([SIGNATURE, header(height, width), data, chunk("IEND", new Uint8Array(0))]);
  return "data:image/png;base64," + file.toString("base64");
}

/** The least area in which two pictures differ; one pixel where they do not. */
function changed(before: Uint8Array, after: Uint8Array, height: number, width: number): Area {
  let left = width, right = -1, top = height, bottom = -1;
  for (let pixel = 0; pixel < height * width; pixel++) {
    const i = 3 * pixel;
    if (before[i] === after[i] && before[i + 1] === after[i + 1] && before[i + 2] === after[i + 2]) continue;
    const x = pixel % width, y = Math.floor(pixel / width);
    [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), y];
  }
  if (right < 0) return { left: 0, top: 0, width: 1, height: 1 };
  return { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/**
 * Pictures [height, width, 3] that follow one another for ever, as an animated PNG (the third edition of the PNG
 * specification, 2025): the first whole, of the others what has changed.
 *
 * @param milliseconds that each is shown for, below 65,536
 */
export function animatedPng(
  pictures: readonly Uint8Array[],
  height: number,
  width: number,
  milliseconds: number,
): Uint8Array<ArrayBuffer> {
  let sequence = 0;
  const control = ({ left, top, width, height }: Area) => {
    const body = Buffer.alloc(26);
    [sequence++, width, height, left, top].forEach((value, i) => body.writeUInt32BE(value, 4 * i));
    body.writeUInt16BE(milliseconds, 20);
    body.writeUInt16BE(1000, 22); // of a second; the picture then stays, and the next one is laid over it
    return chunk("fcTL", body);
  };
  const counts = Buffer.alloc(8); // then how often it is played: 0, for ever
  counts.writeUInt32BE(pictures.length, 0);
  const chunks = [SIGNATURE, header(height, width), chunk("acTL", counts)];
  pictures.forEach((picture, i) => {
    const area = i === 0 ? { left: 0, top: 0, width, height } : changed(pictures[i - 1], picture, height, width);
    chunks.push(control(area));
    const data = deflated(picture, width, area);
    if (i === 0) return chunks.push(chunk("IDAT", data));
    const number = Buffer.alloc(4);
    number.writeUInt32BE(sequence++, 0);
    chunks.push(chunk("fdAT", Buffer.concat([number, data])));
  });
  return Uint8Array.from(Buffer.concat([...chunks, chunk("IEND", new Uint8Array(0))]));
}
