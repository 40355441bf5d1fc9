import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Command } from "../../lib/commands/terminal/command.ts";
import { withFolder } from "../with_folder.ts";
import { NOT_RUN } from "./documented/stand_ins.ts";
import { inProcess } from "./in_process.ts";

const COMMANDS = new URL("../../lib/commands/", import.meta.url);

async function run(name: string, ...args: string[]): Promise<{ code: number; out: string; error: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", new URL(`${name}.ts`, COMMANDS).pathname, ...args],
    stdin: "null",
  }).output();
  return { code, out: new TextDecoder().decode(stdout), error: new TextDecoder().decode(stderr) };
}

/** What deno.json's tasks start. */
async function commandsOfTasks(): Promise<[string, Command][]> {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  const files = Object.values(tasks as Record<string, string>).flatMap((line) =>
    line.match(/lib\/commands\/(\w+)\.ts/)?.[1] ?? []
  );
  return await Promise.all(files.map(async (file): Promise<[string, Command]> => [
    file,
    (await import(new URL(`${file}.ts`, COMMANDS).href)).COMMAND,
  ]));
}

Deno.test("every command says in its --help all of its options, and --json among them", async () => {
  const commands = await commandsOfTasks();
  assert(commands.length >= 16);
  for (const [file, command] of commands) {
    const { help } = command, options = [...Object.keys(command.options), "json", "help"];
    for (const option of options) {
      assertMatch(help, new RegExp(`--${option}\\b`), `${file} is silent about --${option}`);
    }
    assertMatch(help, /^deno task [a-z-]+/);
    // documented_test.ts runs the others with --json, each in all the ways that are documented.
    if (!(file.replaceAll("_", "-") in NOT_RUN)) continue;
    const source = await Deno.readTextFile(new URL(`${file}.ts`, COMMANDS));
    assert(/await tell\(/.test(source), `${file} tells nothing to machines`);
  }
  assertEquals((await run("completions", "--help")).out, Object.fromEntries(commands).completions.help + "\n");
});

Deno.test("a wrong preset is told all that its command takes, once, and the nearest of them", async () => {
  for (const [file, { options, help }] of await commandsOfTasks()) {
    if (!options.preset) continue;
    const presets = options.preset.values as string[], needs = options.weights ? ["--weights", "weights/cifar10"] : [];
    for (const preset of presets) assertStringIncludes(help, preset);
    const { main } = await import(new URL(`${file}.ts`, COMMANDS).href), near = presets.at(-1)!;
    for (const [wrong, meant] of [["zzzzzzzz", ""], [`${near}s`, ` (did you mean ${near}?)`]]) {
      const { code, error } = await inProcess(main, ...needs, "--preset", wrong);
      const said = `No preset of this command is called "${wrong}"${meant}: there are ${presets.join(", ")}.\n`;
      assertEquals([code, error], [1, said], file);
    }
  }
});

Deno.test("--json leaves standard output to one document, and with a file to people", () =>
  withFolder(async (dir) => {
    const alone = await run("estimate", "--preset", "imagenet-b16", "--json");
    const document = JSON.parse(alone.out);
    assertEquals([alone.code, document.run, document.devices], [0, "imagenet-b16", 1]);
    assert(document.parameters.encoder > 85e6);
    assertMatch(alone.error, /\nParameters: encoder 8\d/);

    const file = `${dir}/estimate.json`, both = await run("estimate", "--preset", "imagenet-b16", "--json", file);
    assertEquals(JSON.parse(await Deno.readTextFile(file)), document);
    assertMatch(both.out, /\nParameters: encoder 8\d/);

    const failed = await run("estimate", "--preset", "huge", "--json");
    assertEquals([failed.code, failed.out], [1, ""]);
    assertMatch(failed.error, /No preset of this command is called "huge"/);
    assertMatch((await run("estimate", "--json", `${dir}/no/x.json`)).error, /^--json .* no folder .*\/no: make it/);
  }));
