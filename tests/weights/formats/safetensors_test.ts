import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  DamagedFileError,
  type HostTensor,
  openSafetensors,
  readSafetensors,
  toBfloat16,
  toFloat16,
  toFloat32,
  writeSafetensors,
} from "../../../lib/weights/formats/safetensors.ts";

/** Written by the reference implementation, see fixtures/make_reference.py. */
const REFERENCE = new URL("../fixtures/reference.safetensors", import.meta.url).pathname;

async function withFolder(test: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir({ prefix: "safetensors_test_" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A file of this header and as many zero bytes of data. */
async function craft(
  path: string,
  header: string,
  dataBytes: number,
  length = new TextEncoder().encode(header).length,
) {
  const bytes = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + bytes.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(length), true);
  file.set(bytes, 8);
  await Deno.writeFile(path, file);
}

Deno.test("readSafetensors() reads every dtype that the reference implementation wrote", async () => {
  const { tensors, metadata } = await readSafetensors(REFERENCE);
  const ramp = [0, 1, -2, 0.5, 3.140625, -100];
  assertEquals(metadata, { format: "np\n" });
  const f32 = (shape: number[], values: number[]): HostTensor => ({
    dtype: "F32",
    shape,
    data: Float32Array.of(...values),
  });
  assertEquals<Record<string, HostTensor>>({ ...tensors }, {
    "blocks.0.attn.qkv.weight": f32([2, 3], ramp),
    half: { dtype: "F16", shape: [6], data: Float16Array.of(...ramp) },
    brain: { dtype: "BF16", shape: [3, 2, 1], data: toBfloat16(Float32Array.of(...ramp)) },
    double: { dtype: "F64", shape: [6], data: Float64Array.of(...ramp) },
    mask: { dtype: "BOOL", shape: [3], data: Uint8Array.of(1, 0, 1) },
    bytes: { dtype: "U8", shape: [3], data: Uint8Array.of(0, 127, 255) },
    signed: { dtype: "I8", shape: [3], data: Int8Array.of(-128, 0, 127) },
    short: { dtype: "I16", shape: [2], data: Int16Array.of(-32768, 32767) },
    ushort: { dtype: "U16", shape: [2], data: Uint16Array.of(0, 65535) },
    step: { dtype: "I32", shape: [2], data: Int32Array.of(-(2 ** 31), 2 ** 31 - 1) },
    uint: { dtype: "U32", shape: [2], data: Uint32Array.of(0, 2 ** 32 - 1) },
    long: { dtype: "I64", shape: [2], data: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n) },
    ulong: { dtype: "U64", shape: [2], data: BigUint64Array.of(0n, 2n ** 64n - 1n) },
    scalar: f32([], [42]),
    empty: f32([0, 4], []),
    'Zürich "图" 🐙': f32([2], [1, 2]),
  });
  for (const name of ["half", "brain", "double"]) assertEquals([...toFloat32(tensors[name])], ramp);
});

Deno.test("writeSafetensors() writes the reference implementation's bytes", () =>
  withFolder(async (folder) => {
    const { tensors, metadata } = await readSafetensors(REFERENCE);
    const reversed = Object.fromEntries(Object.entries(tensors).reverse());
    await writeSafetensors(`${folder}/copy.safetensors`, reversed, metadata);
    assertEquals(await Deno.readFile(`${folder}/copy.safetensors`), await Deno.readFile(REFERENCE));
    assertEquals([...Deno.readDirSync(folder)].map((entry) => entry.name), ["copy.safetensors"]);
  }));

Deno.test("writeSafetensors() takes views into larger buffers", () =>
  withFolder(async (folder) => {
    const data = Float32Array.of(0, 1, 2, 3, 4).subarray(1, 4);
    await writeSafetensors(`${folder}/view.safetensors`, { view: { dtype: "F32", shape: [3], data } });
    const { tensors, metadata } = await readSafetensors(`${folder}/view.safetensors`);
    assertEquals(tensors.view.data, Float32Array.of(1, 2, 3));
    assertEquals(metadata, {});
  }));

Deno.test("writeSafetensors() refuses data that does not fit and leaves the file that was there", () =>
  withFolder(async (folder) => {
    const path = `${folder}/kept.safetensors`;
    await writeSafetensors(path, { a: { dtype: "U8", shape: [1], data: Uint8Array.of(7) } });
    const attempts: [Record<string, unknown>, string][] = [
      [{ w: { dtype: "F32", shape: [2, 2], data: new Float32Array(3) } }, `tensor "w" has shape [2,2], but 3 elements`],
      [{ w: { dtype: "F32", shape: [2], data: new Float64Array(2) } }, `the data of tensor "w" is not what dtype F32`],
      [{ w: { dtype: "F8", shape: [2], data: new Uint8Array(2) } }, `the data of tensor "w" is not what dtype F8`],
      [{ w: { dtype: "U8", shape: [-1, -2], data: new Uint8Array(2) } }, `tensor "w" has shape [-1,-2]`],
      [{ __metadata__: { dtype: "U8", shape: [1], data: new Uint8Array(1) } }, "must not be named __metadata__"],
    ];
    for (const [tensors, message] of attempts) {
      await assertRejects(() => writeSafetensors(path, tensors as Record<string, HostTensor>), Error, message);
    }
    assertEquals((await readSafetensors(path)).tensors.a.data, Uint8Array.of(7));
  }));

Deno.test("readSafetensors() says in one sentence what is wrong with a file", () =>
  withFolder(async (folder) => {
    const path = `${folder}/bad.safetensors`;
    const entry = (begin: number, end: number, shape = [(end - begin) / 4], dtype = "F32") =>
      JSON.stringify({ dtype, shape, data_offsets: [begin, end] });
    const cases: [header: string, dataBytes: number, message: string][] = [
      ["[]", 0, "its header is not a JSON object"],
      [`{"a":`, 0, "its header is not JSON"],
      [`{"a":7}`, 0, `the header's entry for tensor "a" is not an object`],
      [`{"a":${entry(0, 8, [2], "F31")}}`, 8, `tensor "a" has the unknown dtype "F31"`],
      [
        `{"a":${entry(0, 2, [2], "F8_E4M3")}}`,
        2,
        `tensor "a" is of dtype F8_E4M3, which the format has and the kit does not`,
      ],
      [`{"a":${entry(0, 8, [1], "C64")}}`, 8, "write it as F32, F16 or BF16 (in PyTorch, tensor.float())"],
      [`{"a":${entry(0, 8, [2], "constructor")}}`, 8, `tensor "a" has the unknown dtype "constructor"`],
      [`{"a":${entry(0, 8, [3])}}`, 8, `tensor "a" of dtype F32 and shape [3] takes 12 bytes, but has 8`],
      [`{"a":${entry(0, 8, [-2])}}`, 8, `tensor "a" has no valid shape`],
      [`{"a":${entry(0, 8, [0.5, 4])}}`, 8, `tensor "a" has no valid shape`],
      [`{"a":${entry(8, 0, [2])}}`, 8, `tensor "a" of dtype F32 and shape [2] takes 8 bytes, but has -8`],
      [`{"a":{"dtype":"F32","shape":[2]}}`, 8, `tensor "a" has no valid data_offsets`],
      [`{"a":${entry(0, 8)},"b":${entry(4, 12)}}`, 12, `tensor "b" overlaps the one before it`],
      [`{"a":${entry(0, 8)},"b":${entry(12, 20)}}`, 20, `the 4 bytes before tensor "b" belong to no tensor`],
      [`{"a":${entry(0, 8)},"a":${entry(0, 8)}}`, 8, "a tensor's name occurs twice"],
      [`{"a":${entry(0, 8)}}`, 5, `it is cut short: tensor "a" ends 3 bytes behind the file's end`],
      [`{"a":${entry(0, 8)}}`, 11, "its last 3 bytes belong to no tensor"],
      [`{"a":${entry(0, 2 ** 52)}}`, 8, `it is cut short: tensor "a" ends`],
      [`{"__metadata__":{"epoch":3}}`, 0, "its __metadata__ is not an object of strings"],
    ];
    for (const [header, dataBytes, message] of cases) {
      await craft(path, header, dataBytes);
      const error = await assertRejects(() => readSafetensors(path), Error, message);
      assertStringIncludes(error.message, path);
    }
    await Deno.writeFile(path, new Uint8Array(7));
    await assertRejects(() => readSafetensors(path), Error, "it has 7 bytes, fewer than the 8");
    await craft(path, "{}", 0, 3);
    await assertRejects(() => readSafetensors(path), Error, "its header should end at byte 11, the file has 10");
    await craft(path, "{}", 0, 2 ** 40);
    await assertRejects(() => readSafetensors(path), Error, "more than the 100000000 that are allowed");
    await Deno.writeFile(path, Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff));
    await assertRejects(() => readSafetensors(path), Error, "its header is not UTF-8");
  }));

