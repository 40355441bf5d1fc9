/**
 * Runs commands one after the other in this process: standard input has the words of one a line, as JSON, its task first;
 * standard output gets for each, as JSON, how it ended and what it said.
 *
 * @module
 */
import { TASKS } from "../documented/documented_commands.ts";
import { inProcess } from "../in_process.ts";

const print = console.log;
for (const line of (await new Response(Deno.stdin.readable).text()).trim().split("\n")) {
  const [task, ...args]: string[] = JSON.parse(line);
  const { main } = await import(TASKS.get(task)!.href);
  print(JSON.stringify(await inProcess(main, ...args)));
}
