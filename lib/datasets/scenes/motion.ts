/**
 * Solids that slide over the floor without friction, and bounce off each other and off a round fence, without loss. Between
 * two contacts each goes in a straight line, so that the contacts' times are roots of quadratics, and nothing is integrated
 * in small steps: positions are exact but for rounding.
 *
 * In a contact a solid is the upright cylinder around it: a cube keeps its turn, and no contact makes it spin.
 *
 * @module
 */

/** A solid on the floor, as it moves. Lengths are in the scenes' unit, times in frames. */
export interface Mover {
  /** Of its centre, as y. */
  x: number;
  /** Of its centre. */
  y: number;
  /** Of its centre, a frame, as vy. */
  vx: number;
  /** Of its centre, a frame. */
  vy: number;
  /** How far it reaches sideways. */
  radius: number;
  /** Its mass; only ratios of masses count. */
  mass: number;
}

/** When solids met. */
export interface Contact {
  /** In frames from the first one on. */
  time: number;
  /** The two that met, or the one that met the fence. */
  solids: readonly number[];
}

/** Where the solids are in each frame. */
export interface Motion {
  /** [T, n, 2] */
  positions: Float64Array;
  /** [T, n, 2], a frame. */
  velocities: Float64Array;
  /** In the order of their times, up to the last frame. */
  contacts: Contact[];
}

/** When two solids meet that go on as they do; Infinity where they do not. */
function meeting(a: Mover, b: Mover): number {
  const x = b.x - a.x, y = b.y - a.y, vx = b.vx - a.vx, vy = b.vy - a.vy;
  const closing = x * vx + y * vy, square = vx * vx + vy * vy;
  if (closing >= 0) return Infinity;
  const apart = x * x + y * y - (a.radius + b.radius) ** 2, root = closing * closing - square * apart;
  return root < 0 ? Infinity : Math.max(0, (-closing - Math.sqrt(root)) / square);
}

/** When a solid meets the fence; Infinity where it rests. */
function atFence({ x, y, vx, vy, radius }: Mover, fence: number): number {
  const square = vx * vx + vy * vy, outwards = x * vx + y * vy, room = (fence - radius) ** 2 - x * x - y * y;
  if (square === 0) return Infinity;
  if (room <= 0) return outwards > 0 ? 0 : Infinity; // on it, by a rounding error: it has just bounced off, or is about to
  return (-outwards + Math.sqrt(outwards * outwards + square * room)) / square;
}

/** Exchanges momentum along the line between two centres: an elastic contact without friction. */
function bounce(a: Mover, b: Mover): void {
  const x = b.x - a.x, y = b.y - a.y, square = x * x + y * y;
  const closing = ((b.vx - a.vx) * x + (b.vy - a.vy) * y) / square, share = 2 * closing / (a.mass + b.mass);
  a.vx += share * b.mass * x;
  a.vy += share * b.mass * y;
  b.vx -= share * a.mass * x;
  b.vy -= share * a.mass * y;
}

/** Turns back what of a solid's velocity points out of the fence. */
function bounceOffFence(a: Mover): void {
  const outwards = 2 * (a.x * a.vx + a.y * a.vy) / (a.x * a.x + a.y * a.y);
  a.vx -= outwards * a.x;
  a.vy -= outwards * a.y;
}

/** A contact more than these for each frame means that solids were begun inside each other. */
const CONTACTS = 1000;

/**
 * Moves solids for so many frames; the first is as they are begun.
 *
 * @param fence radius of the round fence around the origin, inside which all solids lie
 * @param meet whether two solids bounce off each other, by their indices; others go through each other. Default all
 * @throws RangeError where two solids that bounce overlap from the beginning on, or one reaches over the fence
 */
export function move(
  begun: readonly Mover[],
  frames: number,
  fence: number,
  meet: (a: number, b: number) => boolean = () => true,
): Motion {
  begun.forEach((a, i) => {
    if (Math.sqrt(a.x * a.x + a.y * a.y) + a.radius > fence * (1 + 1e-9)) {
      throw new RangeError(`Solid ${i} reaches over the fence, which has a radius of ${fence}.`);
    }
    for (let j = 0; j < i; j++) {
      const b = begun[j], apart = Math.sqrt((a.x - b.x) ** 2 + (a.y - b.y) ** 2);
      if (meet(j, i) && apart < (a.radius + b.radius) * (1 - 1e-9)) {
        throw new RangeError(`Solids ${j} and ${i} overlap.`);
      }
    }
  });
  const movers = begun.map((mover) => ({ ...mover })), count = movers.length, contacts: Contact[] = [];
  const positions = new Float64Array(frames * count * 2), velocities = new Float64Array(frames * count * 2);
  const advance = (by: number) => movers.forEach((a) => (a.x += by * a.vx, a.y += by * a.vy));

  let time = 0;
  for (let frame = 0; frame < frames; frame++) {
    while (true) {
      let soonest = Infinity, solids: number[] = [];
      movers.forEach((a, i) => {
        const fenced = atFence(a, fence);
        if (fenced < soonest) [soonest, solids] = [fenced, [i]];
        for (let j = 0; j < i; j++) {
          const met = meet(j, i) ? meeting(movers[j], a) : Infinity;
          if (met < soonest) [soonest, solids] = [met, [j, i]];
        }
      });
      if (time + soonest > frame) break;
      if (contacts.length > CONTACTS * frames) throw new RangeError("The solids have no room to move.");
      advance(soonest);
      time += soonest;
      const [a, b] = solids.map((i) => movers[i]);
      if (b) bounce(a, b);
      else bounceOffFence(a);
      contacts.push({ time, solids });
    }
    advance(frame - time);
    time = frame;
    movers.forEach((a, i) => {
      positions.set([a.x, a.y], (frame * count + i) * 2);
      velocities.set([a.vx, a.vy], (frame * count + i) * 2);
    });
  }
  return { positions, velocities, contacts };
}