Deno.test("openSafetensors() describes tensors before it reads them, and notices that a file has changed since", () =>
  withFolder(async (folder) => {
    const path = `${folder}/later.safetensors`;
    await Deno.copyFile(REFERENCE, path);
    const { tensors } = await openSafetensors(path);
    assertEquals([tensors.brain.dtype, tensors.brain.shape], ["BF16", [3, 2, 1]]);
    assertEquals(await tensors.step.read(), { dtype: "I32", shape: [2], data: Int32Array.of(-(2 ** 31), 2 ** 31 - 1) });
    await Deno.truncate(path, (await Deno.stat(path)).size - 1);
    await assertRejects(() => tensors.step.read(), Error, `${path} was changed while it was being read`);
    await assertRejects(() => openSafetensors(folder), Error, `${folder} is a folder, not a file`);
    await assertRejects(() => openSafetensors(`${folder}/none`), Deno.errors.NotFound, `${folder}/none`);
  }));

Deno.test("toBfloat16() rounds to nearest, ties to even", () => {
  const bits = (...words: number[]) => new Float32Array(Uint32Array.of(...words).buffer);
  // One half above an even and an odd last bit, a little more and a little less than one half.
  assertEquals(
    toBfloat16(bits(0x3f808000, 0x3f818000, 0x3f808001, 0x3f807fff)),
    Uint16Array.of(0x3f80, 0x3f82, 0x3f81, 0x3f80),
  );
  assertEquals(toBfloat16(bits(0x7f7fffff, 0xff800000, 0x80000000)), Uint16Array.of(0x7f80, 0xff80, 0x8000));
  for (const nan of [0x7f800001, 0xffffffff]) {
    const [rounded] = toBfloat16(bits(nan));
    assert(Number.isNaN(toFloat32({ dtype: "BF16", shape: [1], data: Uint16Array.of(rounded) })[0]));
  }
  fc.assert(fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
    const [back] = toFloat32({ dtype: "BF16", shape: [1], data: toBfloat16(Float32Array.of(value)) });
    // 8 significant bits: half a unit in the last place, and the same absolute step among the subnormal numbers.
    assert(
      back === Math.sign(value) * Infinity || Math.abs(back - value) <= Math.max(Math.abs(value) * 2 ** -8, 2 ** -134),
    );
  }));
});

