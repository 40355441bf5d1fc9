import "../loaded.ts";
import { assert, assertEquals, assertThrows } from "@std/assert";
import sharp from "sharp";
import { liveHandles } from "../../../lib/tensorflow/ops/eager.ts";
import { openSummaryWriter } from "../../../lib/tensorflow/records/summaries.ts";
import { isThere } from "../../installed.ts";
import { withFolder } from "../../with_folder.ts";
import { eventsIn, maskedCrc } from "../event_file.ts";

Deno.test("maskedCrc() is TFRecord's", () => {
  // CRC32C of "123456789" is 0xe3069283 (RFC 3720, B.4, and the catalogue of CRCs); masked as TFRecord's documentation says.
  const crc = 0xe3069283;
  assertEquals(maskedCrc(new TextEncoder().encode("123456789")), (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
});

Deno.test("openSummaryWriter() writes scalars, pictures and histograms, which are read back frame by frame", () =>
  withFolder(async (dir) => {
    const before = liveHandles(), pixels = Uint8Array.from({ length: 2 * 3 * 3 }, (_, i) => i * 14);
    {
      using writer = openSummaryWriter(`${dir}/deep/er`);
      writer.scalar(1, "loss", 0.5);
      writer.scalar(2 ** 40, "loss", -3);
      writer.image(2, "masks", pixels, 2, 3);
      writer.histogram(3, "weights", Float32Array.of(-1, 0, 0.25, 2));
      writer.flush();
      assertEquals((await eventsIn(`${dir}/deep/er`)).length, 4);
      writer.scalar(4, "late", 1);
    }
    assertEquals(liveHandles(), before);
    const [first, second, image, histogram, late] = await eventsIn(`${dir}/deep/er`);
    assertEquals([first, second], [
      { step: 1, tag: "loss", scalar: 0.5 },
      { step: 2 ** 40, tag: "loss", scalar: -3 },
    ]);
    assertEquals([image.step, image.image!.height, image.image!.width], [2, 2, 3]);
    assert(image.tag.startsWith("masks"), image.tag);
    assertEquals(new Uint8Array(await sharp(image.image!.png).raw().toBuffer()), pixels);
    assertEquals(histogram, { step: 3, tag: "weights", histogram: { min: -1, max: 2, count: 4, sum: 1.25 } });
    assertEquals(late, { step: 4, tag: "late", scalar: 1 });
  }));

Deno.test("openSummaryWriter() says where a folder cannot be written", () =>
  withFolder(async (dir) => {
    await Deno.writeTextFile(`${dir}/file`, "");
    const before = liveHandles();
    assertThrows(() => openSummaryWriter(`${dir}/file/events`), Error, `${dir}/file`);
    assertEquals(liveHandles(), before);
  }));

/** A folder's runs as TensorBoard shows them: what its page asks of it, by path. */
async function inTensorBoard<T>(
  dir: string,
  use: (ask: (path: string) => Promise<Response>) => Promise<T>,
): Promise<T> {
  const args = ["--logdir", dir, "--port", "0", "--host", "127.0.0.1", "--load_fast", "false"];
  const child = new Deno.Command("tensorboard", { args, stdin: "null", stdout: "null", stderr: "piped" }).spawn();
  try {
    let said = "", url: string | undefined;
    const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
    while (url === undefined) {
      const { value, done } = await reader.read();
      if (done) throw new Error(said);
      [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(said += value) ?? [];
    }
    await reader.cancel();
    return await use((path) => fetch(`${url}/data/plugin/${path}`));
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
}

Deno.test({
  name: "TensorBoard shows scalars, pictures and histograms that openSummaryWriter() wrote",
  ignore: !isThere("tensorboard"),
  fn: () =>
    withFolder(async (dir) => {
      const pixels = Uint8Array.from({ length: 2 * 3 * 3 }, (_, i) => i * 14);
      using writer = openSummaryWriter(`${dir}/run`);
      for (const [step, loss] of [[1, 0.5], [3, -2]]) writer.scalar(step, "loss", loss);
      writer.image(2, "masks", pixels, 2, 3);
      writer.histogram(3, "weights/pos_embed", Float32Array.of(-1, 0, 0.25, 2));
      writer.flush();
      await inTensorBoard(dir, async (ask) => {
        const of = async (plugin: string, tag: string) =>
          await (await ask(`${plugin}/${plugin}?run=run&tag=${encodeURIComponent(tag)}`)).json();
        while (!(await (await ask("histograms/tags")).text()).includes("pos_embed")) {
          await new Promise((resolve) => setTimeout(resolve, 200)); // it reads files a while after it has begun
        }
        const loss: number[][] = await of("scalars", "loss");
        assertEquals(loss.map(([, step, value]) => [step, value]), [[1, 0.5], [3, -2]]);
        const [masks]: { step: number; query: string }[] = await of("images", "masks/image");
        const shown = await (await ask(`images/individualImage?${masks.query}`)).arrayBuffer();
        assertEquals([masks.step, new Uint8Array(await sharp(shown).raw().toBuffer())], [2, pixels]);
        const [[, step, bins]]: [number, number, number[][]][] = await of("histograms", "weights/pos_embed");
        assertEquals([step, bins.reduce((sum, [, , count]) => sum + count, 0)], [3, 4]);
      });
    }),
});
