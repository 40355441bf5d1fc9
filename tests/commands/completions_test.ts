import { assertEquals, assertMatch } from "@std/assert";
import { kitTasks } from "../../lib/commands/completions.ts";
import { bashScript, fishScript, zshScript } from "../../lib/commands/terminal/shell_scripts.ts";
import { PRESETS } from "../../lib/methods/methods.ts";
import { CAMERA_PRESETS } from "../../lib/world/camera/camera_presets.ts";
import { WORLD_PRESETS } from "../../lib/world/presets.ts";
import { isThere } from "../installed.ts";
import { withFolder } from "../with_folder.ts";

/** Lines that are typed, the last word of each unfinished, and what is offered for it. */
const CASES: [string, string[]][] = [
  ["deno task pretrain-", ["pretrain-video"]],
  ["npx deno task compl", ["completions"]],
  ["deno task pretrain --pre", ["--preset", "--precision"]],
  ["deno task pretrain --preset mae-", ["mae-cifar10", "mae-imagenet-b16"]],
  ["deno task pretrain --preset ", Object.keys({ ...PRESETS, ...WORLD_PRESETS, ...CAMERA_PRESETS })],
  ["deno task evaluate --protocol knn,full", ["knn,full-finetune"]],
  ["deno task encode --pool=no", ["none"]],
  ["deno task encode --weights deno.j", ["deno.json"]],
  ["deno task pretrain --data inn", ["inner"]],
  ["deno task reproduce table1", ["table1", "table10", "table11", "table12", "table13", "table14", "table15"]],
  ["deno task elsewhere --", []],
];

/** Runs lines in a shell, in a folder of the kit's name with a file and a folder. */
async function inShell(shell: string, script: string, lines: string[]): Promise<string[]> {
  let out = "";
  await withFolder(async (dir) => {
    await Deno.writeTextFile(`${dir}/deno.json`, '{ "name": "@ijepa/kit" }');
    await Deno.mkdir(`${dir}/inner`);
    await Deno.writeTextFile(`${dir}/script`, script + lines.join("\n"));
    const { code, stdout, stderr } = await new Deno.Command(shell, { args: ["script"], cwd: dir, stdin: "null" })
      .output();
    assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
    out = new TextDecoder().decode(stdout);
  });
  return out.split("\n").slice(0, -1);
}

Deno.test("bash completes tasks, options, presets, protocols and files", async () => {
  const lines = CASES.map(([line]) => {
    const words = line.replace("=", " = ").split(" ").map((word) => `"${word}"`);
    return `COMP_WORDS=(${words.join(" ")}) COMP_CWORD=${words.length - 1}; _ijepa_kit; echo "\${COMPREPLY[*]}"`;
  });
  // compopt works where bash itself completes alone.
  const answers = await inShell("bash", bashScript(await kitTasks()) + "compopt() { :; }\n", lines);
  for (const [i, [line, wanted]] of CASES.entries()) {
    assertEquals(answers[i].split(" ").sort().join(" "), wanted.toSorted().join(" "), line);
  }
});

Deno.test({
  name: "fish completes the same",
  ignore: !isThere("fish"),
  async fn() {
    const cases = CASES.filter(([line]) => !/npx|,|elsewhere/.test(line));
    const lines = cases.map(([line]) => `echo (complete -C '${line}')`);
    const answers = await inShell("fish", fishScript(await kitTasks()), lines);
    for (const [i, [line, wanted]] of cases.entries()) {
      const offered = answers[i].split(/\s+/).map((word) => word.replace(/^--pool=/, "").replace(/\/$/, ""));
      for (const word of wanted) {
        assertMatch(` ${offered.join(" ")} `, new RegExp(` ${word} `), `${line}: ${answers[i]}`);
      }
    }
  },
});

Deno.test({
  name: "zsh takes its script",
  ignore: !isThere("zsh"),
  async fn() {
    const answers = await inShell("zsh", zshScript(await kitTasks()), ["echo $_comps[deno]"]);
    assertMatch(answers.join("\n"), /_bash_complete .*_ijepa_kit/);
  },
});
