import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { entry, normalAt, reach, type Shape, type Solid } from "../../../lib/datasets/scenes/solids.ts";
import { type Random, randomStream } from "../../../lib/random.ts";

const solid = (shape: Shape, half = 0.7): Solid => ({ shape, x: 0.3, y: -0.4, z: 0.9, half, cos: 0.8, sin: 0.6 });
const SHAPES: Shape[] = ["sphere", "cube", "cylinder"];

/** Whether a point is inside, by the definition of the shape and in the solid's own axes. */
function inside({ shape, x, y, z, half, cos, sin }: Solid, point: number[]): boolean {
  const [px, py, pz] = [point[0] - x, point[1] - y, point[2] - z];
  if (shape === "sphere") return Math.hypot(px, py, pz) < half;
  if (shape === "cylinder") return Math.hypot(px, py) < half && Math.abs(pz) < half;
  const [u, v] = [cos * px + sin * py, -sin * px + cos * py];
  return Math.max(Math.abs(u), Math.abs(v), Math.abs(pz)) < half;
}

/** A ray towards the solid's surroundings from 4 to 6 away. */
function randomRay(s: Solid, random: Random): { o: number[]; d: number[] } {
  const direction = () => {
    const v = [random.normal(), random.normal(), random.normal()], length = Math.hypot(...v);
    return v.map((value) => value / length);
  };
  const away = direction(), aim = direction(), distance = 4 + 2 * random.uniform();
  const beside = 2.5 * s.half * random.uniform();
  const centre = [s.x, s.y, s.z], o = centre.map((c, i) => c + distance * away[i]);
  const d = centre.map((c, i) => c + beside * aim[i] - o[i]), length = Math.hypot(...d);
  return { o, d: d.map((value) => value / length) };
}

const enter = (s: Solid, o: number[], d: number[]) => entry(s, o[0], o[1], o[2], d[0], d[1], d[2]);

for (const shape of SHAPES) {
  Deno.test(`entry() is where a march along the ray first comes inside: ${shape}`, () => {
    const s = solid(shape), random = randomStream(1), step = 2e-3;
    let hits = 0, misses = 0;
    for (let i = 0; i < 300; i++) {
      const { o, d } = randomRay(s, random), t = enter(s, o, d);
      let marched = Infinity;
      for (let at = 0; at < 9 && marched === Infinity; at += step) {
        if (inside(s, o.map((value, k) => value + at * d[k]))) marched = at;
      }
      if (marched === Infinity) {
        // A march can step over an edge that the ray cuts by less than a step.
        assert(t === Infinity || !inside(s, o.map((value, k) => value + (t + 2 * step) * d[k])), `ray ${i}`);
        misses++;
      } else {
        assertAlmostEquals(t, marched, 1.01 * step, `ray ${i}`);
        hits++;
      }
    }
    assert(hits > 100 && misses > 30, `${hits} hits, ${misses} misses`);
  });

  Deno.test(`entry() is Infinity from inside and for what lies behind: ${shape}`, () => {
    const s = solid(shape);
    assertEquals(entry(s, s.x, s.y, s.z, 0, 0, -1), Infinity);
    assertEquals(entry(s, s.x, s.y, s.z + 5, 0, 0, 1), Infinity);
    assertAlmostEquals(entry(s, s.x, s.y, s.z + 5, 0, 0, -1), 5 - s.half);
    assertEquals(entry(s, s.x + 1.01 * reach(s), s.y, s.z + 5, 0, 0, -1), Infinity);
  });

  Deno.test(`normalAt() has length 1 and points out; in the middle of a face it is the face's: ${shape}`, () => {
    const s = solid(shape), random = randomStream(2), n = new Float64Array(3);
    for (let i = 0; i < 300; i++) {
      const { o, d } = randomRay(s, random), t = enter(s, o, d);
      if (t === Infinity) continue;
      const [x, y, z] = o.map((value, k) => value + t * d[k]);
      normalAt(s, x, y, z, n);
      assertAlmostEquals(Math.hypot(...n), 1, 1e-12);
      assert((x - s.x) * n[0] + (y - s.y) * n[1] + (z - s.z) * n[2] > 0);
    }
    normalAt(s, s.x, s.y, s.z + s.half, n);
    assertEquals([...n], [0, 0, 1]);
    // The face that the turn by (cos, sin) carries the x axis to.
    normalAt(s, s.x + s.half * s.cos, s.y + s.half * s.sin, s.z, n);
    [s.cos, s.sin, 0].forEach((expected, i) => assertAlmostEquals(n[i], expected, 1e-12));
  });
}

Deno.test("entry() along an axis, where slabs divide by zero, hits a cube that is not turned", () => {
  const cube: Solid = { shape: "cube", x: 0, y: 0, z: 0, half: 1, cos: 1, sin: 0 };
  assertEquals(entry(cube, 3, 0.5, -0.5, -1, 0, 0), 2);
  assertEquals(entry(cube, 0.5, -4, 0.5, 0, 1, 0), 3);
  assertEquals(entry(cube, 3, 1.5, 0, -1, 0, 0), Infinity);
});
