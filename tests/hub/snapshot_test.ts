import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "node:path";
import { openDataset } from "../../lib/datasets/open_dataset.ts";
import { pushModel } from "../../lib/hub/push.ts";
import { repoOf } from "../../lib/hub/repo.ts";
import { snapshot } from "../../lib/hub/snapshot.ts";
import { findWeights } from "../../lib/weights/hub_weights.ts";
import expected from "../datasets/published/fixtures/published.json" with { type: "json" };
import { TOKEN } from "./hub_server.ts";
import { withHub } from "./with_hub.ts";

const bytes = (length: number, seed = 7) => Uint8Array.from({ length }, (_, i) => (i * seed) % 251);
const text = (value: string) => new TextEncoder().encode(value);

function toy(): Map<string, Uint8Array<ArrayBuffer>> {
  return new Map([
    ["config.json", text(`{"model_type": "ijepa"}`)],
    ["model.safetensors", bytes(300_000)],
    ["pytorch_model.bin", bytes(10)],
    ["README.md", text("# toy")],
  ]);
}

Deno.test("findWeights() fetches what is needed into the cache's layout, once", () =>
  withHub(async (hub, home) => {
    hub.repos.set("models/toy/ijepa", { files: toy() });
    const told: number[] = [];
    const dir = await findWeights("toy/ijepa", ({ done, total }) => told.push(done / total));
    const folder = join(home, "hub", "models--toy--ijepa");
    assertEquals(dir, join(folder, "snapshots", hub.commit));
    assertEquals(Deno.readTextFileSync(join(folder, "refs/main")), hub.commit);
    assertEquals(Array.from(Deno.readDirSync(dir), ({ name }) => name).sort(), ["config.json", "model.safetensors"]);
    assertEquals(Deno.readFileSync(join(dir, "model.safetensors")), bytes(300_000));
    // sha256sum of the bytes by Python's hashlib
    const link = Deno.readLinkSync(join(dir, "model.safetensors"));
    assertEquals(link, "../../blobs/b1cf7538cf80d01efe3e0b8e45dc930048a138c7b6f8c4aff08f478e4695e631");
    assertEquals(told.at(-1), 1);
    hub.asked.length = 0;
    assertEquals(await findWeights("hf:toy/ijepa"), dir);
    assertEquals(await findWeights(`hf:toy/ijepa@${hub.commit}`), dir);
    assert(hub.asked.every((asked) => asked.startsWith("GET /api/")), `${hub.asked}`);
  }));

Deno.test("a download that is broken off goes on where it was, and a file that is another is refused", () =>
  withHub(async (hub, home) => {
    hub.repos.set("models/toy/ijepa", { files: toy() });
    hub.breakAfter = 100_000; // of the model: config.json is shorter
    const dir = await findWeights("toy/ijepa");
    assertEquals(Deno.readFileSync(join(dir, "model.safetensors")), bytes(300_000));
    assert(hub.asked.some((asked) => /^GET \/cdn\/.* bytes=\d+-$/.test(asked)), `${hub.asked}`);

    // What an earlier process left of it, which is another file's beginning.
    const blob = Deno.realPathSync(join(dir, "model.safetensors"));
    await Deno.remove(blob);
    await Deno.writeFile(`${blob}.incomplete`, bytes(1000, 5));
    await assertRejects(
      () => findWeights("toy/ijepa"),
      Error,
      "toy/ijepa/model.safetensors is not the file that the repository lists, by its hash: it was removed, try again.",
    );
    assertEquals(Deno.readFileSync(join(await findWeights("toy/ijepa"), "model.safetensors")), bytes(300_000));
    assertEquals([...Deno.readDirSync(join(home, "hub/models--toy--ijepa/blobs"))].length, 2);
  }));

Deno.test("what the hub does not give is said in one sentence", () =>
  withHub(async (hub, home) => {
    hub.repos.set("models/toy/gated", { files: toy(), gated: true });
    hub.repos.set("models/toy/empty", { files: new Map([["README.md", text("")]]) });
    const refused = (spec: string, message: string) => assertRejects(() => findWeights(spec), Error, message);
    await refused("toy/none", `There is no model toy/none at ${hub.url}, or it is private: set HF_TOKEN, or run`);
    await refused(
      "toy/gated",
      `The model toy/gated is gated; accept its terms at ${hub.url}/toy/gated, which needs a token`,
    );
    await refused("toy/empty", "The model toy/empty has no model.safetensors.");
    await Deno.writeTextFile(join(home, "token"), `${TOKEN}\n`);
    const dir = await findWeights("toy/gated");
    await refused("hf:toy/gated@v9", 'The model toy/gated has no revision "v9".');
    await refused("toy/none", `There is no model toy/none at ${hub.url}, or this token has no access to it.`);
    await refused("hf:toy", "hf:toy names no repository: write hf:owner/name");

    Deno.env.set("HF_HUB_OFFLINE", "1");
    hub.asked.length = 0;
    assertEquals(await findWeights("toy/gated"), dir);
    await refused("toy/none", `toy/none is not in ${home}/hub, and HF_HUB_OFFLINE is set: unset it.`);
    assertEquals(hub.asked, []);
    Deno.env.delete("HF_HUB_OFFLINE");
    await hub[Symbol.asyncDispose]();
    assertEquals(await findWeights("toy/gated"), dir, "the cache stands in for a server that is not there");
    await refused("toy/none", `${hub.url} cannot be reached for toy/none (`);
  }));

