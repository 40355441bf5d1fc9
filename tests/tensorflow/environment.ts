/** A new folder and known environment variables for a test. @module */

/** Runs a test in a new folder, with these environment variables in place of the user's. */
export async function withEnvironment(
  environment: Record<string, string>,
  test: (folder: string) => Promise<void> | void,
): Promise<void> {
  const variables = { TF_DIR: "", IJEPA_TF: "", ...environment };
  const before = Object.keys(variables).map((name) => [name, Deno.env.get(name)] as const);
  const folder = await Deno.makeTempDir({ prefix: "tensorflow_test_" });
  try {
    for (const [name, value] of Object.entries(variables)) Deno.env.set(name, value);
    await test(folder);
  } finally {
    for (const [name, value] of before) value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
    await Deno.remove(folder, { recursive: true });
  }
}
