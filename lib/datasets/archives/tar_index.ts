/**
 * Tar archives on the disk, read in place: where each file lies is found out once and kept, and then any file is read
 * without the others, so that ImageNet's archives need not be unpacked.
 *
 * @module
 */
import { basename } from "node:path";
import { setImmediate } from "node:timers/promises";
import { keptIndex, readAt } from "../kept_index.ts";
import type { Progress } from "../sources.ts";
import { type TarMember, tarMembers } from "./tar.ts";

/** The files of an archive, and of the archives in it. */
export interface TarIndex {
  /** The archive's path. */
  archive: string;
  /** [N], sorted by folder, then name; files of an archive in the archive, "a.tar", are "a/..." */
  names: readonly string[];
  /** [N], where each one's bytes begin in the archive. */
  offsets: readonly number[];
  /** [N], in bytes. */
  sizes: readonly number[];
  /** What in it is neither file nor folder: by its name, a link or the like. */
  odd: readonly { name: string; odd: string }[];
}

/** Files between two calls of onProgress, which let other work go on. */
const REPORT = 1000;

/**
 * The index of an archive, from `cache` or, the first time, by going through it: one read a file, some seconds for
 * ImageNet's 1,281,167 from a fast disk. An archive of other size or date than the one that was kept is gone through anew.
 *
 * @param archive a tar archive, not compressed, in which .tar files are archives too
 * @param cache the folder of indexes, is made
 * @param onProgress is told how far it has come, in bytes of the archive
 * @throws Error naming the archive if it cannot be read, is damaged, or cut short
 */
export async function indexTar(
  archive: string,
  cache: string,
  onProgress?: (progress: Progress) => void,
): Promise<TarIndex> {
  const isWhole = ({ names, offsets, sizes, odd }: Partial<Lists>) =>
    offsets?.length === names?.length && sizes?.length === names?.length && Array.isArray(odd);
  const { beside: _, ...lists } = await keptIndex<Lists>(
    archive,
    cache,
    isWhole,
    async (bytes) => listsOf(await walk(archive, bytes, onProgress)),
  );
  return { archive, ...lists };
}

type Lists = Omit<TarIndex, "archive">;

function listsOf(all: TarMember[]): Lists {
  const found = all.filter(({ odd }) => odd === undefined);
  // A folder's files together: "a/b" before "a-b/c", which as texts are the other way round.
  const members = found.map((member) => ({ ...member, place: member.name.replaceAll("/", "\0") }));
  members.sort((a, b) => a.place < b.place ? -1 : a.place > b.place ? 1 : 0);
  const twice = members.find(({ name }, i) => i > 0 && name === members[i - 1].name);
  if (twice) throw new Error(`the archive holds ${twice.name} more than once`);
  return {
    names: members.map(({ name }) => name),
    offsets: members.map(({ offset }) => offset),
    sizes: members.map(({ size }) => size),
    odd: all.flatMap(({ name, odd }) => odd === undefined ? [] : [{ name, odd }]),
  };
}

async function walk(archive: string, size: number, onProgress?: (progress: Progress) => void): Promise<TarMember[]> {
  using file = await Deno.open(archive);
  function read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    file.seekSync(offset, Deno.SeekMode.Start);
    let done = 0;
    for (let n; done < length && (n = file.readSync(bytes.subarray(done))) !== null;) done += n;
    return bytes.subarray(0, done);
  }
  function* walkNested(start: number, end: number, folder: string): Generator<TarMember, boolean, void> {
    const members = tarMembers(read, start, end);
    let member = members.next();
    for (; !member.done; member = members.next()) {
      const { name, offset, size, odd } = member.value, path = folder + name.replace(/^(\.?\/)+/, "");
      // An inner archive's length is known from outside, so its mark of the end says nothing more.
      if (name.endsWith(".tar") && odd === undefined) yield* walkNested(offset, offset + size, path.slice(0, -4) + "/");
      else yield { ...member.value, name: path };
    }
    return member.value;
  }

  const found: TarMember[] = [], members = walkNested(0, size, "");
  const report = (done: number) => onProgress?.({ label: `Indexing ${basename(archive)}`, done, total: size });
  let member = members.next();
  for (; !member.done; member = members.next()) {
    found.push(member.value);
    if (found.length % REPORT === 0) {
      report(member.value.offset);
      await setImmediate();
    }
  }
  if (!member.value) throw new Error("the archive lacks its mark of the end, so its copy is incomplete");
  report(size);
  return found;
}

/**
 * The bytes of the index's i-th file. Any number may be read at a time.
 *
 * @throws Error naming the file where the archive has become shorter
 */
export function readMember({ archive, names, offsets, sizes }: TarIndex, i: number): Promise<Uint8Array> {
  return readAt(archive, offsets[i], sizes[i], names[i]);
}
