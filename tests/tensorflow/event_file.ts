/**
 * Reads TensorBoard's event files, apart from TensorFlow: TFRecord's frames with their checksums, and as much of
 * Event and Summary (tensorflow/core/util/event.proto, framework/summary.proto) as tests ask for.
 */

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let i = 0; i < 8; i++) byte = byte & 1 ? (byte >>> 1) ^ 0x82f63b78 : byte >>> 1; // Castagnoli's polynomial
  return byte;
});

/** TFRecord's masked CRC32C. */
export function maskedCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** The records of a file; throws where a checksum is wrong or it ends within one. */
export function records(file: Uint8Array): Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength), found: Uint8Array[] = [];
  for (let at = 0; at < file.length;) {
    const length = Number(view.getBigUint64(at, true)), data = file.subarray(at + 12, at + 12 + length);
    if (view.getUint32(at + 8, true) !== maskedCrc(file.subarray(at, at + 8))) throw new Error(`length at ${at}`);
    if (view.getUint32(at + 12 + length, true) !== maskedCrc(data)) throw new Error(`data at ${at}`);
    found.push(data);
    at += 16 + length;
  }
  return found;
}

type Field = number | bigint | Uint8Array;

/** A protobuf message's fields by number. */
function fields(bytes: Uint8Array): Map<number, Field[]> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), found = new Map<number, Field[]>();
  let at = 0;
  const varint = () => {
    let value = 0n, shift = 0n, byte: number;
    do {
      byte = bytes[at++];
      value |= BigInt(byte & 127) << shift;
      shift += 7n;
    } while (byte & 128);
    return value;
  };
  while (at < bytes.length) {
    const key = Number(varint()), wire = key & 7;
    let value: Field;
    if (wire === 0) value = varint();
    else if (wire === 1) value = view.getFloat64((at += 8) - 8, true);
    else if (wire === 5) value = view.getFloat32((at += 4) - 4, true);
    else {
      const length = Number(varint());
      value = bytes.subarray(at, at += length);
    }
    found.set(key >> 3, [...found.get(key >> 3) ?? [], value]);
  }
  return found;
}

/** A summary's value. */
export interface Told {
  step: number;
  tag: string;
  scalar?: number;
  /** The file's bytes, a PNG. */
  image?: { height: number; width: number; png: Uint8Array };
  histogram?: { min: number; max: number; count: number; sum: number };
}

/** What a file's events tell. */
export function eventsOf(file: Uint8Array): Told[] {
  return records(file).flatMap((record) => {
    const event = fields(record), step = Number(event.get(2)?.[0] ?? 0n);
    return (event.get(5) ?? []).flatMap((summary) =>
      (fields(summary as Uint8Array).get(1) ?? []).map((bytes): Told => {
        const value = fields(bytes as Uint8Array);
        const part = (number: number) => value.has(number) ? fields(value.get(number)![0] as Uint8Array) : undefined;
        const image = part(4),
          histogram = part(5),
          number = (of: typeof value, i: number) => Number(of.get(i)?.[0] ?? 0);
        return {
          step,
          tag: new TextDecoder().decode(value.get(1)![0] as Uint8Array),
          ...value.has(2) && { scalar: value.get(2)![0] as number },
          ...image && {
            image: { height: number(image, 1), width: number(image, 2), png: image.get(4)![0] as Uint8Array },
          },
          ...histogram && {
            histogram: {
              ...{ min: number(histogram, 1), max: number(histogram, 2) },
              ...{ count: number(histogram, 3), sum: number(histogram, 4) },
            },
          },
        };
      })
    );
  });
}

/** The events of a folder's files, in the order of their names. */
export async function eventsIn(dir: string): Promise<Told[]> {
  const names = (await Array.fromAsync(Deno.readDir(dir), ({ name }) => name)).filter((name) =>
    name.includes("tfevents")
  );
  return names.sort().flatMap((name) => eventsOf(Deno.readFileSync(`${dir}/${name}`)));
}
