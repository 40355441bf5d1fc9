import { assertStringIncludes } from "@std/assert";
import { main } from "../../lib/commands/notebooks.ts";
import { inProcess } from "./in_process.ts";

/** What the command says; none of these gets as far as a kernel. */
const fails = async (...args: string[]) => (await inProcess(main, ...args)).error;

Deno.test("deno task notebooks says which notebooks there are, and that quick outputs are not for keeping", async () => {
  assertStringIncludes(await fails("99"), 'No notebook begins with "99": there are 01_');
  assertStringIncludes(await fails("--quick", "--write"), "--write is for full runs");
});
