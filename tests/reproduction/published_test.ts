/** The paper's numbers, copied a second time, from notes on its tables: what stands beside ours must be what these say. */
import { assertEquals } from "@std/assert";
import * as paper from "../../lib/evaluation/published.ts";

type Name = { [name in keyof typeof paper]: (typeof paper)[name] extends paper.PublishedTable ? name : never };

/** Rows of I-JEPA, then of other methods. */
const COPIED: Record<keyof Name, string> = {
  TABLE_1: "72.9 77.5 79.3 81.1 | 77.2 77.3 81.0", // MAE H/14, data2vec L/16, iBOT L/16
  TABLE_2: "69.4 73.3 77.3 | 71.5 73.3 75.7", // MAE H/14, data2vec L/16, MSN B/4
  TABLE_3_CIFAR100: "87.5 | 77.3 81.6 84.9 88.3", // MAE H/14, data2vec L/16, DINO B/8, iBOT L/16
  TABLE_3_PLACES205: "58.4 | 55.0 54.6 57.9 60.4",
  TABLE_3_INAT18: "47.6 | 32.9 28.1 55.9 57.3",
  TABLE_4_COUNT: "86.7 | 90.5 85.3 86.6 85.7",
  TABLE_4_DISTANCE: "72.4 | 72.4 71.3 53.4 62.8",
  TABLE_5_CIFAR100: "87.5 89.5 89.5", // H/14 of ImageNet-1k and -22k, G/16 of ImageNet-22k
  TABLE_5_PLACES205: "58.4 57.8 59.1",
  TABLE_5_INAT18: "47.6 50.5 55.3",
  TABLE_5_COUNT: "86.7 88.6 86.7",
  TABLE_5_DISTANCE: "72.4 75.0 73.0",
  TABLE_6: "54.2 15.5 20.2 17.6",
  TABLE_7: "66.9 40.7",
  TABLE_8: "19.2 39.2 42.4 54.2 38.9 33.6",
  TABLE_9: "31.2 47.1 49.3 54.2",
  TABLE_10: "9.0 22.0 48.5 54.2",
  TABLE_11: "67.3 56.1",
  TABLE_12: "64.0 66.9",
  TABLE_13_LOW_SHOT: "69.4 70.7",
  TABLE_13_LINEAR: "77.8 76.4",
  TABLE_14: "70.7 68.4",
  TABLE_15: "87.1 | 87.8",
};

Deno.test("every published table has the paper's numbers, I-JEPA's rows first", () => {
  const tables = Object.entries(paper) as [keyof Name, paper.PublishedTable][];
  assertEquals(tables.map(([name]) => name).toSorted(), Object.keys(COPIED).toSorted());
  for (const [name, { title, results }] of tables) {
    const [own, others] = COPIED[name].split(" | ").map((row) => row.split(" ").map(Number));
    assertEquals(results.map(({ accuracy }) => accuracy), [...own, ...others ?? []], name);
    assertEquals(title.startsWith(`Table ${/\d+/.exec(name)![0]}: `), true, name);
    const methods = results.filter(({ method }) => method.startsWith("I-JEPA ")).length;
    if (methods > 0) assertEquals(methods, own.length, name);
  }
});
