import { assertEquals, assertThrows } from "@std/assert";
import { benchmarkOf } from "../../../lib/commands/bench/benchmark_of.ts";

Deno.test("benchmarkOf() is told by the one option that names a benchmark; whole steps need none", () => {
  assertEquals(benchmarkOf([]), "steps");
  assertEquals(benchmarkOf(["size", "rounds"]), "steps");
  assertEquals(benchmarkOf(["precision", "cold", "rounds"]), "cold");
});

Deno.test("benchmarkOf() refuses two benchmarks, and an option that the one asked for takes no notice of", () => {
  assertThrows(() => benchmarkOf(["loader", "cold"]), Error, "--loader and --cold are two benchmarks: leave one");
  assertThrows(() => benchmarkOf(["loader", "size"]), Error, "--size is for whole steps, --workers, --encode, --cold");
  assertThrows(() => benchmarkOf(["data"]), Error, "--data is for --loader: leave it out, or add one of these.");
  assertThrows(() => benchmarkOf(["profile", "rounds"]), Error, "--rounds is for");
  assertThrows(() => benchmarkOf(["precision"]), Error, "--precision is for --cold, --profile");
});
