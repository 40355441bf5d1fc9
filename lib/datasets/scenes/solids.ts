/**
 * Spheres, cubes and upright cylinders, and where a ray meets them. Only sums, products, quotients and square roots are
 * used, which IEEE 754 defines to the last bit: the same on every machine.
 *
 * @module
 */

/** What a solid looks like. */
export type Shape = "sphere" | "cube" | "cylinder";

/** A solid that stands upright; it fills the cube from -half to half around its centre, turned about the vertical. */
export interface Solid {
  /** What it looks like. */
  shape: Shape;
  /** Of its centre, as y and z; z goes upwards. */
  x: number;
  /** Of its centre. */
  y: number;
  /** Of its centre: its height above the floor. */
  z: number;
  /** Half its height, which is half its width too. */
  half: number;
  /** Cosine of the angle by which it is turned about the vertical, which matters to cubes alone. */
  cos: number;
  /** The angle's sine. */
  sin: number;
}

/** How far a solid reaches sideways from its axis, at any turn. */
export function reach({ shape, half }: Solid): number {
  return shape === "cube" ? Math.SQRT2 * half : half;
}

/**
 * How far along a ray it enters a solid: Infinity where it misses it, begins inside, or leaves it behind. All solids are
 * convex: a ray is inside one from the last of the entries into the slabs (and the round wall) that bound it to the first
 * of the exits.
 *
 * @param dx the direction, of length 1, as dy and dz
 */
export function entry(
  solid: Solid,
  ox: number,
  oy: number,
  oz: number,
  dx: number,
  dy: number,
  dz: number,
): number {
  const px = ox - solid.x, py = oy - solid.y, pz = oz - solid.z, { shape, half } = solid;
  const along = px * dx + py * dy + pz * dz;
  // Against the least sphere around it.
  const bound = half * half * (shape === "sphere" ? 1 : shape === "cylinder" ? 2 : 3);
  const apart = px * px + py * py + pz * pz - along * along - bound;
  if (apart > 0) return Infinity;
  if (shape === "sphere") {
    const t = -along - Math.sqrt(-apart);
    return t > 0 ? t : Infinity;
  }
  // A ray that is parallel to a slab divides by zero: it is inside for ever, from -Infinity on, or never.
  let inverse = 1 / dz;
  let near = (-half - pz) * inverse, far = (half - pz) * inverse;
  let enter = Math.min(near, far), leave = Math.max(near, far);
  if (shape === "cylinder") {
    const a = dx * dx + dy * dy, b = px * dx + py * dy, c = px * px + py * py - half * half;
    if (a > 0) {
      const d = b * b - a * c;
      if (d < 0) return Infinity;
      const root = Math.sqrt(d);
      enter = Math.max(enter, (-b - root) / a);
      leave = Math.min(leave, (-b + root) / a);
    } else if (c > 0) return Infinity;
  } else {
    const { cos, sin } = solid;
    inverse = 1 / (cos * dx + sin * dy);
    let p = cos * px + sin * py;
    near = (-half - p) * inverse;
    far = (half - p) * inverse;
    enter = Math.max(enter, Math.min(near, far));
    leave = Math.min(leave, Math.max(near, far));
    inverse = 1 / (cos * dy - sin * dx);
    p = cos * py - sin * px;
    near = (-half - p) * inverse;
    far = (half - p) * inverse;
    enter = Math.max(enter, Math.min(near, far));
    leave = Math.min(leave, Math.max(near, far));
  }
  return enter > 0 && enter <= leave ? enter : Infinity;
}

/** Share of half its height over which the normals of an edge turn from one face's to the other's. */
const BEVEL = 0.12;

const ramp = (x: number) => Math.max(0, Math.abs(x) - (1 - BEVEL)) / BEVEL;

/**
 * The normal of a solid's surface, of length 1; near the edges of cubes and cylinders it turns, so that they are lit as
 * if they were rounded.
 *
 * @param x a point of the surface, as y and z
 * @param out [3], is written
 */
export function normalAt(solid: Solid, x: number, y: number, z: number, out: Float64Array): void {
  const { shape, half } = solid, px = (x - solid.x) / half, py = (y - solid.y) / half, pz = (z - solid.z) / half;
  let nx = px, ny = py, nz = pz;
  if (shape === "cylinder") {
    const radius = Math.sqrt(px * px + py * py), side = radius > 0 ? ramp(radius) / radius : 0;
    nx = side * px;
    ny = side * py;
    nz = Math.sign(pz) * ramp(pz);
  } else if (shape === "cube") {
    const { cos, sin } = solid, across = cos * px + sin * py, along = cos * py - sin * px;
    const u = Math.sign(across) * ramp(across), v = Math.sign(along) * ramp(along);
    nx = cos * u - sin * v;
    ny = sin * u + cos * v;
    nz = Math.sign(pz) * ramp(pz);
  }
  const length = Math.sqrt(nx * nx + ny * ny + nz * nz);
  out[0] = nx / length;
  out[1] = ny / length;
  out[2] = nz / length;
}
