import { type HubServer, serveHub } from "./hub_server.ts";
import { withFolder } from "../with_folder.ts";

const NAMES = [
  ...["HF_ENDPOINT", "HF_HOME", "HF_HUB_CACHE", "HF_TOKEN", "HF_TOKEN_PATH", "HF_HUB_OFFLINE", "HUGGINGFACE_HUB_CACHE"],
  ...["HUGGING_FACE_HUB_TOKEN", "TRANSFORMERS_OFFLINE", "XDG_CACHE_HOME"],
];

/** Gives a test a hub of its own, and a HF_HOME, which are gone afterwards. */
export async function withHub(test: (hub: HubServer, home: string) => Promise<void>): Promise<void> {
  const before = NAMES.map((name) => [name, Deno.env.get(name)] as const);
  await withFolder(async (home) => {
    await using hub = serveHub();
    try {
      for (const name of NAMES) Deno.env.delete(name);
      Deno.env.set("HF_ENDPOINT", hub.url);
      Deno.env.set("HF_HOME", home);
      await test(hub, home);
    } finally {
      for (const [name, value] of before) value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
    }
  });
}
