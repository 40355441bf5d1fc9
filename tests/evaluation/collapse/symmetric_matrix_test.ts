import { assert, assertAlmostEquals, assertEquals, assertLess, assertThrows } from "@std/assert";
import {
  scatter,
  solvePositive,
  symmetricEigenvalues,
  whitened,
} from "../../../lib/evaluation/collapse/symmetric_matrix.ts";
import { randomStream } from "../../../lib/random.ts";
import cases from "../fixtures/collapse.json" with { type: "json" };

for (const { name, width, values, singularValues } of cases) {
  Deno.test(`symmetricEigenvalues() of a scatter matrix are numpy's squared singular values: ${name}`, () => {
    const eigenvalues = symmetricEigenvalues(scatter(values, width, new Float64Array(width)), width);
    assertEquals(eigenvalues.length, width);
    const largest = singularValues[0] ** 2;
    eigenvalues.toReversed().forEach((value, i) => {
      assertAlmostEquals(value, (singularValues[i] ?? 0) ** 2, 1e-14 * largest, `eigenvalue ${i}`);
    });
  });
}

Deno.test("symmetricEigenvalues() of matrices whose eigenvalues are known", () => {
  assertEquals([...symmetricEigenvalues(new Float64Array([7]), 1)], [7]);
  assertEquals([...symmetricEigenvalues(new Float64Array(9), 3)], [0, 0, 0]);
  assertEquals([...symmetricEigenvalues(new Float64Array([3, 0, 0, 0, -1, 0, 0, 0, 2]), 3)], [-1, 2, 3]);
  // 2 on the diagonal, -1 beside it: 2 - 2 cos(k pi / (n + 1)).
  const n = 50, a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    a[i * n + i] = 2;
    if (i > 0) a[i * n + i - 1] = -1;
  }
  symmetricEigenvalues(a, n).forEach((value, k) =>
    assertAlmostEquals(value, 2 - 2 * Math.cos((k + 1) * Math.PI / (n + 1)), 1e-14)
  );
  // Nearly diagonal: what is small beside the diagonal still counts to first order among equal elements.
  const [low, high] = symmetricEigenvalues(new Float64Array([1, 0, 0, 1e-9, 1, 0, 0, 0, 5]), 3);
  assertAlmostEquals(high - low, 2e-9, 1e-15);
});

Deno.test("symmetricEigenvalues() keep the trace and the norm, read the lower triangle and leave the matrix", () => {
  const random = randomStream(1), n = 100;
  const a = Float64Array.from({ length: n * n }, () => random.normal()), copy = a.slice();
  let trace = 0, squares = 0;
  for (let i = 0; i < n; i++) {
    trace += a[i * n + i];
    for (let j = 0; j <= i; j++) squares += (i === j ? 1 : 2) * a[i * n + j] ** 2;
  }
  const eigenvalues = symmetricEigenvalues(a, n);
  assertEquals(a, copy);
  assertAlmostEquals(eigenvalues.reduce((x, y) => x + y), trace, 1e-11);
  assertAlmostEquals(eigenvalues.reduce((x, y) => x + y * y, 0), squares, 1e-9);
  assert(eigenvalues.every((value, i) => i === 0 || value >= eigenvalues[i - 1]));
});

Deno.test("whitened() makes a covariance the identity, and has the eigenvalues of w^-1 b", () => {
  const random = randomStream(2), n = 30;
  const values = Float64Array.from({ length: 3 * n * n }, (_, k) => random.normal() * 2 ** -(k % n / 3));
  const w = scatter(values, n, new Float64Array(n));
  const identity = whitened(w, w, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) assertLess(Math.abs(identity[i * n + j] - (i === j ? 1 : 0)), 1e-9);
  }
  // w = [[4, 2], [2, 2]], b = [[1, 0], [0, 3]]: det(b - x w) = 4 x^2 - 14 x + 3.
  const root = Math.sqrt(14 ** 2 - 4 * 4 * 3);
  const two = symmetricEigenvalues(whitened(new Float64Array([1, 0, 0, 3]), new Float64Array([4, 9, 2, 2]), 2), 2);
  assertAlmostEquals(two[0], (14 - root) / 8, 1e-14);
  assertAlmostEquals(two[1], (14 + root) / 8, 1e-14);
});

Deno.test("scatter() takes the mean off and scales", () => {
  const matrix = scatter([1, 2, 3, 6], 2, [2, 4], 0.5);
  assertEquals([matrix[0], matrix[2], matrix[3]], [1, 2, 4]);
});

Deno.test("symmetricEigenvalues() refuses what is not finite", () => {
  assertThrows(() => symmetricEigenvalues(new Float64Array([1, 0, NaN, 1]), 2), RangeError, "Element 2");
});

Deno.test("solvePositive() finds the vector that the matrix was multiplied with", () => {
  const n = 40, random = randomStream(11), rows = Array.from({ length: 60 * n }, () => random.normal());
  const a = scatter(rows, n, new Float64Array(n)), x = Float64Array.from({ length: n }, () => random.normal());
  // The lower triangle holds the symmetric matrix.
  const b = x.map((_, i) => x.reduce((sum, value, j) => sum + a[Math.max(i, j) * n + Math.min(i, j)] * value, 0));
  solvePositive(a, b, n).forEach((value, i) => assertAlmostEquals(value, x[i], 1e-11));
  const singular = new Float64Array([1, 0, 1, 1]);
  assertThrows(() => solvePositive(singular, Float64Array.of(1, 2), 2), RangeError, "not positive definite");
});
