import { assert, assertEquals, assertLess } from "@std/assert";
import { readSafetensors, toFloat32 } from "../../lib/weights/formats/safetensors.ts";
import { STOPPED } from "../../lib/commands/processes/exit_codes.ts";

/** 23 steps of 64 images for each of two workers. */
const RUN = ["--preset", "smoke", "--no-eval", "--monitor", "0", "--checkpoint-every", "5"];

function start(...args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-P=kit", "lib/commands/pretrain.ts", ...args],
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function ended(child: Deno.ChildProcess): Promise<{ code: number; said: string }> {
  const { code, stdout, stderr } = await child.output();
  return { code, said: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

/** The process of a worker that `launcher` started. */
async function workerOf(launcher: Deno.ChildProcess, rank: number): Promise<number> {
  const args = ["eww", "--ppid", `${launcher.pid}`, "-o", "pid=", "-o", "args="];
  const { stdout } = await new Deno.Command("ps", { args }).output();
  const lines = new TextDecoder().decode(stdout).split("\n");
  return Number(lines.find((line) => line.includes(` RANK=${rank} `))!.trim().split(" ")[0]);
}

/** Waits until a run has done so many steps. */
async function steps(dir: string, count: number): Promise<void> {
  const done = () => Deno.readTextFile(`${dir}/log.jsonl`).then((text) => text.split("\n").length - 1, () => 0);
  while (await done() < count) await new Promise((resolve) => setTimeout(resolve, 20));
}

const weightsOf = (dir: string) => Deno.readFile(`${dir}/encoder.safetensors`);

Deno.test("pretrain --workers 2 stopped, killed and started again ends with the unbroken run's bits", async () => {
  const root = await Deno.makeTempDir(), whole = `${root}/whole`, broken = `${root}/broken`, single = `${root}/single`;
  const unbroken = await ended(start(...RUN, "--workers", "2", "--out", whole));
  assertEquals(unbroken.code, 0, unbroken.said);
  assert(unbroken.said.includes("shared by 2 workers"), unbroken.said);

  // A word to one of them stops both after the same step.
  const stopping = start(...RUN, "--workers", "2", "--restarts", "1", "--out", broken);
  await steps(broken, 3);
  Deno.kill(await workerOf(stopping, 1), "SIGUSR1");
  const stopped = await ended(stopping);
  assertEquals(stopped.code, STOPPED, stopped.said);
  assert(
    stopped.said.includes(`Go on with: deno task pretrain --resume --out ${broken} --workers 2 --restarts 1`),
    stopped.said,
  );
  await Deno.mkdir(single);
  for await (const { name } of Deno.readDir(broken)) await Deno.copyFile(`${broken}/${name}`, `${single}/${name}`);

  // One of them lost: the other ends and says so, and both start again.
  const again = start("--resume", "--out", broken, "--workers", "2", "--restarts", "1", ...RUN.slice(2));
  await steps(broken, 12);
  Deno.kill(await workerOf(again, 1), "SIGKILL");
  const restarted = await ended(again);
  assertEquals(restarted.code, 0, restarted.said);
  assert(/[Ww]orker 1 \(.*\) is lost/.test(restarted.said), restarted.said);
  assert(
    restarted.said.includes("Worker 1 was ended by SIGKILL. All 2 start again from their newest checkpoint"),
    restarted.said,
  );
  assertEquals(await weightsOf(broken), await weightsOf(whole));

  // One worker goes on with what two began; sums are rounded in another order.
  const alone = await ended(start("--resume", "--out", single, ...RUN.slice(2)));
  assertEquals(alone.code, 0, alone.said);
  const [one, two] = await Promise.all([single, whole].map((dir) => readSafetensors(`${dir}/encoder.safetensors`)));
  for (const [name, tensor] of Object.entries(one.tensors)) {
    const others = toFloat32(two.tensors[name]);
    toFloat32(tensor).forEach((value, i) => assertLess(Math.abs(value - others[i]), 1e-4, name));
  }
  await Deno.remove(root, { recursive: true });
});
