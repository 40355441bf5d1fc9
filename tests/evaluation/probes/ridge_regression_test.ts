import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { type RegressionRows, ridgeRegression } from "../../../lib/evaluation/probes/ridge_regression.ts";
import reference from "../fixtures/ridge_regression.json" with { type: "json" };

const { width } = reference;
const rowsOf = ({ values, targets }: { values: number[]; targets: number[] }): RegressionRows => ({
  ...{ width, values: Float32Array.from(values), targets: Float32Array.from(targets) },
});
const [train, heldOut, test] = [reference.train, reference.heldOut, reference.test].map(rowsOf);

Deno.test("ridgeRegression() chooses the lambda and explains the share that numpy's least squares does", () => {
  const { r2, ridge } = ridgeRegression(train, heldOut, test);
  assertEquals(ridge, reference.ridge);
  assertAlmostEquals(r2, reference.r2, 1e-4);
});

Deno.test("ridgeRegression() explains all of targets that are linear in the features, and none of others", () => {
  const draw = (rows: number, seed: number, linear: boolean): RegressionRows => {
    const values = Float32Array.from({ length: rows * 2 }, (_, i) => Math.sin((i + seed) ** 2));
    const aim = (i: number) => linear ? 3 * values[2 * i] - values[2 * i + 1] + 7 : Math.sin(5 + (i + seed) ** 3);
    return { values, width: 2, targets: Float32Array.from({ length: rows }, (_, i) => aim(i)) };
  };
  const r2 = (linear: boolean) =>
    ridgeRegression(draw(200, 0, linear), draw(100, 1000, linear), draw(500, 2000, linear)).r2;
  assertAlmostEquals(r2(true), 1, 1e-6);
  assertAlmostEquals(r2(false), 0, 0.05);
});

Deno.test("ridgeRegression() takes features that are the same many times over", () => {
  const repeated = ({ values, targets }: RegressionRows): RegressionRows => {
    const rows = Array.from(
      { length: values.length / width },
      (_, i) => [...values.subarray(i * width, (i + 1) * width)],
    );
    return { values: Float32Array.from(rows.flatMap((row) => Array(20).fill(row).flat())), width: 20 * width, targets };
  };
  const { r2 } = ridgeRegression(repeated(train), repeated(heldOut), repeated(test));
  assertAlmostEquals(r2, reference.r2, 0.1);
});

Deno.test("ridgeRegression() refuses sets that do not fit together", () => {
  const cut = { ...test, targets: test.targets.subarray(1) };
  assertThrows(
    () => ridgeRegression(train, heldOut, cut),
    RangeError,
    'The rows of "test" are 30 of 13 numbers with 59 targets, which do not fit the others.',
  );
  const one = { ...heldOut, values: heldOut.values.subarray(0, width), targets: heldOut.targets.subarray(0, 2) };
  assertThrows(() => ridgeRegression(train, one, test), RangeError, 'Target 0 of "heldOut" is the same in all 1 rows');
});
