/**
 * A file from the hub on the disk: what was had before is gone on with, and what comes is held to its hash.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { makeFolder, openToWrite } from "../write_file.ts";
import { ask, type Repo, UnreachableError } from "./repo.ts";
import type { HubSettings } from "./settings.ts";

/** A file of a repository, by its content. */
export interface HubFile {
  /** Its path in the repository. */
  path: string;
  /** In bytes. */
  size: number;
  /** sha256 of its bytes where it is large (LFS), else git's hash, which is sha1 of its length and them. */
  hash: { algorithm: "sha256" | "git"; hex: string };
}

/** How often a broken connection is taken up again without a byte having come. */
const TRIES = 5;

/** Waiting before the next one, in ms, times its number. */
const PAUSE = 1000;

async function hashOf(path: string, { algorithm, hex }: HubFile["hash"], size: number): Promise<boolean> {
  const hash = createHash(algorithm === "git" ? "sha1" : "sha256");
  if (algorithm === "git") hash.update(`blob ${size}\0`);
  using file = await Deno.open(path);
  for await (const chunk of file.readable) hash.update(chunk);
  return hash.digest("hex") === hex;
}

/**
 * Fetches a file of a repository to `path`, by way of `path`.incomplete, which stays where it is broken off and is then gone
 * on with.
 *
 * @param commit the revision
 * @param onBytes is told how many bytes of it there are
 * @throws Error where it cannot be had, is not the one that the repository lists, or cannot be written
 */
export async function fetchBlob(
  settings: HubSettings,
  repo: Repo,
  commit: string,
  file: HubFile,
  path: string,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const part = `${path}.incomplete`, where = `${repo.id}/${file.path}`;
  const sizeOf = async () => (await Deno.stat(part).catch(() => undefined))?.size ?? 0;
  if (await sizeOf() > file.size) await Deno.remove(part);
  const url = `${repo.type === "model" ? "" : "/datasets"}/${repo.id}/resolve/${commit}/` +
    file.path.split("/").map(encodeURIComponent).join("/");
  for (let tries = 0; await sizeOf() < file.size || file.size === 0;) {
    const before = await sizeOf();
    try {
      await append(settings, repo, url, part, before, onBytes);
      if (file.size === 0) break;
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      tries = await sizeOf() > before ? 0 : tries + 1;
      if (tries >= TRIES) throw new Error(`${where}: ${error.message}`, { cause: error });
      await setTimeout(PAUSE * tries);
    }
    if (await sizeOf() > file.size) break;
  }
  if (await sizeOf() !== file.size || !await hashOf(part, file.hash, file.size)) {
    await Deno.remove(part);
    throw new Error(`${where} is not the file that the repository lists, by its hash: it was removed, try again.`);
  }
  await Deno.rename(part, path);
}

/** Appends the bytes from `before` on. */
async function append(
  settings: HubSettings,
  repo: Repo,
  url: string,
  part: string,
  before: number,
  onBytes: (bytes: number) => void,
): Promise<void> {
  // Ranges count the bytes as they are sent, so they are to be sent as they are.
  const headers = { "accept-encoding": "identity", ...(before > 0 && { range: `bytes=${before}-` }) };
  const answer = await ask(settings, repo, url, { headers });
  const goesOn = answer.status === 206;
  let done = goesOn ? before : 0;
  await makeFolder(part.slice(0, part.lastIndexOf("/")));
  using out = await openToWrite(part, { append: goesOn });
  const reader = answer.body!.getReader();
  try {
    while (true) {
      const next = await reader.read().catch((error) => {
        throw new UnreachableError(`the connection broke after ${done} bytes (${error.message})`, { cause: error });
      });
      if (next.done) return;
      await out.write(next.value);
      onBytes(done += next.value.length);
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
