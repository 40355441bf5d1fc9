import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fileKind, KIND_BYTES } from "../../../lib/weights/formats/file_kind.ts";
import { openHuggingFace } from "../../../lib/weights/hugging_face.ts";
import { openSafetensors } from "../../../lib/weights/formats/safetensors.ts";
import { torchFile } from "../../../lib/weights/formats/torch_file.ts";

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 2524038504\n";

/** What lies in the place of weights, and what the error says. */
const FOUND: [content: Uint8Array<ArrayBuffer>, says: string][] = [
  [bytes(""), "it is empty: copy or download it again"],
  [bytes(LFS), "it is a pointer of Git LFS: fetch the file itself with `git lfs pull`"],
  [bytes("\n<!DOCTYPE html>\n<html class="), "it is a web page, saved in its place"],
  [bytes('<?xml version="1.0"?><Error><Code>AccessDenied'), "it is a web page"],
  [bytes("Entry not found"), `it is text that begins "Entry not found"`],
  [bytes('{"error":"Repository not found"}'), `it is text that begins "{\\"error\\":\\"Repository not found\\"}"`],
  [bytes("\x89HDF\r\n\x1a\n" + "\0".repeat(20)), "it is an HDF5 file"],
  [bytes("\x1f\x8b\x08" + "\0".repeat(20)), "it is compressed with gzip"],
  [bytes("GGUF\x03" + "\0".repeat(20)), "it is a GGUF file"],
  [bytes("weights.pth".padEnd(257, "\0") + "ustar  \0".padEnd(255, "\0")), "it is a tar archive"],
];

async function withFile(name: string, test: (path: string, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "file_kind_test_" });
  await test(`${folder}/${name}`, folder).finally(() => Deno.remove(folder, { recursive: true }));
}

Deno.test("openSafetensors() and torchFile() say what lies in the place of weights", () =>
  withFile("weights", async (path) => {
    for (const [content, says] of FOUND) {
      await Deno.writeFile(path, content);
      await assertRejects(
        () => openSafetensors(path),
        Error,
        `${path} is not a safetensors file that can be read: ${says}`,
      );
      await assertRejects(() => torchFile(path), Error, `${path} is not a file of torch.save(): ${says}`);
    }
    await Deno.writeFile(path, bytes("\x08" + "\0".repeat(7) + "{}      "));
    await assertRejects(() => torchFile(path), Error, "it is a safetensors file: let its name end in .safetensors");
    for (
      const [start, says] of [["PK\x03\x04", "it is a zip archive: if torch"], ["\x80\x02", "it is a Python pickle"]]
    ) {
      await Deno.writeFile(path, bytes(start.padEnd(KIND_BYTES, "\xff")));
      await assertRejects(() => openSafetensors(path), Error, says);
    }
  }));

Deno.test("fileKind() says nothing of bytes that it does not know", () => {
  assertEquals(fileKind(Uint8Array.of(7, 0, 0, 0, 1)), undefined);
  assertEquals(fileKind(new Uint8Array(KIND_BYTES).fill(0xff)), undefined);
});

Deno.test("openSafetensors() names the end of a file that is cut short, whatever its start looks like", () =>
  withFile("weights", async (path) => {
    // Its header's length, 640, begins as a pickle does.
    await Deno.writeFile(path, bytes("\x80\x02" + "\0".repeat(6) + '{"a":'));
    await assertRejects(() => openSafetensors(path), Error, "it is cut short: its header should end at byte 648");
  }));

Deno.test("openHuggingFace() says what lies in the place of config.json", () =>
  withFile("config.json", async (path, folder) => {
    await Deno.writeTextFile(path, LFS);
    const { message } = await assertRejects(() => openHuggingFace(folder), Error);
    assertStringIncludes(message, `${path} is not JSON: it is a pointer of Git LFS`);
  }));
