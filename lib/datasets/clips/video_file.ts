/**
 * Video files, decoded by ffmpeg where that is installed.
 *
 * @module
 */
import type { Frames } from "./clips.ts";

/** Runs ffmpeg over a file; its output, and what it says beside it. */
async function ffmpeg(path: string, args: readonly string[]): Promise<{ output: Uint8Array; said: string }> {
  const all = ["-nostdin", "-hide_banner", "-i", path, "-map", "0:v:0", ...args];
  let result: Deno.CommandOutput;
  try {
    result = await new Deno.Command("ffmpeg", { args: all, stdout: "piped", stderr: "piped" }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(
      `${path} is a video, and ffmpeg, which reads it, is not installed: install it, or save the frames as images in a ` +
        "folder of their own.",
    );
  }
  const said = new TextDecoder().decode(result.stderr);
  if (result.success) return { output: result.stdout, said };
  throw new Error(`${path} cannot be read as a video: ffmpeg says ${said.trim().split("\n").at(-1)}`);
}

/**
 * How many frames a video has, and the way to some of them.
 *
 * @throws Error where ffmpeg is not installed, or reads no video in the file
 */
export async function openVideo(
  path: string,
): Promise<{ frames: number; read(places: readonly number[]): Promise<Frames> }> {
  // Decoded once to be counted: containers are often wrong about it.
  const { said } = await ffmpeg(path, ["-f", "null", "-"]);
  const frames = Number([...said.matchAll(/frame=\s*(\d+)/g)].at(-1)?.[1]);
  const [, width, height] = [...said.matchAll(/Video: .*?\b(\d{2,5})x(\d{2,5})\b/g)].at(-1)?.map(Number) ?? [];
  if (!(frames > 0 && width > 0 && height > 0)) throw new Error(`${path} cannot be read as a video: it has no frames.`);
  return {
    frames,
    async read(places) {
      const wanted = places.map((place) => `eq(n\\,${place})`).join("+");
      const { output } = await ffmpeg(path, [
        ...["-vf", `select=${wanted}`, "-fps_mode", "passthrough", "-frames:v", `${places.length}`],
        ...["-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
      ]);
      const bytes = places.length * height * width * 3;
      if (output.length === bytes) return { pixels: output, height, width };
      throw new Error(
        `${path}: ffmpeg gave ${output.length} bytes of ${places.length} frames of ${width} x ${height}.`,
      );
    },
  };
}
