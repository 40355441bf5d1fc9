import { assertEquals } from "@std/assert";
import { parseArgs } from "node:util";
import { CONFIG_FLAGS } from "../../../lib/commands/inputs/config_flags.ts";
import { argumentsOf, WORKER_FLAGS } from "../../../lib/commands/processes/launch_workers.ts";

Deno.test("a worker is given what its command was, for the run in its folder, which it goes on with once that has begun", async () => {
  const dir = await Deno.makeTempDir({ prefix: "launch_workers_test_" });
  const given = [
    "--preset",
    "smoke",
    "--workers=2",
    "--restarts",
    "3",
    "--bfloat16-sums",
    "--out",
    "elsewhere",
    "--set",
    "seed=1",
    "--set=clip=3",
  ];
  const { tokens } = parseArgs({
    args: given,
    options: { ...WORKER_FLAGS, ...CONFIG_FLAGS, "preset": { type: "string" }, "out": { type: "string" } },
    tokens: true,
  });
  const kept = ["--workers=2", "--restarts=3", "--bfloat16-sums", "--set=seed=1", "--set=clip=3", `--out=${dir}`];
  assertEquals(await argumentsOf(tokens, dir, false), ["--preset=smoke", ...kept]);
  await Deno.writeTextFile(`${dir}/config.json`, "{}");
  assertEquals(await argumentsOf(tokens, dir, false), [...kept, "--resume"]);
  const byFile = parseArgs({ args: ["--config=a.json"], options: CONFIG_FLAGS, tokens: true }).tokens;
  assertEquals(await argumentsOf(byFile, dir, false), [`--out=${dir}`, "--resume"]);
  await Deno.remove(dir, { recursive: true });
});

Deno.test("workers that a signal ends before they listen to it are not started again", async () => {
  const dir = await Deno.makeTempDir({ prefix: "launch_workers_test_" });
  const started = async () => (await Array.fromAsync(Deno.readDir(dir))).length;
  const launcher = new Deno.Command(Deno.execPath(), {
    args: ["run", "-P=kit", "tests/commands/programs/launch.ts", dir],
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  while (await started() < 2) await new Promise((resolve) => setTimeout(resolve, 20));
  launcher.kill("SIGTERM");
  const { code, stderr } = await launcher.output();
  const said = new TextDecoder().decode(stderr).split("\n").filter((line) => !/experimental|^$/.test(line));
  assertEquals([code, said, await started()], [1, [], 2]);
  await Deno.remove(dir, { recursive: true });
});
