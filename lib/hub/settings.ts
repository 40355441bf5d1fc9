/**
 * Where the Hugging Face hub is, where what comes from it is kept, and who asks: by the variables that Python's
 * huggingface_hub knows, so that both share one cache and one login.
 *
 * @module
 */
import { homedir } from "node:os";
import { join } from "node:path";

/** What the environment says. */
export interface HubSettings {
  /** The server, without a slash at its end: HF_ENDPOINT, or else the hub. */
  endpoint: string;
  /** The cache: HF_HUB_CACHE, or hub/ in HF_HOME, or in ~/.cache/huggingface. */
  cache: string;
  /** HF_TOKEN, or what `hf auth login` has kept. */
  token?: string;
  /** HF_HUB_OFFLINE: nothing is asked of the server. */
  offline: boolean;
}

const expanded = (path: string) =>
  path.replace(/^~(?=\/|$)/, homedir()).replace(/\$(?:\{(\w+)\}|(\w+))/g, (all, a, b) => Deno.env.get(a ?? b) ?? all);

const isTrue = (value: string | undefined) => /^(1|on|yes|true)$/i.test(value ?? "");

/** Reads them. */
export async function hubSettings(): Promise<HubSettings> {
  const env = (name: string) => Deno.env.get(name) || undefined;
  const home = expanded(env("HF_HOME") ?? join(env("XDG_CACHE_HOME") ?? join(homedir(), ".cache"), "huggingface"));
  const kept = await Deno.readTextFile(expanded(env("HF_TOKEN_PATH") ?? join(home, "token"))).catch(() => "");
  const token = (env("HF_TOKEN") ?? env("HUGGING_FACE_HUB_TOKEN") ?? kept).replaceAll(/[\r\n]/g, "").trim();
  const endpoint = env("HF_ENDPOINT") ?? (await import("npm:@huggingface/hub@2.17.5")).HUB_URL;
  return {
    endpoint: endpoint.replace(/\/+$/, ""),
    cache: expanded(env("HF_HUB_CACHE") ?? env("HUGGINGFACE_HUB_CACHE") ?? join(home, "hub")),
    ...(token && { token }),
    offline: isTrue(env("HF_HUB_OFFLINE") ?? env("TRANSFORMERS_OFFLINE")),
  };
}
