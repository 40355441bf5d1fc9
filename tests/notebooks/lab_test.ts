import { assert, assertEquals } from "@std/assert";
import puppeteer, { type Page } from "puppeteer-core";
import { BROWSER } from "../browser.ts";
import { NOTEBOOKS, setUpJupyter } from "../../lib/commands/jupyter/jupyter.ts";

/** What Plotly has drawn. */
const LIVE = ".jp-RenderedPlotly .plot-container .main-svg";

/** A notebook without outputs, so that what is found is what the kernel has drawn; JupyterLab may save it. */
const COPY = "lab-test.ipynb";

async function writeCopy(): Promise<void> {
  const notebook = JSON.parse(await Deno.readTextFile(`${NOTEBOOKS}/01_masking.ipynb`));
  for (const cell of notebook.cells) if (cell.cell_type === "code") cell.outputs = [];
  await Deno.writeTextFile(`${NOTEBOOKS}/${COPY}`, JSON.stringify(notebook));
}

/** A port that is free. */
function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return listener.addr.port;
}

/** The address that JupyterLab prints, with its token. */
async function readAddress(output: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  let printed = "";
  for await (const text of output.pipeThrough(new TextDecoderStream())) {
    printed += text;
    const address = /http:\/\/127\.0\.0\.1:\d+\/lab\?token=\w+/.exec(printed);
    if (address) return address[0];
  }
  throw new Error(`JupyterLab did not start: ${printed}`);
}

/** Goes to an address of JupyterLab's, which prints it up to some seconds before it listens there. */
async function open(page: Page, address: string): Promise<void> {
  for (let tries = 100;; tries--) {
    try {
      await page.goto(address);
      return;
    } catch (error) {
      if (tries === 0 || !(error as Error).message.includes("ERR_CONNECTION_REFUSED")) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** Chooses an item of one of JupyterLab's menus. */
async function choose(page: Page, menu: string, item: string): Promise<void> {
  await (await page.waitForSelector(`.lm-MenuBar-item ::-p-text(${menu})`))!.click();
  await (await page.waitForSelector(`.lm-Menu-itemLabel::-p-text(${item})`))!.click();
}

Deno.test({
  name: "deno task lab opens a notebook in a browser, a cell runs, and its figure is drawn, without a network",
  ignore: BROWSER === undefined, // then install Chromium: sudo apt install chromium
  sanitizeResources: false, // the rest of what JupyterLab prints is left unread
  sanitizeOps: false,
  async fn() {
    await setUpJupyter("deno task test");
    await writeCopy();
    const lab = new Deno.Command(Deno.execPath(), {
      args: ["run", "-P=kit", "lib/commands/lab.ts", "--no-browser", "--port", String(freePort())],
      env: { IJEPA_QUICK: "1" },
      stderr: "piped",
    }).spawn();
    const browser = await puppeteer.launch({ executablePath: BROWSER, args: ["--no-sandbox"] });
    try {
      const page = await browser.newPage(), elsewhere: string[] = [];
      page.setDefaultTimeout(60_000);
      page.on("request", (request) => {
        if (!/^(http:\/\/127\.0\.0\.1|data:|blob:)/.test(request.url())) elsewhere.push(request.url());
      });
      const address = await readAddress(lab.stderr);
      await open(page, address.replace("/lab?", `/lab/tree/${COPY}?`));
      await page.waitForSelector(".jp-Notebook .jp-CodeCell");
      await page.waitForSelector("::-p-text(Deno | Idle)"); // the kernel has started
      await choose(page, "Run", "Run All Cells");
      await page.waitForSelector(".jp-RenderedPlotly img[src^='data:image/png']");
      // The mouse over it makes it Plotly's live figure; while cells below are drawn, it may have moved from under the mouse.
      let drawn = null;
      for (let tries = 0; tries < 60 && !drawn; tries++) {
        await page.mouse.move(0, 0);
        await page.hover(".jp-RenderedPlotly img[src^='data:image/png']").catch(() => {}); // it may be redrawn right now
        drawn = await page.waitForSelector(LIVE, { timeout: 2000 }).catch(() => null);
      }
      assert(drawn, "no figure came alive under the mouse");
      const errors = await page.$$eval("[data-mime-type='application/vnd.jupyter.stderr']", (found) => found.length);
      assertEquals(errors, 0);
      assertEquals(elsewhere, []);
    } finally {
      await browser.close();
      lab.kill("SIGTERM");
      const { success } = await lab.status;
      await Deno.remove(`${NOTEBOOKS}/${COPY}`);
      assert(success);
    }
  },
});
