import "./loaded.ts";
import { assert, assertEquals, assertThrows } from "@std/assert";
import sharp from "sharp";
import { liveHandles } from "../../lib/tensorflow/eager.ts";
import { openSummaryWriter } from "../../lib/tensorflow/summaries.ts";
import { withFolder } from "../with_folder.ts";
import { eventsIn, maskedCrc } from "./event_file.ts";

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
