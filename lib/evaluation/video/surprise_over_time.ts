/**
 * Surprise as a video goes on: from every place in it, what comes next is predicted from what was just seen.
 *
 * @module
 */
import { tokenGrid } from "../../jepa/architectures.ts";
import type { VideoNetworks } from "../../video/load_video_encoder.ts";
import type { ClipNetworks } from "./clip_subjects.ts";
import { surprise } from "./surprise.ts";

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
 * Slides the encoder's clip along videos, a tubelet at a time, and takes the surprise at the tubelet that follows the
 * clip's first half (after jepa-intuitive-physics, whose windows move by two frames).
 *
 * @param videos uint8 [F, size, size, 3] each, F >= the clip's frames
 * @throws RangeError where one is too short
 */
export async function surpriseOverTime(
  networks: VideoNetworks,
  run: ClipNetworks,
  videos: readonly Uint8Array[],
): Promise<SurpriseOverTime[]> {
  const { frames, tubelet, image, width } = run.architecture, [times, rows, columns] = tokenGrid(run.architecture);
  const bytes = image * image * 3, clipBytes = frames * bytes, place = rows * columns;
  const windows = videos.map((video) => {
    const length = video.length / bytes, count = Math.floor((length - frames) / tubelet) + 1;
    if (Number.isInteger(length) && count >= 1) return count;
    throw new RangeError(
      `A video of ${length} frames of ${image} x ${image} RGB is none of at least ${frames} frames.`,
    );
  });
  const total = windows.reduce((sum, count) => sum + count, 0), clips = new Uint8Array(total * clipBytes);
  let first = 0;
  const starts = videos.map((video, v) => {
    for (let w = 0; w < windows[v]; w++) {
      const from = w * tubelet * bytes;
      clips.set(video.subarray(from, from + clipBytes), (first + w) * clipBytes);
    }
    return (first += windows[v]) - windows[v];
  });
  const predicted = await run.predicted(networks, clips), came = await run.came(networks.encoder, clips);
  const each = came.length / total; // numbers of a second half
  return starts.map((start, v) => {
    const tokens = Array.from({ length: windows[v] }, (_, w) =>
      Float32Array.from({ length: place }, (_, token) => {
        const at = (start + w) * each + token * width;
        return surprise(predicted.subarray(at, at + width), came.subarray(at, at + width));
      }));
    return {
      frames: tokens.map((_, w) => (w + Math.floor(times / 2)) * tubelet),
      tokens,
      means: tokens.map((own) => own.reduce((sum, value) => sum + value, 0) / place),
    };
  });
}
