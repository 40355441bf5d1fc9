/** Loads TensorFlow, makes no context, and ends. */
import { library } from "../../../lib/tensorflow/libraries/library.ts";

library();
