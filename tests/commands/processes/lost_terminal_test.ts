import { assertEquals } from "@std/assert";

const LIB = new URL("../../../lib/commands/processes/lost_terminal.ts", import.meta.url);

Deno.test("a program goes on where nobody reads what it prints any more", async () => {
  const dir = await Deno.makeTempDir({ prefix: "lost_terminal_test_" });
  const program = (outlives: boolean) => `
    import process from "node:process";
    ${outlives ? `import { outliveTerminal } from "${LIB}"; outliveTerminal();` : ""}
    for (let i = 0; i < 5; i++) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      console.log("a line");
      process.stdout.write("another");
    }
    await Deno.writeTextFile("${dir}/${outlives}", "");
  `;
  for (const outlives of [true, false]) {
    await Deno.writeTextFile(`${dir}/${outlives}.ts`, program(outlives));
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", `${dir}/${outlives}.ts`],
      ...{ stdin: "null", stdout: "piped", stderr: "null" },
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    assertEquals((await child.status).success, outlives);
    assertEquals((await Deno.stat(`${dir}/${outlives}`).catch(() => undefined))?.isFile ?? false, outlives);
  }
  await Deno.remove(dir, { recursive: true });
});
