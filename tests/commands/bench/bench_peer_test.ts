import { assertEquals } from "@std/assert";

Deno.test("nothing beside PyTorch's script has the name of a package that it imports, which Python would take for it", async () => {
  const names = await Array.fromAsync(Deno.readDir(new URL("../../../lib/commands/bench/peer/", import.meta.url)));
  const own = names.map(({ name }) => name).filter((name) => name !== "__pycache__");
  assertEquals(own.toSorted(), ["parts", "step.py"]);
});
