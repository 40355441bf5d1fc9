import { assertEquals, assertRejects } from "@std/assert";
import type { ClipNetworks } from "../../../lib/evaluation/video/clip_subjects.ts";
import { surpriseOverTime } from "../../../lib/evaluation/video/surprise_over_time.ts";
import { videoPreset } from "../../../lib/video/presets.ts";

/** Clips of 8 frames in 4 times of 2 x 2 tokens. */
const architecture = {
  ...videoPreset("vjepa-scenes").architecture,
  image: 4,
  patch: 2,
  frames: 8,
  tubelet: 2,
  width: 2,
};
const bytes = 4 * 4 * 3;

/** Is surprised at token i of the second half by the number of the clip's first frame, and i / 100. */
const run = {
  architecture,
  predicted(_networks: unknown, clips: Uint8Array) {
    const count = clips.length / (8 * bytes);
    return Promise.resolve(Float32Array.from({ length: count * 8 * 2 }, (_, i) => {
      return clips[Math.floor(i / 16) * 8 * bytes] + Math.floor(i / 2) % 8 / 100;
    }));
  },
  came: (_encoder: unknown, clips: Uint8Array) => Promise.resolve(new Float32Array(clips.length / (8 * bytes) * 8 * 2)),
} as unknown as ClipNetworks;

const networks = {} as Parameters<typeof surpriseOverTime>[0];

/** A video whose frames hold their numbers. */
const video = (frames: number) => Uint8Array.from({ length: frames * bytes }, (_, i) => Math.floor(i / bytes));

Deno.test("surpriseOverTime() slides by tubelets, and takes the one that follows what is seen", async () => {
  const [one, { frames, tokens, means }] = await surpriseOverTime(networks, run, [
    video(8).fill(9),
    video(13), // the last frame fills no tubelet
  ]);
  assertEquals([one.frames, one.tokens], [[4], [Float32Array.of(9, 9.01, 9.02, 9.03)]]);
  assertEquals(frames, [4, 6, 8]);
  assertEquals(tokens, [0, 2, 4].map((start) => Float32Array.of(start, start + 0.01, start + 0.02, start + 0.03)));
  assertEquals(means.map((value) => value.toFixed(3)), ["0.015", "2.015", "4.015"]);
});

Deno.test("surpriseOverTime() says when a video is too short", async () => {
  await assertRejects(() => surpriseOverTime(networks, run, [video(9), video(7)]), RangeError, "7 frames");
});
