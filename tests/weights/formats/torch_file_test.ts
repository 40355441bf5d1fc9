import { assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import { openAuthorsCheckpoint } from "../../../lib/weights/authors.ts";
import { type HostTensor, toFloat32 } from "../../../lib/weights/formats/tensors.ts";
import { isStoredTensor, torchFile } from "../../../lib/weights/formats/torch_file.ts";

/** Written by PyTorch, see fixtures/make_torch_files.py. */
const FILES = new URL("../fixtures/torch/", import.meta.url).pathname;

/** A value with all of its tensors read. */
async function whole(value: unknown): Promise<unknown> {
  if (isStoredTensor(value)) return { ...await value.read() };
  if (Array.isArray(value)) return await Promise.all(value.map(whole));
  if (!(value instanceof Map)) return value;
  return new Map(await Promise.all([...value].map(async ([key, item]) => [key, await whole(item)] as const)));
}

const f32 = (shape: number[], ...values: number[]): HostTensor => ({
  dtype: "F32",
  shape,
  data: Float32Array.from(values),
});

Deno.test("torchFile() reads every container and dtype of PyTorch's files, in each protocol", async () => {
  const ramp = Array.from({ length: 24 }, (_, i) => i), values = [0, 1, -2, 0.5, 3.140625, -100];
  for (const name of ["protocol2.pth", "protocol3.pth", "protocol4.pth", "no_checksums.pth"]) {
    const held = await whole(await torchFile(`${FILES}${name}`)) as Map<unknown, unknown>;
    assertEquals(
      [...held.keys()],
      ["views", "half", "brain", "double", "long", "int", "short", "signed", "bytes", "bool", "empty", "state"]
        .concat(["numbers", "others", "sets", "size"], [7 as unknown as string]),
    );
    assertEquals(held.get("views"), [
      f32([2, 3, 4], ...ramp),
      f32([3, 4], ...ramp.slice(12)),
      f32([4, 3, 2], ...[0, 12, 4, 16, 8, 20, 1, 13, 5, 17, 9, 21, 2, 14, 6, 18, 10, 22, 3, 15, 7, 19, 11, 23]),
      f32([2, 2, 2], 4, 6, 8, 10, 16, 18, 20, 22),
      f32([1, 2, 4], 0, 1, 2, 3, 12, 13, 14, 15),
      f32([], 23),
    ]);
    for (const [key, dtype] of [["half", "F16"], ["brain", "BF16"], ["double", "F64"]]) {
      const tensor = held.get(key) as HostTensor;
      assertEquals([tensor.dtype, tensor.shape, [...toFloat32(tensor)]], [dtype, [6], values]);
    }
    assertEquals(held.get("long"), { dtype: "I64", shape: [2], data: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n) });
    assertEquals(held.get("int"), { dtype: "I32", shape: [2], data: Int32Array.of(-(2 ** 31), 2 ** 31 - 1) });
    assertEquals(held.get("short"), { dtype: "I16", shape: [2], data: Int16Array.of(-32768, 32767) });
    assertEquals(held.get("signed"), { dtype: "I8", shape: [2], data: Int8Array.of(-128, 127) });
    assertEquals(held.get("bytes"), { dtype: "U8", shape: [2], data: Uint8Array.of(0, 255) });
    assertEquals(held.get("bool"), { dtype: "BOOL", shape: [2], data: Uint8Array.of(1, 0) });
    assertEquals(held.get("empty"), f32([0, 3]));
    assertEquals(held.get("state"), new Map([["weight", f32([1, 2], 1, 2)], ["bias", f32([1], 3)]]));
    assertEquals(
      held.get("numbers"),
      [0, 255, 256, -1, 65535, 65536, 2 ** 31 - 1, -(2 ** 31), 2 ** 40, 2n ** 70n, -(2n ** 70n), 1.5, Infinity],
    );
    assertEquals<unknown>(
      held.get("others"),
      [null, true, false, "", "Zürich 图", "x".repeat(300), [], [1], [1, [2]], [1, 2, 3], [1, 2, 3, 4]],
    );
    assertEquals(held.get("sets"), [new Set([1, 2]), new Set(["a"]), new Set()]);
    assertEquals(held.get("size"), [2, 3]);
    assertEquals(held.get(7), new Map([["nested", [[], new Map()]]]));
  }
});

