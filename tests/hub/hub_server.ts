/**
 * A server on the loopback that speaks as much of the Hugging Face hub's API as the kit and Python's huggingface_hub ask of
 * it: revisions, files with ranges behind a redirect, and commits with LFS.
 */
import { createHash } from "node:crypto";

/** A repository: its files at one commit. */
export interface ServedRepo {
  files: Map<string, Uint8Array<ArrayBuffer>>;
  gated?: boolean;
}

/** The server, and what it was asked. */
export interface HubServer extends AsyncDisposable {
  url: string;
  /** By "models/owner/name" or "datasets/owner/name". */
  repos: Map<string, ServedRepo>;
  /** "METHOD path" of each, and the range where one was asked for. */
  asked: string[];
  /** The next file is broken off after so many bytes. */
  breakAfter?: number;
  commit: string;
}

export const TOKEN = "hf_test";

const isLarge = (path: string) => /\.(safetensors|parquet|tar)$/.test(path);
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const gitHash = (bytes: Uint8Array) => createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");

const refuse = (status: number, code: string) =>
  new Response(JSON.stringify({ error: code }), {
    status,
    headers: { "x-error-code": code, "content-type": "application/json" },
  });

export function serveHub(): HubServer {
  const large = new Map<string, Uint8Array<ArrayBuffer>>();
  const listening = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, answer);
  const hub: HubServer = {
    url: `http://127.0.0.1:${listening.addr.port}`,
    repos: new Map(),
    asked: [],
    commit: "0123456789abcdef0123456789abcdef01234567",
    [Symbol.asyncDispose]: () => listening.shutdown(),
  };

  /** The same server by another name, so that it is another origin. */
  const elsewhere = () => hub.url.replace("127.0.0.1", "localhost");

  function open(request: Request, key: string, revision: string): ServedRepo | Response {
    const repo = hub.repos.get(key), known = request.headers.get("authorization") === `Bearer ${TOKEN}`;
    if (!repo) return refuse(known ? 404 : 401, "RepoNotFound");
    if (repo.gated && !known) return refuse(401, "GatedRepo");
    return ["main", hub.commit].includes(revision) ? repo : refuse(404, "RevisionNotFound");
  }

  async function answer(request: Request): Promise<Response> {
    const url = new URL(request.url), path = decodeURIComponent(url.pathname), range = request.headers.get("range");
    hub.asked.push(`${request.method} ${path}${range ? ` ${range}` : ""}`);
    const info = /^\/api\/((?:models|datasets)\/[^/]+\/[^/]+)(?:\/revision\/(.+))?$/.exec(path);
    if (info && request.method === "GET") {
      const repo = open(request, info[1], info[2] ?? "main");
      if (repo instanceof Response) return repo;
      const siblings = [...repo.files].map(([rfilename, bytes]) => ({
        ...{ rfilename, size: bytes.length, blobId: gitHash(bytes) },
        ...isLarge(rfilename) && { lfs: { sha256: sha256(bytes), size: bytes.length, pointerSize: 130 } },
      }));
      return Response.json({ id: info[1].slice(info[1].indexOf("/") + 1), sha: hub.commit, siblings });
    }
    const file = /^\/(datasets\/)?([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path);
    if (file) {
      const repo = open(request, `${file[1] ?? "models/"}${file[2]}`, file[3]);
      if (repo instanceof Response) return repo;
      const bytes = repo.files.get(file[4]);
      if (!bytes) return refuse(404, "EntryNotFound");
      const headers = { "x-repo-commit": hub.commit, "content-length": `${bytes.length}` };
      if (!isLarge(file[4])) return send(request, bytes, { ...headers, etag: `"${gitHash(bytes)}"` });
      const linked = { "x-linked-etag": `"${sha256(bytes)}"`, "x-linked-size": `${bytes.length}` };
      large.set(sha256(bytes), bytes);
      return new Response(null, {
        status: 302,
        headers: { ...linked, "x-repo-commit": hub.commit, location: `${elsewhere()}/cdn/${sha256(bytes)}` },
      });
    }
    if (path.startsWith("/cdn/") && request.method === "PUT") {
      large.set(path.slice(5), new Uint8Array(await request.arrayBuffer()));
      return new Response(null, { status: 204 });
    }
    // A store of its own, which as S3 takes no other's tokens.
    if (path.startsWith("/cdn/") && request.headers.has("authorization")) return refuse(400, "TokenGivenAway");
    if (path.startsWith("/cdn/")) return send(request, large.get(path.slice(5))!, {});
    return await write(request, path);
  }

  function send(request: Request, bytes: Uint8Array<ArrayBuffer>, headers: Record<string, string>): Response {
    if (request.method === "HEAD") {
      return new Response(null, { headers: { ...headers, "content-length": `${bytes.length}` } });
    }
    const [, from] = /^bytes=(\d+)-/.exec(request.headers.get("range") ?? "") ?? [];
    const rest = bytes.slice(Number(from ?? 0)), status = from ? 206 : 200, { breakAfter } = hub;
    const lengthened = { ...headers, "content-length": `${rest.length}` };
    if (breakAfter === undefined || breakAfter >= rest.length) {
      return new Response(rest, { status, headers: lengthened });
    }
    hub.breakAfter = undefined;
    const body = new ReadableStream({
      async start(controller) {
        controller.enqueue(rest.slice(0, breakAfter));
        await new Promise((done) => setTimeout(done, 50)); // they are to be on their way before the end
        controller.error(new Error("broken off"));
      },
    });
    return new Response(body, { status, headers: lengthened });
  }

  async function write(request: Request, path: string): Promise<Response> {
    if (request.headers.get("authorization") !== `Bearer ${TOKEN}`) return refuse(401, "Unauthorized");
    if (path === "/api/repos/create") {
      const { name, organization } = await request.json(), id = `${organization ?? "me"}/${name}`;
      hub.repos.set(`models/${id}`, { files: new Map() });
      return Response.json({ url: `${hub.url}/${id}`, id });
    }
    const [, key, what] = /^\/api\/(models\/[^/]+\/[^/]+)\/(preupload|commit)\/main$/.exec(path) ?? [];
    if (what === "preupload") {
      const { files }: { files: { path: string }[] } = await request.json();
      return Response.json({
        files: files.map(({ path }) => ({ path, uploadMode: isLarge(path) ? "lfs" : "regular" })),
      });
    }
    if (path.endsWith(".git/info/lfs/objects/batch")) {
      const { objects }: { objects: { oid: string; size: number }[] } = await request.json();
      return Response.json({
        transfer: "basic",
        objects: objects.map(({ oid, size }) => ({
          ...{ oid, size },
          actions: { upload: { href: `${hub.url}/cdn/${oid}` } },
        })),
      });
    }
    if (what === "commit") {
      const lines = (await request.text()).split("\n").map((line) => JSON.parse(line));
      for (const { key: kind, value } of lines) {
        if (kind === "lfsFile") hub.repos.get(key)!.files.set(value.path, large.get(value.oid)!);
        if (kind === "file") hub.repos.get(key)!.files.set(value.path, Uint8Array.fromBase64(value.content));
      }
      return Response.json({ success: true, commitOid: hub.commit, commitUrl: `${hub.url}/commit/${hub.commit}` });
    }
    return refuse(404, "NotFound");
  }
  return hub;
}
