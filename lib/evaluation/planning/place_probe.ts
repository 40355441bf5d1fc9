/**
 * Where the dot is, read from a world model's states by ridge regression: what a state says, or a predicted one.
 *
 * @module
 */
import type { RoomsConfig } from "../../world/episodes.ts";
import type { Seeing } from "../../world/planning.ts";
import type { Place } from "../../world/rooms.ts";
import { fitDenseLayer, measureDenseLayer } from "../probes/dense_probe.ts";
import { placesIn, statesOf } from "./states.ts";

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
  const examples = (axis: 0 | 1, from: number, to: number) => {
    const targets = Float32Array.from(drawn.slice(from, to), ({ place }) => place[axis]);
    return { values: states.subarray(from * width, to * width), tokens: 1, width, targets };
  };
  const [x, y] = ([0, 1] as const).map((axis) => {
    const layer = fitDenseLayer(examples(axis, 0, FITTED), { ridge: 1e-4 });
    return { ...layer, ...measureDenseLayer(layer, examples(axis, FITTED, FITTED + TESTED)) };
  });
  return {
    r2: [x.r2, y.r2],
    rmse: [x.rmse, y.rmse],
    places(values) {
      const across = x.predict(values), down = y.predict(values);
      return Array.from(across, (_, i): Place => [across[i], down[i]]);
    },
  };
}