Deno.test("torchFile() refuses by name what is more than tensors and containers, and runs nothing", async () => {
  const cases: [file: string, message: string][] = [
    ["command.pth", "asks for posix.system"],
    ["command4.pth", "asks for posix.system"],
    ["module.pth", "asks for torch.nn.modules.linear.Linear, and nothing but tensors"],
    ["complex.pth", "asks for torch.ComplexFloatStorage for a tensor that is not read here: save it dense, in float32"],
    ["float8.pth", "asks for torch._utils._rebuild_tensor_v3 for a tensor that is not read here"],
    ["conjugate.pth", "a tensor has the flags neg"],
    ["expanded.pth", "a tensor of shape [3] shows elements of expanded/data/0 more than once"],
    ["script.pth", "it is a TorchScript program"],
    ["legacy.pth", "the format that PyTorch wrote before 1.6"],
    ["compressed.pth", "state/byteorder in it is compressed or encrypted"],
    ["twice.pth", "it holds state/data/0 twice"],
    ["big_endian.pth", "its numbers are not little-endian"],
    ["short_storage.pth", "the storage data/0 should hold 2 numbers of 4 bytes, but has 7"],
    ["no_storage.pth", "it asks for the storage data/0, which the file does not hold"],
    ["no_pickle.pth", "it should hold one data.pkl"],
    ["two_pickles.pth", "it should hold one data.pkl"],
  ];
  for (const [file, message] of cases) {
    const error = await assertRejects(() => torchFile(`${FILES}${file}`), Error, message);
    assertStringIncludes(error.message, `${FILES}${file}`);
  }
  await assertRejects(
    () => torchFile(new URL("torch_file_test.ts", import.meta.url).pathname),
    Error,
    "it is text that begins",
  );
  await assertRejects(() => torchFile(FILES), Error, "is a folder, not a file");
  await assertRejects(() => Deno.stat("/tmp/ijepa_pickle_ran"), Deno.errors.NotFound);
});

/** A file of torch.save() with this pickle of protocol 2 (numbers are bytes) and one storage, data/0, of 8 bytes. */
function torchBytes(...body: (number | string)[]): Uint8Array<ArrayBuffer> {
  const ascii = (text: string) => [...Buffer.from(text, "latin1")];
  const pickle = Uint8Array.from([0x80, 2, ...body.flatMap((part) => typeof part === "number" ? part : ascii(part))]);
  const files = [{ name: "a/data.pkl", data: pickle }, { name: "a/data/0", data: new Uint8Array(8) }];
  const bytes = (size: number, fields: [at: number, value: number][]) => {
    const view = new DataView(new ArrayBuffer(size));
    for (const [at, value] of fields) view.setUint32(at, value, true);
    return new Uint8Array(view.buffer);
  };
  const parts: Uint8Array[] = [], directory: Uint8Array[] = [];
  const length = (of: Uint8Array[]) => of.reduce((sum, part) => sum + part.length, 0);
  for (const { name, data } of files) { // no checksums, as PyTorch can leave them out
    const { length: size } = data, start = length(parts), named = Uint8Array.from(ascii(name));
    directory.push(
      bytes(46, [[0, 0x02014b50], [20, size], [24, size], [28, named.length], [42, start]]),
      named,
    );
    parts.push(bytes(30, [[0, 0x04034b50], [18, size], [22, size], [26, named.length]]), named, data);
  }
  const end = bytes(22, [[0, 0x06054b50], [8, files.length | files.length << 16], [12, length(directory)], [
    16,
    length(parts),
  ]]);
  return Uint8Array.from(Buffer.concat([...parts, ...directory, end]));
}

