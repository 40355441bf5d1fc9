/**
 * What the commands of a reproduction cost, in words.
 *
 * @module
 */
import { cpuDevice, DEVICES } from "../../jepa/pretraining/estimate.ts";
import { secondsOf, type Step } from "../../reproduction/step.ts";

/** Where a scale is trained, and which share of the peak is reached: of small networks as measured, of an H100 as assumed. */
const MACHINES = {
  small: {
    images: 50_000,
    device: cpuDevice(navigator.hardwareConcurrency, Deno.systemMemoryInfo().total),
    share: 0.35,
  },
  paper: { images: 1_281_167, device: DEVICES.h100, share: 0.3 },
};

function duration(seconds: number): string {
  if (seconds < 5400) return `${Math.max(1, Math.round(seconds / 60))} min`;
  return seconds < 72 * 3600 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`;
}

const IMAGENET_22K = 14_197_122;

function secondsOfStep({ args, config }: Step, scale: "small" | "paper"): number {
  const larger = args.some((arg) => arg.startsWith("imagenet22k-"));
  return secondsOf(config!, { ...MACHINES[scale], ...larger ? { images: IMAGENET_22K } : {} });
}

/** What one takes. */
export function stepCost(step: Step, scale: "small" | "paper"): string {
  if (!step.config) return step.cost ?? "not estimated";
  return `about ${duration(secondsOfStep(step, scale))} by estimate`;
}

/** The trainings' estimates together, and how many commands have none. */
export function totalCost(steps: readonly Step[], scale: "small" | "paper"): string {
  const estimated = steps.filter(({ config }) => config), others = steps.length - estimated.length;
  const seconds = estimated.reduce((sum, step) => sum + secondsOfStep(step, scale), 0);
  const more = others === 1 ? "1 command" : `${others} commands`;
  if (estimated.length === 0) return others === 0 ? "nothing" : more;
  return `${duration(seconds)} of training${others > 0 ? ` and ${more}` : ""}`;
}
