/**
 * Where the dot is, read from a world model's states by ridge regression: what a state says, or a predicted one.
 *
 * @module
 */
import type { RoomsConfig } from "../../world/episodes.ts";
import type { Place } from "../../world/rooms.ts";
import { denseProbe } from "../probes/dense_probe.ts";
import { placesIn, type Seeing, statesOf } from "./states.ts";

/** A fitted probe. */
export interface PlaceProbe {
  /** Share of the places' variance that it explains on places it has not seen: [x, y]; 1 is perfect. */
  r2: [number, number];
  /** Root of the mean squared error there, in units: [x, y]. */
  rmse: [number, number];
  /** Where the dot is by states [N, D]. */
  places(states: Float32Array<ArrayBuffer>): Place[];
}

/** Places that it is fitted to and tested on. */
const FITTED = 2000, TESTED = 1000;

/** Fits a probe to a model's states of places drawn anywhere, in rooms as it was trained on. */
export async function placeProbe(model: Seeing, rooms: RoomsConfig, seed: number): Promise<PlaceProbe> {
  const { width } = model.size;
  const drawn = placesIn(rooms, seed, FITTED + TESTED);
  const states = await statesOf(model, drawn, drawn.map(({ place }) => place));
  const examples = (values: Float32Array<ArrayBuffer>, targets: readonly number[]) => {
    return { values, tokens: 1, width, targets: Float32Array.from(targets) };
  };
  const probe = (axis: 0 | 1, values: Float32Array<ArrayBuffer>, targets: readonly number[]) => {
    const fitted = drawn.slice(0, FITTED).map(({ place }) => place[axis]);
    const train = examples(states.subarray(0, FITTED * width), fitted);
    return denseProbe(train, examples(values, targets), { ridge: 1e-4 });
  };
  const tested = ([0, 1] as const).map((axis) =>
    probe(axis, states.subarray(FITTED * width), drawn.slice(FITTED).map(({ place }) => place[axis]))
  );
  return {
    r2: [tested[0].r2, tested[1].r2],
    rmse: [tested[0].rmse, tested[1].rmse],
    places(values) {
      const unknown = Array.from({ length: values.length / width }, () => 1); // predictions do not depend on it
      const [x, y] = ([0, 1] as const).map((axis) => probe(axis, values, unknown).predictions);
      return unknown.map((_, i): Place => [x[i], y[i]]);
    },
  };
}
