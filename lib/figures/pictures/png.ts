/**
 * A minimal PNG encoder (8-bit RGB, one Sub filter), synchronous, so that figures stay pure functions of their data.
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

/** A `data:` URI of the image `pixels` [height, width, 3], which any browser, Plotly and librsvg can draw. */
export function pngDataUri(pixels: Uint8Array, height: number, width: number): string {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8); // 8 bits, RGB, deflate, adaptive filters, not interlaced

  const row = width * 3;
  const filtered = new Uint8Array(height * (row + 1));
  for (let y = 0; y < height; y++) {
    filtered[y * (row + 1)] = 1; // Sub: each byte less the same channel of the pixel to its left
    for (let x = 0; x < row; x++) {
      filtered[y * (row + 1) + 1 + x] = pixels[y * row + x] - (x < 3 ? 0 : pixels[y * row + x - 3]);
    }
  }
  const file = Buffer.concat([
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(filtered)),
    chunk("IEND", new Uint8Array(0)),
  ]);
  return "data:image/png;base64," + file.toString("base64");
}
