/** Asks twice for a GPU. */
import { hasGpu } from "../../../lib/tensorflow/eager.ts";

console.log(hasGpu());
console.log(hasGpu());
