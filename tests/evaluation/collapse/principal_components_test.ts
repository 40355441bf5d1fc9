import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  componentScores,
  lessPlace,
  principalComponents,
} from "../../../lib/evaluation/collapse/principal_components.ts";
import { scatter, symmetricEigenvalues } from "../../../lib/evaluation/collapse/symmetric_matrix.ts";
import { randomStream } from "../../../lib/random.ts";

const random = randomStream(5);
const width = 12, rows = 300;
/** Columns of falling size, mixed. */
const values = Float32Array.from({ length: rows * width }, () => 0);
for (let row = 0; row < rows; row++) {
  for (let j = 0; j < width; j++) {
    const x = random.normal() * 2 ** (-j / 2);
    for (let i = 0; i < width; i++) values[row * width + i] += x * Math.cos(i * (j + 1)) + (j === 0 ? 3 : 0);
  }
}

Deno.test("principalComponents() have the largest eigenvalues of the covariance, and orthonormal directions", () => {
  const { mean, directions, variances, totalVariance } = principalComponents({ values, width }, 5);
  const eigenvalues = symmetricEigenvalues(scatter(values, width, mean, 1 / rows), width).reverse();
  variances.forEach((variance, c) => assertAlmostEquals(variance, eigenvalues[c], 1e-10 * eigenvalues[0]));
  assertAlmostEquals(totalVariance, eigenvalues.reduce((a, b) => a + b), 1e-10 * totalVariance);
  for (let a = 0; a < 5; a++) {
    const own = directions.subarray(a * width, (a + 1) * width);
    assert(Math.max(...own) === Math.max(...own.map(Math.abs)));
    for (let b = 0; b <= a; b++) {
      const product = own.reduce((sum, x, i) => sum + x * directions[b * width + i], 0);
      assertAlmostEquals(product, a === b ? 1 : 0, 1e-12);
    }
  }
});

Deno.test("componentScores() are centred, uncorrelated, and as spread as the components say", () => {
  const components = principalComponents({ values, width }, 3), scores = componentScores({ values, width }, components);
  for (let a = 0; a < 3; a++) {
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += scores[row * 3 + a];
    assertAlmostEquals(sum / rows, 0, 1e-9);
    for (let b = 0; b <= a; b++) {
      let product = 0;
      for (let row = 0; row < rows; row++) product += scores[row * 3 + a] * scores[row * 3 + b] / rows;
      assertAlmostEquals(product, a === b ? components.variances[a] : 0, 1e-8 * components.variances[0]);
    }
  }
});

Deno.test("principalComponents() find a known direction, and survive rows that are all alike", () => {
  const line = Float32Array.of(0, 0, 3, 4, 6, 8),
    { directions, variances } = principalComponents(
      { values: line, width: 2 },
      2,
    );
  [0.6, 0.8].forEach((x, i) => assertAlmostEquals(directions[i], x, 1e-12));
  assertAlmostEquals(variances[0], 50 / 3, 1e-9);
  assertAlmostEquals(variances[1], 0, 1e-9);
  const alike = principalComponents({ values: new Float32Array(6).fill(2), width: 2 }, 1);
  assertEquals([...alike.variances], [0]);
  assertEquals([...componentScores({ values: new Float32Array(2).fill(2), width: 2 }, alike)], [0]);
});

Deno.test("principalComponents() put the largest variance first where no feature alone has it", () => {
  // Their covariance is 2 beside [[1.125, 1.125], [1.125, 1.125]].
  const rows = Float32Array.of(2, 0, 0, -2, 0, 0, 0, 1.5, 1.5, 0, -1.5, -1.5);
  const { directions, variances } = principalComponents({ values: rows, width: 3 }, 3);
  [2.25, 2, 0].forEach((variance, c) => assertAlmostEquals(variances[c], variance, 1e-12));
  const half = Math.SQRT1_2;
  [0, half, half, 1, 0, 0].forEach((x, i) => assertAlmostEquals(directions[i], x, 1e-8));
});

Deno.test("principalComponents() have orthonormal directions where they are more than the rows span", () => {
  const wide = 24, few = Float32Array.from({ length: 3 * wide }, () => random.normal());
  for (const rows of [few, new Float32Array(3 * wide).fill(2)]) {
    const { directions, variances } = principalComponents({ values: rows, width: wide }, wide);
    variances.forEach((variance, c) => {
      if (c > 0) assert(variance <= variances[c - 1]);
      if (c >= 2) assertAlmostEquals(variance, 0, 1e-12);
      const own = directions.subarray(c * wide, (c + 1) * wide);
      for (let b = 0; b <= c; b++) {
        const product = own.reduce((sum, x, i) => sum + x * directions[b * wide + i], 0);
        assertAlmostEquals(product, b === c ? 1 : 0, 1e-12);
      }
    });
  }
});

Deno.test("lessPlace() takes off each place's mean over the images", () => {
  const tokens = {
    values: Float32Array.of(1, 2, 10, 20, 3, 6, 10, 40),
    tokens: 2,
    width: 2,
    labels: Int32Array.of(0, 1),
  };
  const { values: left, ...rest } = lessPlace(tokens);
  assertEquals([...left], [-1, -2, 0, -10, 1, 2, 0, 10]);
  assertEquals(rest, { tokens: 2, width: 2, labels: tokens.labels });
});

Deno.test("principalComponents() and componentScores() refuse what does not fit", () => {
  const rows = { values, width };
  assertThrows(() => principalComponents({ values: values.subarray(1), width }, 1), RangeError, "no rows of 12");
  for (const count of [0, 1.5, 13]) assertThrows(() => principalComponents(rows, count), RangeError, "1 to 12");
  const components = principalComponents(rows, 1);
  assertThrows(() => componentScores({ values, width: 6 }, components), RangeError, "Rows of 6");
});
