import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { gunzipSync, gzipSync } from "node:zlib";
import { readTarGz, type TarMember, tarMembers } from "../../../lib/datasets/archives/tar.ts";
import { tarOf } from "../fixtures/tar_of.ts";

Deno.test("readTarGz() gives each file's bytes by its name, without the leading folder", async () => {
  const files = new Map([
    ["a.json", new TextEncoder().encode("[1]")],
    ["empty", new Uint8Array(0)],
    ["deep/b.bin", Uint8Array.from({ length: 1025 }, (_, i) => i % 251)],
  ]);
  const read = await readTarGz(gzipSync(tarOf(files)));
  assertEquals([...read.keys()], [...files.keys()]);
  for (const [name, bytes] of files) assertEquals([...read.get(name)!], [...bytes]);
});

Deno.test("readTarGz() refuses what is cut short or no gzip", async () => {
  const tar = tarOf(new Map([["a.bin", new Uint8Array(2000)]]));
  await assertRejects(() => readTarGz(gzipSync(tar.subarray(0, 1024))), Error, "the archive ends inside package/a.bin");
  await assertRejects(() => readTarGz(gzipSync(tar).subarray(0, 40)));
  await assertRejects(() => readTarGz(tar));
});

/** The members of an archive in memory, and whether it has its mark of the end. */
function membersOf(tar: Uint8Array): { members: TarMember[]; marked: boolean } {
  const walk = tarMembers((offset, length) => tar.subarray(offset, offset + length), 0, tar.length);
  const members: TarMember[] = [];
  for (let step = walk.next();; step = walk.next()) {
    if (step.done) return { members, marked: step.value };
    members.push(step.value);
  }
}

Deno.test("tarMembers() finds what Python's tarfile wrote, in its three formats", () => {
  for (const format of ["gnu", "pax", "ustar"]) {
    const url = new URL(`../fixtures/tar_${format}.tar.gz`, import.meta.url);
    const tar: Uint8Array = gunzipSync(Deno.readFileSync(url)), { members, marked } = membersOf(tar);
    const long = `./${"f".repeat(60)}/${"n".repeat(60)}.txt`;
    const names = ["./a/b.txt", long, "n01.tar", "empty", ...format === "ustar" ? [] : ["Käfer.txt"]];
    assertEquals(members.map(({ name }) => name), names, format);
    const textOf = ({ offset, size }: TarMember) => new TextDecoder().decode(tar.subarray(offset, offset + size));
    assertEquals([textOf(members[0]), textOf(members[1]), members[3].size], ["hello", "long", 0]);
    if (format !== "ustar") assertEquals(textOf(members[4]), "beetle");
    assertEquals(marked, true);
    const inner = membersOf(tar.subarray(members[2].offset, members[2].offset + members[2].size)).members;
    assertEquals(inner.map(({ name, size }) => [name, size]), [["n01_1.JPEG", 900], ["n01_2.JPEG", 3]]);
  }
});

Deno.test("tarMembers() refuses a damaged header, and says where the mark of the end is missing", () => {
  const tar = tarOf(new Map([["a", new Uint8Array(10)], ["b", new Uint8Array(10)]]));
  const damaged = tar.slice();
  damaged[1024] ^= 1;
  assertThrows(() => membersOf(damaged), Error, "it is no tar archive, or damaged at byte 1024");
  assertThrows(() => membersOf(new Uint8Array(512).fill(7)), Error, "it is no tar archive");
  assertEquals(membersOf(tar.subarray(0, 2048)), { members: membersOf(tar).members, marked: false });
  assertEquals(membersOf(tar.subarray(0, 1024)).members.length, 1, "cut between two files: the mark is what tells");
});

Deno.test("tarMembers() reads sizes from 8 GiB on, which GNU writes in binary", () => {
  const header = tarOf(new Map([["a", new Uint8Array(0)]])).slice(0, 512), size = 9 * 2 ** 30;
  header.set([0x80, 0, 0, 0, 0, 0, 0, 2, 0x40, 0, 0, 0], 124);
  const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
  header.set(new TextEncoder().encode(sum.toString(8).padStart(6, "0") + "\0"), 148);
  const walk = tarMembers((offset) => offset === 0 ? header : new Uint8Array(512), 0, size + 2048);
  assertEquals(walk.next().value, { name: "package/a", offset: 512, size });
  assertEquals(walk.next().value, true);
});

Deno.test("tarMembers() marks what is neither file nor folder, and goes on behind it", async () => {
  const tar = gunzipSync(Deno.readFileSync(new URL("../fixtures/tar_odd.tar.gz", import.meta.url)));
  assertEquals(membersOf(tar).members.map(({ name, size, odd }) => [name, size, odd]), [
    ["a/x.jpg", 3, undefined],
    ["a/hard.jpg", 0, "a hard link"],
    ["a/soft.jpg", 0, "a link"],
    [`a/${"long".repeat(40)}.jpg`, 0, "a link"],
    ["a/fifo.jpg", 0, "a FIFO"],
    ["a/device", 0, "a device"],
    ["a/y.jpg", 2, undefined],
  ]);
  assertEquals([...(await readTarGz(gzipSync(tar))).keys()], ["x.jpg", "y.jpg"]);
});
