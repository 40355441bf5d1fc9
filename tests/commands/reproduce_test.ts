import { assert, assertEquals, assertMatch } from "@std/assert";
import { main } from "../../lib/commands/reproduce.ts";
import { inProcess } from "./in_process.ts";

const reproduce = (...args: string[]) => inProcess(main, ...args);

Deno.test("reproduce lists every table and figure", async () => {
  const { code, out, error } = await reproduce();
  assertEquals(code, 0, error);
  for (let n = 1; n <= 15; n++) assertMatch(out, new RegExp(`^table${n} `, "m"));
  for (let n = 1; n <= 8; n++) assertMatch(out, new RegExp(`^figure${n} `, "m"));
});

Deno.test("reproduce --dry-run says the commands of all of them at both scales, and what is missing, and runs none", async () => {
  const typed: [string[], RegExp][] = [
    [
      ["table6", "--seeds", "3"],
      /pretrain --preset cifar10-ablations --set 'masks=.*random.*' --seed 2 --out [^]*evaluate/,
    ],
    [
      ["table6", "--scale", "paper"],
      /--preset imagenet-b16 --set epochs=300 [^]*Give --data: ImageNet's folder\.\nGive --subset/,
    ],
    [["table7"], /--set targets=pixels/],
    [["table15"], /evaluate --weights weights\/cifar10 --protocol full-finetune --data cifar10 --epochs 1/],
    [
      ["table4", "--scale", "paper", "--weights", "w.pth.tar", "--clevr", "/c"],
      /--weights w\.pth\.tar --protocol count --clevr \/c/,
    ],
    [["figure6"], /pretrain --preset cifar10-ablations [^]*train-decoder --weights [^]*decode /],
    [["figure8"], /--preset vicreg-cifar10/],
    [["figure1", "--seeds", "2"], /--preset mae-cifar10 --epochs 0\.5 --seed 1/],
    [["figure2"], /^Joint-embedding, .*: a drawing, into weights\/reproduce\/small\/figure2\.png\.$/m],
  ];
  for (const [args, expected] of typed) {
    const { code, out, error } = await reproduce(...args, "--dry-run");
    assertEquals(code, 0, error);
    assertMatch(out, expected);
  }
});

Deno.test("reproduce says in a sentence what is wrong, before anything is run", async () => {
  const cases: [string[], RegExp][] = [
    [["fig9"], /^The paper has no "fig9": its tables are table1 to table15, its figures figure1 to figure8\.\n$/],
    [["tabel6"], /^The paper has no "tabel6" \(did you mean table6\?\): its tables are .*\n$/],
    [["table6", "--scale", "large"], /^--scale is small or paper; got "large"\.\n$/],
    [["table6", "--seeds", "0"], /^--seeds takes a whole number from 1 on; got "0"\.\n$/],
    [["table6", "--data", "/in"], /^--data is for --scale paper: leave it out, or add that\.\n$/],
    [["table6", "--scale", "paper"], /^table6 needs --data, ImageNet's folder\. table6 needs --subset, SimCLR's list/],
  ];
  for (const [args, message] of cases) {
    const { code, error } = await reproduce(...args);
    assertEquals(code, 1);
    assertMatch(error, message);
    assert(error.trim().split("\n").length === 1);
  }
});
