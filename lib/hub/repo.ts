/**
 * Repositories on the Hugging Face hub by their names, and what the server says of them where it does not give them.
 *
 * @module
 */
import type { HubSettings } from "./settings.ts";

/** A repository at a revision. */
export interface Repo {
  /** What it holds. */
  type: "model" | "dataset";
  /** "owner/name" */
  id: string;
  /** A branch, a tag or a commit. */
  revision: string;
  /** The folder in it that is meant; "" for all of it. */
  folder: string;
}

/** How a file of weights ends, which no repository's name does: without "hf:" it is a path. */
const WEIGHTS_FILE = /\.(safetensors|pth|pt|bin|tar|npz|json)$/;

/**
 * The repository that "hf:owner/name", "hf:owner/name@revision" or "hf:owner/name/folder@revision" names, or without "hf:"
 * a name alone.
 *
 * @throws Error where there is "hf:" before what is no such name
 */
export function repoOf(type: Repo["type"], spec: string): Repo | undefined {
  const [, prefix, id, folder = "", revision = "main"] =
    /^(hf:)?([\w-][\w.-]*\/[\w-][\w.-]*)((?:\/[\w-][\w.-]*)*)(?:@([\w./-]+))?$/.exec(spec) ?? [];
  if (id === undefined || /\.\.|^[-.]/.test(id + revision)) {
    if (!spec.startsWith("hf:")) return undefined;
    throw new Error(`${spec} names no repository: write hf:owner/name, or hf:owner/name@revision.`);
  }
  if (!prefix && WEIGHTS_FILE.test(id)) return undefined;
  return prefix || folder === "" ? { type, id, revision, folder: folder.slice(1) } : undefined;
}

/** The name of a repository's folder in the cache. */
export const cacheName = ({ type, id }: Repo): string => `${type}s--${id.replaceAll("/", "--")}`;

/** The path of a repository before "/resolve", and after "/api". */
export const webPath = ({ type, id }: Repo): string => type === "model" ? `/${id}` : `/${type}s/${id}`;
export const apiPath = ({ type, id }: Repo): string => `/api/${type}s/${id}`;

/** That no server answered, which a cache may stand in for. */
export class UnreachableError extends Error {}

/**
 * Asks the server.
 *
 * @throws UnreachableError where there is no answer, or an error of the server's own; Error with what it refuses, and what
 *   to do about it
 */
export async function ask(
  { endpoint, token }: HubSettings,
  repo: Repo,
  path: string,
  init: { headers?: Record<string, string> } = {},
): Promise<Response> {
  const headers = { ...init.headers, ...(token && { authorization: `Bearer ${token}` }) };
  let answer: Response;
  try {
    answer = await fetch(endpoint + path, { ...init, headers });
  } catch (error) {
    throw new UnreachableError(
      `${endpoint} cannot be reached for ${repo.id} (${(error as Error).message}): try again with a network.`,
      { cause: error },
    );
  }
  if (answer.ok) return answer;
  const said = (await answer.text().catch(() => "")).slice(0, 200);
  throw refusal(answer, endpoint, repo, said, token !== undefined);
}

function refusal(answer: Response, endpoint: string, repo: Repo, said: string, hasToken: boolean): Error {
  const code = answer.headers.get("x-error-code"), { id, type, revision } = repo;
  const login = "set HF_TOKEN, or run `hf auth login`";
  if (code === "GatedRepo" || (answer.status === 403 && !code)) {
    const rest = hasToken ? "and this token has no access: ask for it on its page" : `which needs a token: ${login}`;
    return new Error(`The ${type} ${id} is gated; accept its terms at ${endpoint}${webPath(repo)}, ${rest}.`);
  }
  if (code === "RevisionNotFound") return new Error(`The ${type} ${id} has no revision "${revision}".`);
  if (code === "EntryNotFound") return new Error(`The ${type} ${id} lacks the file ${new URL(answer.url).pathname}.`);
  if (answer.status === 401 || answer.status === 404 || code === "RepoNotFound") {
    const rest = hasToken ? "or this token has no access to it" : `or it is private: ${login}`;
    return new Error(`There is no ${type} ${id} at ${endpoint}, ${rest}.`);
  }
  const sentence = `${endpoint} answers ${answer.status} for ${id} (${said || answer.statusText}): try again later.`;
  return answer.status >= 500 || answer.status === 429 ? new UnreachableError(sentence) : new Error(sentence);
}
