import { assert, assertEquals, assertMatch } from "@std/assert";

const LIB = new URL("../../../lib/commands/processes/", import.meta.url);

/** Waits for its signal, then for as long as told, and says "done"; hangs where told, so that nothing but the system ends it. */
const PROGRAM = `
  import { stopSignal } from "${LIB}stop_signal.ts";
  import { outliveTerminal } from "${LIB}lost_terminal.ts";
  outliveTerminal();
  const { signal, unlisten } = stopSignal((sentence) => console.log(sentence));
  const alive = setInterval(() => {}, 1000);
  console.log("ready");
  const stopped = new Promise((resolve) => signal.addEventListener("abort", resolve));
  await stopped;
  await new Promise((resolve) => setTimeout(resolve, WAIT));
  if (HANGS) while (true);
  clearInterval(alive);
  unlisten();
  console.log("done");
`;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Starts the program, sends it signals at some milliseconds from the first, and returns what it said and how it ended. */
async function run(
  { wait, hangs = false, nohup = false, signals }: {
    wait: number;
    hangs?: boolean;
    nohup?: boolean;
    signals: [number, Deno.Signal][];
  },
): Promise<{ said: string; ended: Deno.CommandStatus }> {
  const source = PROGRAM.replace("WAIT", `${wait}`).replace("HANGS", `${hangs}`);
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, source);
  const ignoring = nohup ? "trap '' HUP; " : "";
  const child = new Deno.Command("sh", {
    args: ["-c", `${ignoring}exec "$0" run -A --no-check "$1"`, Deno.execPath(), file],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  let said = "", ready = () => {};
  const isReady = new Promise<void>((resolve) => ready = resolve);
  const reading = (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      said += text;
      if (said.includes("ready")) ready();
    }
  })();
  await isReady;
  const begun = performance.now();
  for (const [at, signal] of signals) {
    await pause(Math.max(0, at - (performance.now() - begun)));
    child.kill(signal);
  }
  const [ended] = await Promise.all([child.status, reading]);
  await Deno.remove(file);
  return { said, ended };
}

Deno.test("signals within two seconds stop a training once, whoever passes them on", async () => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    const { said, ended } = await run({ wait: 300, signals: [[0, signal], [1, signal], [100, signal]] });
    assertEquals([ended.code, said.match(/Stopping/g)?.length], [0, 1], said);
    assertMatch(said, /^ready\nStopping after this step, with a checkpoint\. Ctrl-C again, from 2 s on, .*\ndone\n$/);
  }
});

Deno.test("Ctrl-C ends a program that hangs, from two seconds after the first on; SIGTERM and a closed terminal do not", async () => {
  const [hanging, patient] = await Promise.all([
    run({ wait: 2500, hangs: true, signals: [[0, "SIGINT"], [1500, "SIGINT"], [3200, "SIGTERM"], [3500, "SIGINT"]] }),
    run({ wait: 3000, signals: [[0, "SIGTERM"], [2300, "SIGTERM"], [2400, "SIGHUP"]] }),
  ]);
  assertEquals([hanging.ended.signal, hanging.said.includes("done")], ["SIGINT", false], hanging.said);
  assertEquals([patient.ended.code, patient.said.includes("done")], [0, true], patient.said);
});

Deno.test("a program that was started to outlive its terminal does", async () => {
  const { said, ended } = await run({ wait: 0, nohup: true, signals: [[0, "SIGHUP"], [400, "SIGTERM"]] });
  assertEquals(ended.code, 0);
  assert(said.endsWith("done\n"), said);
});

Deno.test("a training stops where npx was ended, which passes SIGTERM on to its shell alone", async () => {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, PROGRAM.replace("WAIT", "0").replace("HANGS", "false"));
  const shell = new Deno.Command("sh", {
    args: ["-c", `sh -c '"$0" run -A --no-check "$1"; true' "$0" "$1"; true`, Deno.execPath(), file],
    ...{ stdin: "null", stdout: "piped", env: { npm_lifecycle_event: "npx" } },
  }).spawn();
  let said = "";
  for await (const text of shell.stdout.pipeThrough(new TextDecoderStream())) {
    if (text.includes("ready")) setTimeout(() => shell.kill("SIGTERM"), 100);
    said += text;
  }
  assertMatch(said, /^ready\nStopping .*\ndone\n$/);
  assertEquals((await shell.status).signal, "SIGTERM");
  await Deno.remove(file);
});
