/**
 * TensorFlow, loaded before a file's tests begin: its libraries stay open, which the resource sanitizer would hold against
 * the first test that computes something. Import it for that.
 *
 * @module
 */
import { hasGpu } from "../../lib/tensorflow/ops/eager.ts";

hasGpu();
