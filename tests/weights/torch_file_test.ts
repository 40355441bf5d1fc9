import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { type HostTensor, toFloat32 } from "../../lib/weights/tensors.ts";
import { isStoredTensor, torchFile } from "../../lib/weights/torch_file.ts";

/** Written by PyTorch, see fixtures/make_torch_files.py. */
const FILES = new URL("fixtures/torch/", import.meta.url).pathname;

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
    ["module.pth", "asks for torch.nn.modules.linear.Linear"],
    ["complex.pth", "asks for torch.ComplexFloatStorage"],
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
    "no zip archive",
  );
  await assertRejects(() => torchFile(FILES), Error, "is a folder, not a file");
  await assertRejects(() => Deno.stat("/tmp/ijepa_pickle_ran"), Deno.errors.NotFound);
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
