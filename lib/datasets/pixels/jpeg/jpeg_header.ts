/**
 * What a JPEG file says of itself before its pixels: enough to know whether they are plain.
 *
 * @module
 */

/** What the markers before the pixels say. */
export interface JpegHeader {
  width: number;
  height: number;
  /** Channels as they are stored: 1 (grey), 3 (YCbCr or RGB) or 4 (CMYK or YCCK). */
  channels: number;
  /** Whether there is an ICC profile. */
  profile: boolean;
  /** EXIF's orientation, 1 where there is none. */
  orientation: number;
}

/** Markers: the start of a frame (baseline, extended, progressive), of a scan, of the image; its end; APP1, APP2. */
const SOF = [0xc0, 0xc1, 0xc2], SOS = 0xda, SOI = 0xd8, EOI = 0xd9, EXIF = 0xe1, ICC = 0xe2;
/** Those of frames by other methods, among which are three that are none (DHT, JPG, DAC). */
const isOtherFrame = (marker: number) => marker >= 0xc3 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/** Bytes of the shortest table of quantisation. */
const TABLES = 64;

const ORIENTATION = 0x112, SHORT = 3;

/**
 * Reads the header of a JPEG of 8 bits a channel.
 *
 * @returns undefined where the file is no such JPEG, does not end as one, or is odd in any way
 */
export function readJpegHeader(file: Uint8Array): JpegHeader | undefined {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength), last = file.length - 2;
  // What is cut short has no end; to look for it costs nothing. And nothing shorter than its tables is whole.
  if (last < TABLES || view.getUint16(0) !== (0xff00 | SOI) || view.getUint16(last) !== (0xff00 | EOI)) {
    return undefined;
  }
  const begins = (at: number, text: string) => [...text].every((c, i) => file[at + i] === c.charCodeAt(0));
  let frame: Pick<JpegHeader, "width" | "height" | "channels"> | undefined;
  let profile = false, orientation: number | undefined;
  for (let at = 2; at + 4 <= last;) {
    const marker = file[at + 1], length = view.getUint16(at + 2), body = at + 4, end = at + 2 + length;
    if (file[at] !== 0xff || length < 2 || end > last || isOtherFrame(marker)) return undefined;
    if (marker === SOS) return frame && { ...frame, profile, orientation: orientation ?? 1 };
    if (SOF.includes(marker)) {
      if (frame || length < 8 || file[body] !== 8) return undefined;
      frame = { height: view.getUint16(body + 1), width: view.getUint16(body + 3), channels: file[body + 5] };
      if (frame.width === 0 || frame.height === 0) return undefined;
    }
    if (marker === ICC && begins(body, "ICC_PROFILE\0")) profile = true;
    if (marker === EXIF && begins(body, "Exif\0\0")) {
      if (orientation !== undefined) return undefined;
      orientation = readOrientation(new DataView(file.buffer, file.byteOffset + body + 6, Math.max(0, end - body - 6)));
      if (orientation === undefined) return undefined;
    }
    at = end;
  }
  return undefined;
}

/** The orientation in EXIF's first directory, 1 where it has none; undefined where it makes no sense. */
function readOrientation(tiff: DataView): number | undefined {
  if (tiff.byteLength < 14) return undefined;
  const order = tiff.getUint16(0), little = order === 0x4949;
  const directory = tiff.getUint32(4, little);
  if (!little && order !== 0x4d4d || tiff.getUint16(2, little) !== 42 || directory + 2 > tiff.byteLength) {
    return undefined;
  }
  const count = tiff.getUint16(directory, little);
  for (let i = 0, at = directory + 2; i < count; i++, at += 12) {
    if (at + 12 > tiff.byteLength) return undefined;
    if (tiff.getUint16(at, little) !== ORIENTATION) continue;
    const value = tiff.getUint16(at + 8, little);
    return tiff.getUint16(at + 2, little) === SHORT && value >= 1 && value <= 8 ? value : undefined;
  }
  return 1;
}
