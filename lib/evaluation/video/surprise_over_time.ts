/**
 * Surprise as a video goes on: from every place in it, what comes next is predicted from what was just seen.
 *
 * @module
 */
import { tokenGrid } from "../../jepa/architectures.ts";
import type { VideoNetworks } from "../../video/load_video_encoder.ts";
import type { ClipNetworks } from "./clip_subjects.ts";

/** The surprise at each tubelet of a video but those of its beginning, from which nothing is predicted. */
export interface SurpriseOverTime {
  /** The first frame of each tubelet, [W]. */
  frames: number[];
  /** The surprise at each of its tokens, [W, rows * columns]. */
  tokens: Float32Array[];
  /** Averaged over them, [W]. */
  means: number[];
}

/**
 * Slides the encoder's clip along a video, a tubelet at a time, and takes the surprise at the tubelet that follows the
 * clip's first half (after jepa-intuitive-physics, whose windows move by two frames).
 *
 * @param video uint8 [F, size, size, 3], F >= the clip's frames
 * @throws RangeError where it is too short
 */
export async function surpriseOverTime(
  networks: VideoNetworks,
  run: ClipNetworks,
  video: Uint8Array,
): Promise<SurpriseOverTime> {
  const { frames, tubelet, image } = run.architecture, [times, rows, columns] = tokenGrid(run.architecture);
  const bytes = image * image * 3, length = video.length / bytes, windows = Math.floor((length - frames) / tubelet) + 1;
  if (!(Number.isInteger(length) && windows >= 1)) {
    throw new RangeError(`A video of ${length} frames of ${image} x ${image} RGB is none of at least ${frames} frames.`);
  }
  const clips = new Uint8Array(windows * frames * bytes);
  for (let w = 0; w < windows; w++) {
    const start = w * tubelet * bytes;
    clips.set(video.subarray(start, start + frames * bytes), w * frames * bytes);
  }
  const values = await run.tokenSurprise(networks, clips), each = values.length / windows, place = rows * columns;
  const tokens = Array.from({ length: windows }, (_, w) => values.slice(w * each, w * each + place));
  return {
    frames: tokens.map((_, w) => (w + Math.floor(times / 2)) * tubelet),
    tokens,
    means: tokens.map((own) => own.reduce((sum, value) => sum + value, 0) / place),
  };
}
