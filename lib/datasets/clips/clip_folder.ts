/**
 * A folder of clips: each a folder of frames in the order of their names, or a video file.
 *
 * @module
 */
import { basename, extname, join, resolve } from "node:path";
import { readError } from "../../os_error.ts";
import { fileFingerprint, type Fingerprint } from "../fingerprint.ts";
import { decodeCuts, IMAGE_ENDINGS, reasonOf } from "../pixels/decode.ts";
import type { ClipDataset, Frames } from "./clips.ts";
import { openVideo } from "./video_file.ts";

/** The formats that are handed to ffmpeg, by the endings of their file names. */
const VIDEO_ENDINGS = ["mp4", "m4v", "mov", "mkv", "webm", "avi", "mpg", "mpeg"];

/** A clip in files. */
interface FiledClip {
  /** Of the folder or file. */
  path: string;
  frames: number;
  read(places: readonly number[]): Promise<Frames>;
}

const endsIn = (path: string, endings: readonly string[]) => endings.includes(extname(path).slice(1).toLowerCase());

/** Names in a folder, sorted as numbers where they are: frame 2 comes before frame 10. */
async function namesIn(dir: string): Promise<Deno.DirEntry[]> {
  try {
    const entries = (await Array.fromAsync(Deno.readDir(dir))).filter(({ name }) => !name.startsWith("."));
    return entries.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  } catch (error) {
    throw readError(dir, error);
  }
}

/** A folder of frames as a clip. */
function framesIn(dir: string, files: readonly string[]): FiledClip {
  async function frameAt(place: number): Promise<Frames> {
    const path = join(dir, files[place]);
    let size = { width: 0, height: 0 };
    try {
      const [pixels] = await decodeCuts(await Deno.readFile(path), (width, height) => {
        size = { width, height };
        const whole = { x: 0, y: 0, width, height };
        return [{ box: whole, width, height, window: whole, interpolation: "bicubic" }];
      });
      return { pixels, ...size };
    } catch (error) {
      throw new Error(`${path} cannot be read as a frame (${reasonOf(error)}): repair it, or remove ${dir}.`);
    }
  }
  return {
    path: dir,
    frames: files.length,
    async read(places) {
      const frames = await Promise.all(places.map(frameAt)), [{ width, height }] = frames;
      const pixels = new Uint8Array(frames.length * width * height * 3);
      frames.forEach((frame, t) => {
        if (frame.width !== width || frame.height !== height) {
          throw new Error(
            `${dir}: frame ${files[places[t]]} has ${frame.width} x ${frame.height} pixels, where ${
              files[places[0]]
            } has ` +
              `${width} x ${height}: a clip's frames are of one size.`,
          );
        }
        pixels.set(frame.pixels, t * width * height * 3);
      });
      return { pixels, height, width };
    },
  };
}

/**
 * The clips in a folder, in the order of their names. Nothing is decoded yet.
 *
 * @throws Error that names what is no clip, or says that there is none, or that videos need ffmpeg
 */
export async function openClipFolder(dir: string): Promise<ClipDataset & { readonly paths: readonly string[] }> {
  const clips: FiledClip[] = [];
  for (const { name, isDirectory } of await namesIn(dir)) {
    const path = join(dir, name);
    if (isDirectory) {
      const files = (await namesIn(path)).map((entry) => entry.name);
      const other = files.find((file) => !endsIn(file, IMAGE_ENDINGS));
      if (other !== undefined) throw new Error(`${join(path, other)} is no frame: take it out of the clip's folder.`);
      if (files.length === 0) throw new Error(`${path} is a clip without frames: remove it.`);
      clips.push(framesIn(path, files));
    } else if (endsIn(name, VIDEO_ENDINGS)) {
      clips.push({ path, ...await openVideo(path) });
    } else {
      throw new Error(
        `${path} is no clip: a folder of clips holds folders of frames, or videos (${VIDEO_ENDINGS.join(", ")}).`,
      );
    }
  }
  if (clips.length === 0) throw new Error(`${dir} holds no clips: neither folders of frames nor videos.`);
  const paths = clips.map(({ path }) => path);
  let known: Promise<Fingerprint> | undefined;
  return {
    name: basename(resolve(dir)),
    length: clips.length,
    source: resolve(dir),
    paths,
    framesOf: (index) => clips[index].frames,
    read: (index, places) => clips[index].read(places),
    fingerprint: () => known ??= fileFingerprint(clips.length, (i) => `${basename(paths[i])} ${clips[i].frames}`),
  };
}
