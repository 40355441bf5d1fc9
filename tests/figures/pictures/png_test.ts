import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import sharp from "sharp";
import { animatedPng } from "../../../lib/figures/pictures/png.ts";

/** The chunks of a PNG, whose checksums hold. */
function chunksOf(file: Uint8Array): { type: string; body: Buffer }[] {
  const bytes = Buffer.from(file), chunks: { type: string; body: Buffer }[] = [];
  for (let at = 8; at < bytes.length;) {
    const length = bytes.readUInt32BE(at), end = at + 8 + length;
    assertEquals(crc32(bytes.subarray(at + 4, end)), bytes.readUInt32BE(end));
    chunks.push({ type: bytes.toString("latin1", at + 4, at + 8), body: bytes.subarray(at + 8, end) });
    at = end + 4;
  }
  return chunks;
}

/** A still picture of a part of an animation, which sharp decodes: the animation's header with another size, and its data. */
async function decoded(header: Buffer, width: number, height: number, data: Buffer): Promise<Buffer> {
  const own = Buffer.from(header);
  own.writeUInt32BE(width, 0);
  own.writeUInt32BE(height, 4);
  const chunk = (type: string, body: Buffer) => {
    const named = Buffer.concat([Buffer.from(type, "latin1"), body]), ends = Buffer.alloc(8);
    ends.writeUInt32BE(body.length, 0);
    ends.writeUInt32BE(crc32(named), 4);
    return Buffer.concat([ends.subarray(0, 4), named, ends.subarray(4)]);
  };
  const signature = Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  const file = Buffer.concat([signature, chunk("IHDR", own), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))]);
  return await sharp(file).removeAlpha().raw().toBuffer();
}

const width = 7, height = 5;

/** Pictures of a square that goes over a slope: the third is as the second. */
const pictures = [1, 3, 3, 0].map((place) => {
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => 5 * i % 256);
  for (const y of [1, 2]) pixels.fill(200, (y * width + place) * 3, (y * width + place + 2) * 3);
  return pixels;
});

Deno.test("animatedPng() is a PNG whose first picture every reader shows", async () => {
  const { data, info } = await sharp(animatedPng(pictures, height, width, 80)).removeAlpha().raw().toBuffer({
    resolveWithObject: true,
  });
  assertEquals([info.width, info.height], [width, height]);
  assertEquals(new Uint8Array(data), pictures[0]);
});

Deno.test("animatedPng() holds every picture, by what has changed, in order and for as long as it says", async () => {
  const chunks = chunksOf(animatedPng(pictures, height, width, 80));
  assertEquals(chunks.map(({ type }) => type), [
    ...["IHDR", "acTL", "fcTL", "IDAT"],
    ...["fcTL", "fdAT", "fcTL", "fdAT", "fcTL", "fdAT", "IEND"],
  ]);
  const header = chunks[0].body, numbered = chunks.filter(({ type }) => type === "fcTL" || type === "fdAT");
  assertEquals([chunks[1].body.readUInt32BE(0), chunks[1].body.readUInt32BE(4)], [4, 0]); // pictures; for ever
  assertEquals(numbered.map(({ body }) => body.readUInt32BE(0)), [0, 1, 2, 3, 4, 5, 6]);
  const controls = chunks.filter(({ type }) => type === "fcTL").map(({ body }) => body);
  const shown = new Uint8Array(width * height * 3), datas = chunks.filter(({ type }) => /IDAT|fdAT/.test(type));
  for (const [i, control] of controls.entries()) {
    assertEquals([control.readUInt16BE(20), control.readUInt16BE(22), control[24], control[25]], [80, 1000, 0, 0]);
    const [w, h, left, top] = [4, 8, 12, 16].map((at) => control.readUInt32BE(at));
    const data = datas[i].body.subarray(i === 0 ? 0 : 4), part = await decoded(header, w, h, data);
    for (let y = 0; y < h; y++) {
      shown.set(part.subarray(y * w * 3, (y + 1) * w * 3), ((top + y) * width + left) * 3);
    }
    assertEquals(shown, pictures[i], `picture ${i}`);
    if (i === 1) assertEquals([w, h, left, top], [4, 2, 1, 1]); // from column 1 to 4 of two rows
    if (i === 2) assert(w * h === 1, "a picture that is as the one before");
  }
});
