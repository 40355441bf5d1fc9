import { assertStringIncludes } from "@std/assert";

/** Runs the command and returns what it says on standard error; none of these gets as far as a kernel. */
async function fails(...args: string[]): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-P=kit", "lib/commands/notebooks.ts", ...args],
    env: { NO_COLOR: "1" },
  });
  const { code, stderr } = await command.output();
  return `${code} ${new TextDecoder().decode(stderr)}`;
}

Deno.test("deno task notebooks says which notebooks there are, and that quick outputs are not for keeping", async () => {
  assertStringIncludes(await fails("99"), 'No notebook begins with "99": there are 01_');
  assertStringIncludes(await fails("--quick", "--write"), "--write is for full runs");
});