Deno.test("toFloat16() rounds to nearest, ties to even, and overflows to infinity", () => {
  const rounded = toFloat16(Float32Array.of(2049, 2051, 65504, 65519, 65520, -1e6, 2 ** -25, 1.5 * 2 ** -24));
  assertEquals([...rounded], [2048, 2052, 65504, 65504, Infinity, -Infinity, 0, 2 ** -23]);
});

Deno.test("toFloat32() refuses integers", () => {
  assertThrows(() => toFloat32({ dtype: "I32", shape: [1], data: new Int32Array(1) }), TypeError, "dtype I32");
});

const shapes = fc.array(fc.nat(3), { maxLength: 3 });
const tensor: fc.Arbitrary<HostTensor> = shapes.chain((shape) => {
  const size = { minLength: shape.reduce((a, b) => a * b, 1), maxLength: shape.reduce((a, b) => a * b, 1) };
  return fc.oneof(
    fc.float32Array(size).map((data): HostTensor => ({ dtype: "F32", shape, data })),
    fc.float64Array(size).map((data): HostTensor => ({ dtype: "F64", shape, data })),
    fc.uint16Array(size).map((data): HostTensor => ({ dtype: "BF16", shape, data })),
    fc.uint8Array(size).map((data): HostTensor => ({ dtype: "U8", shape, data })),
    fc.bigInt64Array(size).map((data): HostTensor => ({ dtype: "I64", shape, data })),
  );
});
const names = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.constantFrom("__proto__", "0", "data_offsets", '"data_offsets":['),
)
  .filter((name) => name !== "__metadata__");
const files = fc.dictionary(names, tensor, { maxKeys: 5, noNullPrototype: true });

