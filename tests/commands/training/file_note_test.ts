import { assertEquals } from "@std/assert";
import { fileNote } from "../../../lib/commands/training/file_note.ts";

Deno.test("fileNote() says what is being done until it is done", () => {
  const progress = { action: "writing", path: "runs/1/checkpoint-00000400.safetensors", total: 5.1e9 } as const;
  assertEquals(fileNote({ ...progress, done: 2.1e9 }), "writing checkpoint-00000400.safetensors, 2.1 of 5.1 GB");
  assertEquals(fileNote({ ...progress, done: 5.1e9 }), "");
});
