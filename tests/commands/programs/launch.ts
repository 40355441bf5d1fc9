/** Launches two workers that note each start in the folder it is given, and wait to be ended. @module */
import { launchWorkers } from "../../../lib/commands/processes/launch_workers.ts";

const [dir] = Deno.args;
if (Deno.env.get("RANK") === undefined) {
  Deno.exit(await launchWorkers(2, 3, () => Promise.resolve([dir]), "typing this again"));
}
await Deno.writeTextFile(`${dir}/${Deno.pid}`, "");
setTimeout(() => {}, 60_000);