Deno.test("readSafetensors() gives back what writeSafetensors() was given", () =>
  withFolder(async (folder) => {
    const path = `${folder}/round.safetensors`;
    const text = fc.dictionary(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), {
      noNullPrototype: true,
    });
    await fc.assert(
      fc.asyncProperty(files, text, async (tensors, metadata) => {
        await writeSafetensors(path, tensors, metadata);
        const read = await readSafetensors(path);
        assertEquals(read.tensors, tensors);
        assertEquals(read.metadata, metadata);
        // The data begin at a multiple of 8 bytes, so that a reader may map the file.
        assertEquals((await Deno.readFile(path))[0] % 8, 0);
      }),
      { numRuns: 100 },
    );
  }));

Deno.test("readSafetensors() reads a damaged file or says that it is one, and never does anything else", () =>
  withFolder(async (folder) => {
    const path = `${folder}/damaged.safetensors`;
    const whole = await Deno.readFile(REFERENCE);
    const headerEnd = 8 + Number(new DataView(whole.buffer).getBigUint64(0, true));
    const changes = fc.array(fc.tuple(fc.nat(headerEnd - 1), fc.nat(255)), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(changes, fc.option(fc.nat(whole.length - 1)), async (changes, cut) => {
        const bytes = whole.slice(0, cut ?? whole.length);
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        await Deno.writeFile(path, bytes);
        try {
          await readSafetensors(path);
        } catch (error) {
          assertMatch(
            (error as Error).message,
            /^\S+damaged\.safetensors is not a safetensors file that can be read: .+\.$/,
          );
          return;
        }
        assertEquals(cut, null);
      }),
      { numRuns: 300 },
    );
  }));

Deno.test("a file with checksums reads as one without, but for any byte that is another, which is found", () =>
  withFolder(async (folder) => {
    const path = `${folder}/summed.safetensors`;
    const change = fc.tuple(
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.integer({ min: 1, max: 255 }),
    );
    await fc.assert(
      fc.asyncProperty(
        files,
        fc.constantFrom<Record<string, string>>({}, { step: "8" }),
        change,
        async (tensors, metadata, [place, bits]) => {
          await writeSafetensors(path, tensors, metadata, { checksums: true });
          assertEquals(
            await readSafetensors(path),
            { tensors, metadata } as Awaited<ReturnType<typeof readSafetensors>>,
          );
          const bytes = await Deno.readFile(path);
          bytes[Math.floor(place * bytes.length)] ^= bits;
          await Deno.writeFile(path, bytes);
          const { message } = await assertRejects(() => readSafetensors(path), DamagedFileError);
          assertMatch(
            message,
            /^\S+summed\.safetensors is (damaged: .+ is not what was written|not a safetensors file that can be read: .+)\.$/s,
          );
        },
      ),
      { numRuns: 200 },
    );
  }));

Deno.test("writeSafetensors() asks for lent tensors in their turn, and leaves nothing where one is not to be had", () =>
  withFolder(async (folder) => {
    const path = `${folder}/lent.safetensors`, asked: string[] = [], told: number[][] = [];
    const lent = (name: string, ...bytes: number[]) => ({
      dtype: "U8" as const,
      shape: [2],
      async lend(use: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>) {
        asked.push(name);
        await use(Uint8Array.from(bytes));
      },
    });
    const onProgress = (done: number, total: number) => told.push([done, total]);
    await writeSafetensors(path, { b: lent("b", 1, 2), a: lent("a", 3, 4) }, {}, { onProgress });
    assertEquals(asked, ["a", "b"]);
    assertEquals((await readSafetensors(path)).tensors.b.data, Uint8Array.of(1, 2));
    const { size } = await Deno.stat(path);
    assertEquals(told, [[2, size], [4, size], [size, size]]);

    await assertRejects(
      () => writeSafetensors(path, { a: lent("a", 1) }),
      Error,
      'tensor "a" takes 2 bytes, but 1 were',
    );
    const gone = { ...lent("a"), lend: () => Promise.reject(new RangeError("not finite")) };
    await assertRejects(() => writeSafetensors(path, { b: lent("b", 5, 6), a: gone }), RangeError, "not finite");
    assertEquals((await readSafetensors(path)).tensors.b.data, Uint8Array.of(1, 2));
    assertEquals(await Array.fromAsync(Deno.readDir(folder), ({ name }) => name), ["lent.safetensors"]);
  }));
