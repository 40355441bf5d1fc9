import { assert, assertEquals, assertRejects } from "@std/assert";
import sharp from "sharp";
import { openClipFolder } from "../../../lib/datasets/clips/clip_folder.ts";
import { clipWindows } from "../../../lib/datasets/clips/clips.ts";
import { withFolder } from "../../with_folder.ts";

/** Writes a picture of one grey. */
async function grey(path: string, value: number, width = 32, height = 16): Promise<void> {
  const background = { r: value, g: value, b: value };
  await Deno.writeFile(path, await sharp({ create: { width, height, channels: 3, background } }).png().toBuffer());
}

/** Writes a folder of frames, whose greys are these. */
async function frames(dir: string, greys: readonly number[]): Promise<void> {
  await Deno.mkdir(dir);
  for (const [i, value] of greys.entries()) await grey(`${dir}/${i + 1}.png`, value);
}

/** Whether ffmpeg is there to be tested. */
async function ffmpegRuns(): Promise<boolean> {
  try {
    return (await new Deno.Command("ffmpeg", { args: ["-version"], stdout: "null", stderr: "null" }).output()).success;
  } catch {
    return false;
  }
}

/** The grey of each frame, whose pixels are all the same. */
const greysOf = (pixels: Uint8Array, frames: number) => {
  const bytes = pixels.length / frames;
  return Array.from({ length: frames }, (_, t) => {
    const frame = pixels.subarray(t * bytes, (t + 1) * bytes);
    assert(frame.every((value) => Math.abs(value - frame[0]) <= 1));
    return frame[0];
  });
};

Deno.test("folders of frames are clips, frames in the order of their numbers", async () => {
  await withFolder(async (dir) => {
    await frames(`${dir}/a`, Array.from({ length: 11 }, (_, i) => 20 * i));
    await frames(`${dir}/b`, [7, 8]);
    const clips = await openClipFolder(dir);
    assertEquals([clips.length, clips.framesOf(0), clips.framesOf(1)], [2, 11, 2]);
    const { pixels, width, height } = await clips.read(0, [1, 9, 10]);
    assertEquals([width, height, greysOf(pixels, 3)], [32, 16, [20, 180, 200]]);
  });
});

Deno.test("a clip that is too short, frames of different sizes and what is no clip are told in one sentence each", async () => {
  await withFolder(async (dir) => {
    await frames(`${dir}/short`, [1, 2, 3]);
    const clips = await openClipFolder(dir);
    const why = "clip 0 has 3 frames, and a window spans 7: leave it out, or take fewer frames or denser ones.";
    let told = "";
    try {
      clipWindows(clips, { frames: 4, every: 2 });
    } catch (error) {
      told = (error as Error).message;
    }
    assert(told.endsWith(why), told);
    await grey(`${dir}/short/4.png`, 4, 16, 16);
    await assertRejects(
      async () => await (await openClipFolder(dir)).read(0, [0, 3]),
      Error,
      "short: frame 4.png has 16 x 16 pixels, where 1.png has 32 x 16: a clip's frames are of one size.",
    );
    await Deno.writeTextFile(`${dir}/notes.txt`, "");
    await assertRejects(
      () => openClipFolder(dir),
      Error,
      "notes.txt is no clip: a folder of clips holds folders of frames",
    );
  });
});

Deno.test({
  name: "a video file is a clip, its frames by their places",
  ignore: !await ffmpegRuns(),
  async fn() {
    await withFolder(async (dir) => {
      await withFolder(async (pictures) => {
        await frames(`${pictures}/f`, [10, 60, 110, 160, 210]);
        const args = ["-i", `${pictures}/f/%d.png`, "-c:v", "ffv1", "-pix_fmt", "bgr0", `${dir}/clip.mkv`];
        assert((await new Deno.Command("ffmpeg", { args, stderr: "null" }).output()).success);
      });
      const clips = await openClipFolder(dir);
      assertEquals([clips.length, clips.framesOf(0)], [1, 5]);
      const { pixels, width, height } = await clips.read(0, [1, 3, 4]);
      assertEquals([width, height, greysOf(pixels, 3)], [32, 16, [60, 160, 210]]);
      await Deno.writeTextFile(`${dir}/clip.mkv`, "no video");
      await assertRejects(() => openClipFolder(dir), Error, "clip.mkv cannot be read as a video: ffmpeg says");
    });
  },
});

Deno.test("a video where ffmpeg is not installed is told in one sentence", async () => {
  await withFolder(async (dir) => {
    await Deno.writeTextFile(`${dir}/clip.mp4`, "");
    const path = Deno.env.get("PATH") ?? "";
    Deno.env.set("PATH", dir);
    try {
      const why =
        "clip.mp4 is a video, and ffmpeg, which reads it, is not installed: install it, or save the frames as images";
      await assertRejects(() => openClipFolder(dir), Error, why);
    } finally {
      Deno.env.set("PATH", path);
    }
  });
});
