import { assertEquals, assertRejects } from "@std/assert";
import { npyHeader, readNpy } from "../../../lib/weights/formats/npy.ts";

/** Of numpy 2.4.6: numpy.save(file, numpy.arange(6, dtype="<f4").reshape(2, 3) / 4), in hexadecimal. */
const NUMPY =
  "934e554d5059010076007b276465736372273a20273c6634272c2027666f727472616e5f6f72646572273a2046616c73652c20277368617065273a2028322c2033292c207d202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020202020200a000000000000803e0000003f0000403f0000803f0000a03f";

const bytesOf = (hex: string) => Uint8Array.from(hex.match(/../g)!, (pair) => parseInt(pair, 16));

async function withFile(bytes: Uint8Array, test: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".npy" });
  try {
    await Deno.writeFile(path, bytes);
    await test(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("npyHeader() is the one that numpy writes", () => {
  assertEquals(npyHeader([2, 3]), bytesOf(NUMPY).subarray(0, 128));
});

Deno.test("readNpy() reads numpy's file", () =>
  withFile(bytesOf(NUMPY), async (path) => {
    const { shape, values } = await readNpy(path);
    assertEquals([shape, [...values]], [[2, 3], [0, 0.25, 0.5, 0.75, 1, 1.25]]);
  }));

Deno.test("readNpy() reads any number of dimensions that npyHeader() says", async () => {
  for (const shape of [[], [4], [0, 7], [2, 1, 3], [1, 1, 1, 1]]) {
    const count = shape.reduce((product, n) => product * n, 1);
    const values = new Float32Array(count).map((_, i) => i + 0.5);
    await withFile(new Uint8Array([...npyHeader(shape), ...new Uint8Array(values.buffer)]), async (path) => {
      assertEquals(await readNpy(path), { shape, values });
    });
  }
});

Deno.test("readNpy() names a file that is something else, or not whole", async () => {
  const whole = bytesOf(NUMPY);
  const replaced = (from: string, to: string) => {
    const text = String.fromCharCode(...whole).replace(from, to);
    return Uint8Array.from(text, (c) => c.charCodeAt(0));
  };
  const cases: [Uint8Array, string][] = [
    [new Uint8Array(3), "only 3 bytes"],
    [replaced("NUMPY", "NUMPA"), "does not begin"],
    [whole.subarray(0, 60), "cut short"],
    [whole.subarray(0, 151), "takes 24 bytes, but the file has 23"],
    [replaced("<f4", "<f8"), "holds <f8"],
    [replaced("False", "True "), "not row-major"],
    [replaced("shape", "shake"), "no shape"],
  ];
  for (const [bytes, includes] of cases) {
    await withFile(bytes, async (path) => {
      const error = await assertRejects(() => readNpy(path), Error, includes);
      assertEquals(error.message.startsWith(path), true, error.message);
    });
  }
});
