/**
 * Uploads a folder to the Hugging Face hub.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { apiPath, ask, type Repo, repoOf, webPath } from "./repo.ts";
import { type HubSettings, hubSettings } from "./settings.ts";

/** The repository and the settings to push with; throws as pushModel() does, before there is work to lose. */
export async function checkPush(spec: string): Promise<{ repo: Repo; settings: HubSettings & { token: string } }> {
  const repo = repoOf("model", spec), settings = await hubSettings(), { token, offline } = settings;
  if (!repo || repo.folder !== "") throw new Error(`"${spec}" is no repository's name: write owner/name.`);
  if (offline) throw new Error(`Nothing can be pushed to ${repo.id}, as HF_HUB_OFFLINE is set: unset it.`);
  if (!token) {
    throw new Error(`Pushing to ${repo.id} needs a token that may write: set HF_TOKEN, or run \`hf auth login\`.`);
  }
  return { repo, settings: { ...settings, token } };
}

/**
 * Uploads files as one commit, large ones by LFS; a repository that is not there is made, private ones stay so.
 *
 * @param spec "owner/name", or "hf:owner/name@branch"
 * @param folder where the files lie
 * @param names their paths in it, which they have in the repository too
 * @param onProgress is told what share is done of each file
 * @returns the address of the repository, and the commit
 * @throws Error in one sentence: no token, a token that may not write there, offline, no server
 */
export async function pushModel(
  spec: string,
  folder: string,
  names: readonly string[],
  title: string,
  onProgress?: (file: string, share: number) => void,
): Promise<{ url: string; commit: string }> {
  const { repo, settings } = await checkPush(spec), { endpoint, token } = settings;
  const { commitIter, createRepo, HubApiError } = await import("npm:@huggingface/hub@2.17.5");
  const at = { repo: { type: repo.type, name: repo.id } as const, hubUrl: endpoint, accessToken: token };
  const operations = names.map((name) => ({
    operation: "addOrUpdate" as const,
    path: name,
    content: pathToFileURL(resolve(join(folder, name))), // read from the disk piece by piece
  }));
  try {
    const isThere = await ask(settings, repo, apiPath(repo)).then((answer) => answer.body?.cancel()).then(
      () => true,
      () => false,
    );
    if (!isThere) {
      await createRepo(at).catch((error) => {
        if (!(error instanceof HubApiError && error.statusCode === 409)) throw error; // there, but hidden from reading
      });
    }
    const commits = commitIter({ ...at, title, operations, branch: repo.revision, useXet: false });
    let step = await commits.next();
    for (; !step.done; step = await commits.next()) {
      if (step.value.event === "fileProgress" && step.value.state === "uploading") {
        onProgress?.(step.value.path, step.value.progress);
      }
    }
    return { url: endpoint + webPath(repo), commit: step.value!.commit.oid };
  } catch (error) {
    const status = error instanceof HubApiError ? error.statusCode : undefined;
    if (status === 401 || status === 403) {
      throw new Error(`The token may not write to ${repo.id} at ${endpoint}: take one with the role "write".`, {
        cause: error,
      });
    }
    const reason = (error as Error).message.replace(/\.? URL: .*$/s, "").replace(/\.$/, "");
    throw new Error(`${repo.id} could not be pushed to ${endpoint} (${reason}): try again.`, { cause: error });
  }
}
