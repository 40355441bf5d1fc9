import { assertEquals } from "@std/assert";

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
