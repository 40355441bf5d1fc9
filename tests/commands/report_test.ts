import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { JSDOM } from "npm:jsdom@26.1.0";
import puppeteer from "puppeteer-core";
import sharp from "sharp";
import "../tensorflow/loaded.ts";
import { main } from "../../lib/commands/report.ts";
import { encode, patchify } from "../../lib/jepa/encoder.ts";
import { loadEncoder } from "../../lib/jepa/pretrained.ts";
import { tf } from "../../lib/tensorflow/backend.ts";
import { BROWSER } from "../browser.ts";
import { flattened, logCsv } from "../../lib/training/runs/read_run.ts";
import { withFolder } from "../with_folder.ts";
import { inProcess } from "./in_process.ts";

const report = (...args: string[]) => inProcess(main, ...args);

/** What is read of a table's row: jsdom comes without types. */
interface Row {
  className: string;
  querySelector(selector: string): { textContent: string } | null;
  querySelectorAll(selector: string): Iterable<{ textContent: string }>;
}

/** A run of some steps, as pretrain leaves it. */
async function makeRun(dir: string, { epochs, score }: { epochs: number; score: number }): Promise<void> {
  await Deno.mkdir(dir);
  const lines = [1, 2, 3].map((step) => ({
    ...{ step, loss: 1 / step, learningRate: 0.1, featureStd: 0.5, seconds: 2 },
    ...step === 3 && { measures: { rankMe: 7 } },
  }));
  await Deno.writeTextFile(
    `${dir}/config.json`,
    JSON.stringify({ epochs, clip: "Infinity", architecture: { width: 8 } }),
  );
  await Deno.writeTextFile(`${dir}/data.json`, JSON.stringify({ name: "<script>alert(1)</script>", length: 3 }));
  await Deno.writeTextFile(
    `${dir}/log.jsonl`,
    lines.map((line) => JSON.stringify(line) + "\n").join("") + '{"step": 4, "lo',
  );
  const results = [{ protocol: "knn", measure: "accuracy", subject: "encoder", seed: 0, score }];
  await Deno.writeTextFile(`${dir}/evaluation.json`, JSON.stringify({ seed: 0, results }));
  await Deno.copyFile("weights/figures/loss.png", `${dir}/masks.png`);
}

Deno.test("report writes one page of runs side by side, and marks in what they differ", () =>
  withFolder(async (dir) => {
    await makeRun(`${dir}/a`, { epochs: 1, score: 40.5 });
    await makeRun(`${dir}/b`, { epochs: 2, score: 40.5 });
    const { code, out, error } = await report(`${dir}/a`, `${dir}/b`, "--out", `${dir}/page.html`);
    assertEquals([code, out], [0, `${dir}/page.html\n`], error);
    const { document } = new JSDOM(await Deno.readTextFile(`${dir}/page.html`)).window;
    const row = (name: string) =>
      Array.from(document.querySelectorAll("tr") as Iterable<Row>).find((row) =>
        row.querySelector("th")?.textContent === name
      )!;
    const cells = (name: string) => Array.from(row(name).querySelectorAll("td"), ({ textContent }) => textContent);
    assertEquals([cells("epochs"), row("epochs").className], [["1", "2"], "differs"]);
    assertEquals([cells("architecture.width"), row("architecture.width").className], [["8", "8"], ""]);
    assertEquals(cells("knn: encoder"), ["40.5", "40.5"]);
    assertEquals([cells("step"), cells("seconds in all"), cells("measures.rankMe")], [["3", "3"], ["6", "6"], [
      "7",
      "7",
    ]]);
    assertEquals(cells("name"), Array(2).fill("<script>alert(1)</script>"), "as a text");
    const titles = Array.from(document.querySelectorAll("h2"), ({ textContent }) => textContent);
    assertEquals(titles.slice(0, 3), ["Side by side", "Curves of a", "Curves of b"]);
    assertEquals(document.querySelectorAll('img[src^="data:image/png;base64,iVBOR"]').length, 2);
    assertEquals(
      document.querySelectorAll("[src]:not([src^=data]), link, meta[http-equiv]").length,
      0,
      "self-contained",
    );
  }));