Deno.test("torchFile() is not hung, and what it checked of a tensor not changed, by the rest of the pickle", async () => {
  const path = await Deno.makeTempFile({ suffix: ".pth" });
  const open = async (...body: (number | string)[]) => {
    await Deno.writeFile(path, torchBytes(...body));
    const start = performance.now();
    return await torchFile(path).finally(() => assertLess(performance.now() - start, 5000));
  };
  const text = (of: string) => ["X", of.length, 0, 0, 0, of];
  const storage = (elements: (number | string)[]) => [
    ...["(", ...text("storage"), "ctorch\nFloatStorage\n", ...text("0"), ...text("cpu"), ...elements, "tQ"],
  ];
  const tensor = (shape: (number | string)[], stride: (number | string)[], rest: (number | string)[] = []) => [
    ...["ctorch._utils\n_rebuild_tensor_v2\n(", ...storage(["K", 2]), "K", 0, ...shape, ...stride, ...rest, "tR"],
  ];
  // A text of it would have 2 ** 28 names.
  const doubled = ["N", ...Array.from({ length: 28 }, () => ["2", 0x86]).flat()];
  try {
    const two = ["K", 2, 0x85], one = ["K", 1, 0x85];
    assertEquals(await whole(await open(...tensor(two, one), ".")), f32([2], 0, 0));
    await assertRejects(() => open(...storage(doubled), "."), Error, "data/0 has no number of elements");
    const flags = ["}", ...text("neg"), 0x88, "s", ...doubled, 0x88, "s"];
    await assertRejects(() => open(...tensor(two, one, [0x89, "}", ...flags]), "."), Error, "has the flags neg");
    await assertRejects(() => open(...tensor([...two, "q", 0], one), "h", 0, "K", 9, "a."), Error, "what is no list");
    const lists = tensor(["](K", 2, "eq", 0], ["](K", 1, "eq", 1]),
      append = (index: number) => ["h", index, "K", 9, "a0"];
    assertEquals(await whole(await open(...lists, ...append(0), ...append(1), ".")), f32([2], 0, 0));
    await Deno.writeFile(path, torchBytes(...Array.from({ length: 1 << 10 }, () => "0".repeat(1 << 12))));
    await assertRejects(() => torchFile(path), Error, "its pickle has 4194306 bytes, more than any checkpoint needs");

    const name = await Deno.makeTempFile({ suffix: ".pth.tar" });
    await Deno.writeFile(name, torchBytes("}", ...text("model"), "Ns", ...doubled, "Ns."));
    await assertRejects(() => openAuthorsCheckpoint(name), Error, "it holds model.").finally(() => Deno.remove(name));
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("torchFile() reads a damaged file as it was or says that it is damaged", async () => {
  const folder = await Deno.makeTempDir({ prefix: "torch_file_test_" }), path = `${folder}/damaged.pth`;
  const original = await Deno.readFile(`${FILES}protocol2.pth`);
  const expected = Deno.inspect(await whole(await torchFile(`${FILES}protocol2.pth`)), {
    depth: 9,
    iterableLimit: 999,
  });
  const change = fc.tuple(fc.nat(original.length - 1), fc.nat(255));
  const cut = fc.option(fc.nat(original.length - 1), { freq: 8 });
  let refused = 0;
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), cut, async (changes, cut) => {
        const bytes = original.slice(0, cut ?? original.length);
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        await Deno.writeFile(path, bytes);
        let read: unknown;
        try {
          read = await whole(await torchFile(path));
        } catch (error) {
          refused++;
          assertStringIncludes((error as Error).message, path);
          return;
        }
        assertEquals(Deno.inspect(read, { depth: 9, iterableLimit: 999 }), expected);
      }),
      { numRuns: 60, seed: 4 },
    );
    assertEquals(refused > 15, true);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
