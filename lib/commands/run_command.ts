/**
 * How every command ends when something goes wrong: one sentence on standard error and exit code 1.
 *
 * @module
 */

/** Runs a command. IJEPA_TRACE=1 prints where an error came from, for those who work on the kit itself. */
export async function runCommand(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    console.error(Deno.env.get("IJEPA_TRACE") ? error : (error as Error).message);
    Deno.exit(1);
  }
}