Deno.test("report --csv writes the log's numbers, and says where there is no run", () =>
  withFolder(async (dir) => {
    await makeRun(`${dir}/a`, { epochs: 1, score: 1 });
    assertEquals((await report(`${dir}/a`, "--csv")).out, `${dir}/a/log.csv\n`);
    assertEquals(
      await Deno.readTextFile(`${dir}/a/log.csv`),
      "step,loss,learningRate,featureStd,seconds,measures.rankMe\r\n" +
        `1,1,0.1,0.5,2,\r\n2,0.5,0.1,0.5,2,\r\n3,${1 / 3},0.1,0.5,2,7\r\n`,
    );
    const none = await report(dir);
    assertEquals(none.code, 1);
    assertMatch(none.error, /holds no run: it has no config\.json\.\n$/);
    assertMatch((await report()).error, /^Say which run: deno task report DIR, or several\.\n$/);
  }));

Deno.test("report --watch rewrites the page as the log grows, until Ctrl-C", () =>
  withFolder(async (dir) => {
    await makeRun(`${dir}/a`, { epochs: 1, score: 1 });
    const args = ["run", "-A", "--no-check", "lib/commands/report.ts", `${dir}/a`, "--watch"];
    const child = new Deno.Command(Deno.execPath(), { args, stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
    const page = () => Deno.readTextFile(`${dir}/a/report.html`).catch(() => "");
    while (!(await page()).includes("</html>")) await new Promise((done) => setTimeout(done, 50));
    assertStringIncludes(await page(), '<meta http-equiv="refresh"');
    const log = `${dir}/a/log.jsonl`, whole = (await Deno.readTextFile(log)).replace(/\{"step": 4.*$/, "");
    await Deno.writeTextFile(log, whole + '{"step":4,"loss":0.125}\n');
    child.kill("SIGINT");
    const { code, stderr } = await child.output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    const last = await page();
    assert(last.includes("<td>0.125</td>") && !last.includes("http-equiv"));
  }));

Deno.test("logCsv() quotes what CSV would take apart, and leaves empty what is not finite", () => {
  assertEquals(logCsv([{ step: 1, loss: null, note: 'a "b", c' }]), 'step,loss,note\r\n1,,"a ""b"", c"\r\n');
  assertEquals([...flattened({ a: { b: [1, 2] }, c: true })], [["a.b.0", 1], ["a.b.1", 2], ["c", true]]);
});

Deno.test({
  name: "report --live runs the encoder on a picture in a browser, without a server",
  ignore: BROWSER === undefined,
  fn: () =>
    withFolder(async (dir) => {
      const { code, error } = await report("weights/cifar10", "--live", "--out", `${dir}/page.html`);
      assertEquals(code, 0, error);
      const pixels = Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => (i * i * 7 + i * 31) % 256);
      await sharp(pixels, { raw: { width: 32, height: 32, channels: 3 } }).png().toFile(`${dir}/picture.png`);
      const { parameters, size, predictor } = await loadEncoder("weights/cifar10");
      const ours = tf.tidy(() => encode(parameters, size, patchify(tf.tensor(pixels, [1, 32, 32, 3], "int32"), 4)));
      const expected = await ours.data() as Float32Array;
      tf.dispose([parameters, predictor?.parameters ?? {}, ours]);

      const browser = await puppeteer.launch({ executablePath: BROWSER, args: ["--no-sandbox"] });
      try {
        const page = await browser.newPage(), asked: string[] = [];
        page.setDefaultTimeout(120_000); // on a busy machine the page takes longer than the 30 s of the default
        page.on("request", (request) => asked.push(request.url().split(":")[0]));
        await page.goto(`file://${dir}/page.html`);
        await page.waitForSelector("#live-colours[data-shown='1']"); // the landscape that it begins with
        const input = await page.$("input#live-file");
        await input!.uploadFile(`${dir}/picture.png`);
        await page.waitForSelector("#live-colours[data-shown='2']");
        const features: number[] = await page.$eval("#live-colours", (canvas) => {
          return Array.from((canvas as unknown as { features: Float32Array }).features);
        });
        assertEquals(features.length, 64 * 192);
        const difference = expected.reduce((most, x, i) => Math.max(most, Math.abs(x - features[i])), 0);
        assert(difference < 2e-2, `${difference}`);
        assertMatch(await page.$eval("#live-said", ({ textContent }) => textContent!), /^64 patches in \d+ ms$/);
        const painted: number[] = await page.$eval("#live-colours", (canvas) => {
          // deno-lint-ignore no-explicit-any
          return Array.from<number>((canvas as any).getContext("2d").getImageData(0, 0, 8, 8).data);
        });
        assert(new Set(painted.filter((_, i) => i % 4 === 0)).size > 20, "many reds");
        assertEquals([...new Set(asked)].sort(), ["blob", "file"]);
      } finally {
        await browser.close();
      }
    }),
});
