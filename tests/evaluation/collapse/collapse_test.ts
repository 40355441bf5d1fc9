import { assert, assertAlmostEquals, assertEquals, assertGreater, assertMatch, assertThrows } from "@std/assert";
import { collapseWarning, lidar, rankMe } from "../../../lib/evaluation/collapse/collapse.ts";
import { randomStream } from "../../../lib/random.ts";
import cases from "../fixtures/collapse.json" with { type: "json" };

for (const { name, width, views, values, ...reference } of cases) {
  const features = { values: Float32Array.from(values), width };
  Deno.test(`rankMe() and lidar() are numpy's: ${name}`, () => {
    assertAlmostEquals(rankMe(features), reference.rankMe, 1e-5 * reference.rankMe);
    for (const [delta, expected] of Object.entries(reference.lidar)) {
      assertAlmostEquals(lidar(features, { views, delta: Number(delta) }), expected, 1e-5 * expected, `delta ${delta}`);
    }
  });
}

const rows = (count: number, width: number, at: (i: number, j: number) => number) => ({
  values: Float32Array.from({ length: count * width }, (_, k) => at(Math.floor(k / width), k % width)),
  width,
});

Deno.test("rankMe() is the number of equally strong directions", () => {
  assertAlmostEquals(rankMe(rows(12, 6, (i, j) => i % 4 === j ? 3 : 0)), 4, 1e-4);
  assertAlmostEquals(rankMe(rows(6, 6, (i, j) => i === j ? -0.01 : 0)), 6, 1e-4);
});

Deno.test("rankMe() of a complete collapse is 1, whatever the point, and 0 at the origin", () => {
  assertAlmostEquals(rankMe(rows(50, 32, (_, j) => Math.sin(j))), 1, 1e-3);
  assertAlmostEquals(rankMe(rows(50, 32, () => 1e-20)), 1, 1e-3);
  assertEquals(rankMe(rows(50, 32, () => 0)), 0);
  assertAlmostEquals(rankMe(rows(1, 4, (_, j) => j)), 1, 1e-5);
});

Deno.test("lidar() counts what tells images apart, not what tells their crops apart", () => {
  const random = randomStream(3), views = 8;
  // Three columns are the image's own, ten others are drawn for each view.
  const own = Array.from({ length: 200 * 3 }, () => random.normal());
  const features = rows(200 * views, 13, (i, j) => j < 3 ? own[Math.floor(i / views) * 3 + j] : 4 * random.normal());
  assertAlmostEquals(lidar(features, { views }), 3, 0.1);
  assertGreater(rankMe(features), 9);
});

Deno.test("lidar() of features that do not differ between images is 0", () => {
  assertEquals(lidar(rows(40, 16, () => 0), { views: 4 }), 0);
  assertEquals(lidar(rows(40, 16, (_, j) => Math.sin(j)), { views: 4 }), 0);
  const random = randomStream(4);
  // What float32 leaves of one point that was computed in other orders.
  assertEquals(lidar(rows(40, 16, (_, j) => Math.sin(j) * (1 + 1e-7 * random.normal())), { views: 4 }), 0);
});

Deno.test("lidar() falls as dimensions fall together", () => {
  const random = randomStream(5), views = 5;
  const own = Array.from({ length: 100 * 16 }, () => random.normal());
  const ranks = [16, 4, 1].map((kept) =>
    lidar(
      rows(100 * views, 16, (i, j) => own[Math.floor(i / views) * 16 + j % kept] + 0.1 * random.normal()),
      { views },
    )
  );
  assert(ranks[0] > 12 && ranks[1] < 5 && ranks[2] < 1.5, `${ranks}`);
});

Deno.test("rankMe() and lidar() refuse what has no rank", () => {
  assertThrows(() => rankMe({ values: new Float32Array(0), width: 4 }), RangeError, "not one or more rows of 4");
  assertThrows(() => rankMe({ values: new Float32Array(6), width: 4 }), RangeError, "6 values are not");
  assertThrows(() => rankMe(rows(3, 2, (i) => i === 2 ? NaN : 1)), RangeError, "Row 2 of the features holds NaN");
  const features = rows(6, 2, (i, j) => i * j);
  assertThrows(() => lidar(features, { views: 1 }), RangeError, "2 or more views; got 1");
  assertThrows(() => lidar(features, { views: 4 }), RangeError, "6 rows are not 4 views each");
  assertThrows(() => lidar(features, { views: 6 }), RangeError, "of 2 or more images");
  assertThrows(() => lidar(features, { views: 2, delta: 0 }), RangeError, "above 0; got 0");
});

Deno.test("collapseWarning() speaks at its thresholds alone", () => {
  const healthy = { step: 10, featureStd: 0.3, cosine: 0.7, centredCosine: 0.2, measures: { rankMe: 12, knn: 40 } };
  const evidence = { chance: 10, heldOut: 900 }; // a standard error of 1 %
  const warn = (change: object, measures = {}, of: typeof evidence | undefined = evidence) =>
    collapseWarning({ ...healthy, ...change, measures: { ...healthy.measures, ...measures } }, of);

  assertEquals(warn({}), undefined);
  assertEquals(warn({ featureStd: 0.002 }), undefined);
  assertMatch(
    warn({ featureStd: 0.00193 })!,
    /^The representations are collapsing at step 10: .* of 0\.0019\. Lower the/,
  );
  assertEquals(warn({}, { rankMe: 2 }), undefined);
  assertMatch(warn({}, { rankMe: 1.94 })!, /their RankMe is 1\.9, so/);
  assertEquals(warn({}, { rankMe: 3.9, knn: 12.1 }), undefined);
  assertMatch(warn({}, { rankMe: 3.9, knn: 12 })!, /RankMe is 3\.9, and kNN reaches 12\.0 %, where chance is 10\.0 %/);
  assertEquals(warn({}, { rankMe: 4, knn: 10 }), undefined);
  assertEquals(collapseWarning({ ...healthy, measures: { rankMe: 3.9, knn: 12 } }), undefined);
  assertEquals(warn({}, { rankMe: 3.9, knn: undefined }, { chance: 0, heldOut: 0 }), undefined);
  assertEquals(warn({ cosine: 0.95, centredCosine: 0 }), undefined);
  assertEquals(warn({ cosine: 0.99, centredCosine: 0.05 }), undefined);
  assertMatch(warn({ cosine: 0.96, centredCosine: -0.01 })!, /a cosine of 0\.96 .* but of -0\.01 once/);
  // Steps without a measurement are judged by their own metrics.
  assertEquals(collapseWarning({ ...healthy, measures: undefined }, evidence), undefined);
  assert(collapseWarning({ ...healthy, measures: undefined, featureStd: 0 }, evidence));
});