Deno.test("a file that the disk does not take is said in one sentence", () =>
  withHub(async (hub, home) => {
    hub.repos.set("models/toy/ijepa", { files: toy() });
    await Deno.writeTextFile(join(home, "file"), "");
    Deno.env.set("HF_HUB_CACHE", join(home, "file"));
    await assertRejects(() => findWeights("toy/ijepa"), Error, `cannot be written (Not a directory (os error 20))`);
  }));

Deno.test("findWeights() leaves alone what is a path", () =>
  withHub(async (hub) => {
    for (const path of ["lib/none", "/a/b", "weights/cifar10", "a.pth.tar", "a/b/c", "./a/b"]) {
      assertEquals(await findWeights(path), path);
    }
    assertEquals(hub.asked, []);
  }));

Deno.test("repoOf() reads names, folders and revisions, and nothing that leaves the cache", () => {
  assertEquals(repoOf("model", "a/b"), { type: "model", id: "a/b", revision: "main", folder: "" });
  assertEquals(repoOf("dataset", "hf:a/b/c/d@refs/convert/parquet"), {
    ...{ type: "dataset", id: "a/b", revision: "refs/convert/parquet", folder: "c/d" },
  });
  assertEquals(
    ["a/../b", "../b", "a/b/c", "a", "/a/b", "weights/vit.safetensors"].map((spec) => repoOf("model", spec)),
    Array(6).fill(undefined),
  );
  for (const bad of ["hf:a", "hf:../b", "hf:a/b@../../c", "hf:a/..", "hf:"]) {
    assertThrows(() => repoOf("model", bad), Error, "names no repository");
  }
});

Deno.test("snapshot() refuses paths and hashes that leave the cache", () =>
  withHub(async (hub) => {
    hub.repos.set("models/toy/bad", { files: new Map([["../../../x", bytes(3)]]) });
    const repo = repoOf("model", "toy/bad")!;
    await assertRejects(() => snapshot(repo, (all) => [...all]), Error, "cannot be kept (../../../x");
  }));

Deno.test("openDataset() opens a data set on the hub", () =>
  withHub(async (hub, home) => {
    const files = new Map([["README.md", text("")]]);
    for (const name of ["train-00000-of-00002", "train-00001-of-00002", "test-00000-of-00001"]) {
      const url = new URL(`../datasets/published/fixtures/hub/data/${name}.parquet`, import.meta.url);
      files.set(`data/${name}.parquet`, Deno.readFileSync(url));
    }
    hub.repos.set("datasets/toy/pets", { files });
    for (const spec of ["hf:toy/pets", "hf:toy/pets/data@main"]) {
      const { train, test } = await openDataset(spec, { dir: home });
      assertEquals([...train.labels], expected["hub/train"].map(([, label]) => label));
      assertEquals([...test!.labels], expected["hub/test"].map(([, label]) => label));
      assertEquals([train.source, train.classes], [spec, ["cat", "dog", "newt"]]);
      assertEquals([...(await train.centred(Uint32Array.of(6, 0), 8)).labels], [2, 0]);
    }
    await assertRejects(() => openDataset("hf:toy/pets/other", { dir: home }), Error, "has neither parquet files nor");
  }));

Deno.test("pushModel() makes the repository and uploads a folder, which can then be fetched", () =>
  withHub(async (hub, home) => {
    const files = ["config.json", "onnx/model.onnx", "model.safetensors"];
    await Deno.mkdir(join(home, "onnx"));
    await Deno.writeFile(join(home, files[0]), toy().get("config.json")!);
    await Deno.writeFile(join(home, files[1]), bytes(1000));
    await Deno.writeFile(join(home, files[2]), bytes(300_000));
    const push = () => pushModel("toy/mine", home, files, "Upload");
    await assertRejects(push, Error, "Pushing to toy/mine needs a token that may write: set HF_TOKEN");
    Deno.env.set("HF_TOKEN", "hf_wrong");
    await assertRejects(push, Error, `The token may not write to toy/mine at ${hub.url}`);
    Deno.env.set("HF_TOKEN", TOKEN);
    const shares = new Map<string, number>();
    const { url, commit } = await pushModel(
      "toy/mine",
      home,
      files,
      "Upload",
      (file, share) => shares.set(file, share),
    );
    assertEquals([url, commit, shares.get("model.safetensors")], [`${hub.url}/toy/mine`, hub.commit, 1]);
    assert(hub.asked.includes("POST /api/repos/create"));
    const dir = await findWeights("toy/mine");
    const pushed = hub.repos.get("models/toy/mine")!.files;
    for (const file of files) assertEquals(pushed.get(file), Deno.readFileSync(join(home, file)));
    const [config, , weights] = files; // which are all that the kit fetches
    for (const file of [config, weights]) {
      assertEquals(Deno.readFileSync(join(dir, file)), Deno.readFileSync(join(home, file)));
    }
    await push();
    assertEquals(
      hub.asked.filter((asked) => asked === "POST /api/repos/create").length,
      2,
      "the wrong token's, and one",
    );
  }));
