import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { lockRun } from "../../../lib/training/runs/run_lock.ts";

async function withFolder(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "run_lock_test_" });
  try {
    await test(`${dir}/run`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("a run has one writer, who is named, until it lets go", () =>
  withFolder(async (dir) => {
    {
      using _writer = await lockRun(dir);
      const { message } = await assertRejects(
        () => lockRun(dir),
        Error,
        `The run in ${dir} is being written by process `,
      );
      assertStringIncludes(message, `process ${Deno.pid} on ${Deno.hostname()}, since 20`);
      assertStringIncludes(message, `end it (kill ${Deno.pid}), or name another folder (--out).`);
    }
    using _next = await lockRun(dir);
    await Deno.writeTextFile(`${dir}/run.lock`, "");
    await assertRejects(
      () => lockRun(dir),
      Error,
      "is being written by another process: wait until that is done, end it,",
    );
  }));

Deno.test("the name of a process that is alive but does not hold the lock, as where its pid is used again, holds nothing", () =>
  withFolder(async (dir) => {
    await Deno.mkdir(dir);
    const holder = { pid: Deno.pid, host: Deno.hostname(), since: "2026-01-01" };
    await Deno.writeTextFile(`${dir}/run.lock`, JSON.stringify(holder) + " ".repeat(200));
    using _writer = await lockRun(dir);
    assertEquals(JSON.parse(await Deno.readTextFile(`${dir}/run.lock`)).pid, Deno.pid);
  }));

Deno.test("another process holds a run as long as it lives, and not when it was killed", () =>
  withFolder(async (dir) => {
    const lib = new URL("../../../lib/training/runs/run_lock.ts", import.meta.url);
    const code = `import { lockRun } from "${lib}"; const lock = await lockRun("${dir}"); console.log("locked");
      setTimeout(() => lock[Symbol.dispose](), 60_000);`;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--ext=ts", "-"],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const input = child.stdin.getWriter(), output = child.stdout.getReader();
    await input.write(new TextEncoder().encode(code));
    await input.close();
    await output.read();
    await assertRejects(() => lockRun(dir), Error, `by process ${child.pid} on `);
    child.kill("SIGKILL");
    await child.status;
    await output.cancel();
    using _writer = await lockRun(dir);
  }));
