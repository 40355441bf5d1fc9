/** Asks twice for a GPU. */
import { hasGpu } from "../../../lib/tensorflow/ops/eager.ts";

console.log(hasGpu());
console.log(hasGpu());
