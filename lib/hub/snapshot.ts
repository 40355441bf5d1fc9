/**
 * Files of a repository in the cache that Python's huggingface_hub keeps: refs/ says which commit a branch is at,
 * snapshots/COMMIT has the files by name, as links to blobs/, which has them by their hash.
 *
 * @module
 */
import { dirname, join, relative } from "node:path";
import { makeFolder, replaceFile, writing } from "../write_file.ts";
import { fetchBlob, type HubFile } from "./blob.ts";
import { apiPath, ask, cacheName, type Repo, UnreachableError } from "./repo.ts";
import { type HubSettings, hubSettings } from "./settings.ts";

/** Is told how far a download has come, in bytes. */
export type OnDownload = (progress: { label: string; done: number; total: number }) => void;

/** Of a repository's files, by path, those that are wanted; may throw where there is none. */
export type Choose = (paths: readonly string[]) => string[];

/** What the server lists. */
interface Listing {
  sha: string;
  siblings: { rfilename: string; size?: number; blobId?: string; lfs?: { sha256: string; size: number } }[];
}

const exists = async (path: string) => await Deno.lstat(path).catch(() => undefined) !== undefined;

/**
 * The folder of a repository's chosen files, which are fetched where they are not in the cache yet. Offline, or where the
 * server does not answer, it is what the cache has.
 *
 * @throws Error in one sentence: there is no such repository or revision, it needs a token, there is no network and nothing
 *   in the cache, a file is not the one that is listed, or cannot be written
 */
export async function snapshot(repo: Repo, choose: Choose, onDownload?: OnDownload): Promise<string> {
  const settings = await hubSettings(), folder = join(settings.cache, cacheName(repo));
  if (settings.offline) {
    const why = "HF_HUB_OFFLINE is set";
    return await kept(repo, folder, choose, new Error(`${repo.id} is not in ${settings.cache}, and ${why}: unset it.`));
  }
  let listing: Listing;
  try {
    const path = `${apiPath(repo)}/revision/${encodeURIComponent(repo.revision)}?blobs=true`;
    listing = await (await ask(settings, repo, path)).json();
  } catch (error) {
    if (error instanceof UnreachableError) return await kept(repo, folder, choose, error);
    throw error;
  }
  const files = wanted(repo, listing, choose), commit = listing.sha, place = join(folder, "snapshots", commit);
  await fetchAll(settings, repo, files, commit, folder, onDownload);
  if (repo.revision !== commit) {
    const ref = join(folder, "refs", repo.revision);
    await makeFolder(dirname(ref));
    await replaceFile(ref, commit);
  }
  return place;
}

/** The chosen files, with what they are to be. */
function wanted(repo: Repo, { siblings, sha }: Listing, choose: Choose): HubFile[] {
  if (!/^[0-9a-f]{40}$/.test(sha)) throw new Error(`The server names no commit of ${repo.id}, but "${sha}".`);
  const chosen = new Set(choose(siblings.map(({ rfilename }) => rfilename)));
  return siblings.filter(({ rfilename }) => chosen.has(rfilename)).map(({ rfilename: path, size, blobId, lfs }) => {
    const hash = lfs
      ? { algorithm: "sha256" as const, hex: lfs.sha256 }
      : { algorithm: "git" as const, hex: `${blobId}` };
    if (path.split("/").includes("..") || path.startsWith("/") || !/^[0-9a-f]+$/.test(hash.hex)) {
      throw new Error(`The server lists a file of ${repo.id} that cannot be kept (${path}, ${hash.hex}).`);
    }
    return { path, size: lfs?.size ?? size ?? 0, hash };
  });
}

async function fetchAll(
  settings: HubSettings,
  repo: Repo,
  files: readonly HubFile[],
  commit: string,
  folder: string,
  onDownload?: OnDownload,
): Promise<void> {
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let before = 0;
  for (const file of files) {
    const blob = join(folder, "blobs", file.hash.hex), link = join(folder, "snapshots", commit, file.path);
    if (!await exists(blob)) {
      // As huggingface_hub locks it: other processes wait, and then find it there.
      const lockPath = join(settings.cache, ".locks", cacheName(repo), `${file.hash.hex}.lock`);
      await makeFolder(dirname(lockPath));
      await makeFolder(dirname(blob));
      using lock = await writing(lockPath, () => Deno.open(lockPath, { create: true, write: true }));
      await lock.lock(true);
      const report = (bytes: number) => onDownload?.({ label: `Downloading ${repo.id}`, done: before + bytes, total });
      if (!await exists(blob)) await fetchBlob(settings, repo, commit, file, blob, report);
    }
    before += file.size;
    if (await exists(link)) continue;
    await makeFolder(dirname(link));
    await writing(link, () => Deno.symlink(relative(dirname(link), blob), link)).catch(async (error) => {
      if (!await exists(link)) throw error; // another process was quicker
    });
  }
}

/** What the cache has of a repository. */
async function kept(repo: Repo, folder: string, choose: Choose, otherwise: Error): Promise<string> {
  const ref = await Deno.readTextFile(join(folder, "refs", repo.revision)).catch(() => repo.revision);
  const place = join(folder, "snapshots", ref.trim()), paths: string[] = [];
  async function walk(dir: string): Promise<void> {
    for await (const { name, isDirectory } of Deno.readDir(dir)) {
      if (isDirectory) await walk(join(dir, name));
      else if (await Deno.stat(join(dir, name)).catch(() => undefined)) paths.push(relative(place, join(dir, name)));
    }
  }
  await walk(place).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  if (paths.length === 0) throw otherwise;
  try {
    choose(paths.sort());
  } catch {
    throw otherwise;
  }
  return place;
}
