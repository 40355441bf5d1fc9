/** What the commands' files are read into: tables beside the paper's numbers, and what the seeds agree on. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { settingsOf } from "../../lib/reproduction/ablation_plan.ts";
import { ABLATIONS } from "../../lib/reproduction/ablations.ts";
import {
  ablationCells,
  ablationFigure,
  type AblationOutcome,
  verdicts,
} from "../../lib/reproduction/ablation_outcome.ts";
import { readEvaluation } from "../../lib/reproduction/read_evaluation.ts";
import { deviation, mean } from "../../lib/statistics.ts";
import { withFolder } from "../with_folder.ts";

const outcome = (a: number[], b: number[]): AblationOutcome => ({
  ...{ title: "", claim: "", measuredBy: "", scale: "small", protocols: ["lowshot"], seeds: a.length },
  rows: [
    { setting: "four", published: 54.2, scores: { lowshot: a } },
    { setting: "one", published: 9, scores: { lowshot: b } },
    { setting: "beside", published: null, scores: { lowshot: a.map(() => 0) } },
  ],
  paper: [{ setting: "four", published: 54.2 }, { setting: "one", published: 9 }],
  baselines: [{ name: "raw pixels", scores: { lowshot: [5] } }],
});

Deno.test("mean and standard deviation are the sample's", () => {
  assertEquals(mean([1, 2, 6]), 3);
  assertEquals(deviation([1, 2, 6]), Math.sqrt(7));
  assertEquals(deviation([4]), null);
});

Deno.test("an ablation's rows are means and deviations beside the paper's numbers, then the baselines", () => {
  assertEquals(ablationCells(outcome([1, 3], [2, 2])).cells, [
    ["four", 54.2, 2, Math.SQRT2],
    ["one", 9, 2, 0],
    ["beside", null, 0, 0],
    ["raw pixels", null, 5, null],
  ]);
});

Deno.test("whether the seeds agree is said, and in how many the paper's best is best", () => {
  assertEquals(verdicts(outcome([3, 5], [2, 4])), [
    "lowshot: the paper's best, four, is best in 2 of 2. All 2 seeds have the order four > one > beside.",
  ]);
  assertMatch(
    verdicts(outcome([3, 3], [2, 4]))[0],
    /four, is best in 1 of 2\. The seeds do not agree on an order: four > one > beside; one > four > beside\./,
  );
  assertMatch(verdicts(outcome([3], [2]))[0], /is best in 1 of 1\. The one seed has/);
});

Deno.test("every ablation's small settings stand beside the paper's in a table, sentences and a figure, also where none is the same", () => {
  let apart = 0;
  for (const [name, table] of Object.entries(ABLATIONS)) {
    const paper = table.paper.settings.map(({ name, published }) => ({ setting: name, published: published! }));
    const rows = settingsOf(table, "small").map(({ name, published = null }, i) => ({
      ...{ setting: name, published, scores: { lowshot: [i, i + 1] } },
    }));
    const all: AblationOutcome = { ...outcome([1, 3], [2, 2]), rows, paper };
    const shown = ablationCells(all).cells.map(([, published]) => published);
    for (const { setting, published } of paper) assert(shown.includes(published), `${name}: ${setting}`);
    const { data } = ablationFigure(all, table.kinds);
    assertEquals((data[0] as { y: number[] }).y, paper.map(({ published }) => published), name);
    const isHere = rows.some(({ published }) => published === Math.max(...paper.map(({ published }) => published)));
    if (!isHere) apart++;
    assertMatch(
      verdicts(all)[0],
      isHere ? /is best in \d of 2\. All 2 seeds/ : /is none of the settings here\. All 2 seeds/,
      name,
    );
  }
  assert(apart > 0);
});

Deno.test("a file that is no evaluation is named", () =>
  withFolder(async (dir) => {
    await assertRejects(() => readEvaluation(`${dir}/none.json`), Error, "none.json");
    for (const text of ["{", "{}", '{"results":[]}']) {
      await Deno.writeTextFile(`${dir}/bad.json`, text);
      await assertRejects(() => readEvaluation(`${dir}/bad.json`), Error, "bad.json is no evaluation");
    }
  }));
