/**
 * PyTorch's side of `deno task bench`: its Python environment in .venv/peer, and the process that runs peer/step.py.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { PROJECT_VENV } from "../../tensorflow/libraries/locate.ts";
import { startProcess } from "./bench_process.ts";
import { type BenchSize, BLOCKS } from "./bench_sizes.ts";
import { setUpPackages } from "../setup/python_packages.ts";

const VENV = `${PROJECT_VENV}/peer`;

/** The Python that has PyTorch, after setUpPeer(). */
export const PEER_PYTHON = `${VENV}/bin/python`;

/** What is imported; torchvision 0.28 is the one for torch 2.13. */
const PACKAGES = ["torch==2.13.0", "numpy", "pillow", "pyyaml", "huggingface_hub", "safetensors", "tqdm"];
/** lightly asks for a trainer and a configuration framework too, which its modules do not use. */
const WITHOUT_DEPENDENCIES = ["torchvision==0.28.0", "lightly==1.6.0", "timm==1.0.31"];

/** A way to run PyTorch's step. */
export interface PeerMode {
  /** Whose networks: lightly's and timm's, or plain PyTorch's with its fused attention or with one written out. */
  parts: "lightly" | "plain" | "unfused";
  precision: "f32" | "bf16";
  compiled: boolean;
  /** All three, as the process is told them. */
  name: string;
}

const modeOf = (parts: PeerMode["parts"], precision: PeerMode["precision"], compiled: boolean): PeerMode => ({
  ...{ parts, precision, compiled },
  name: `${parts} ${precision}${compiled ? " compiled" : ""}`,
});

/** PyTorch's modes: each precision as it is, then through torch.compile, without which unfused attention is nobody's choice. */
export const PEER_MODES: readonly PeerMode[] = (["f32", "bf16"] as const).flatMap((precision) => [
  modeOf("lightly", precision, false),
  modeOf("lightly", precision, true),
  modeOf("plain", precision, false),
  modeOf("plain", precision, true),
  modeOf("unfused", precision, true),
]);

/** Installs PyTorch, lightly and timm where that has not been done, with a progress bar; offline afterwards. */
export async function setUpPeer(): Promise<void> {
  await setUpPackages(
    VENV,
    PACKAGES,
    WITHOUT_DEPENDENCIES,
    "deno task bench",
    `Setting up PyTorch, lightly and timm in ${VENV}, once: 200 MB, or 3 GB where pip brings PyTorch with CUDA.`,
  );
}

/** The running process. */
export interface Peer {
  /** What it runs on. */
  about: { torch: string; device: string; threads: number };
  /** Runs so many steps in a mode: the milliseconds that each took, or why they could not be run. */
  run(mode: PeerMode, steps: number): Promise<{ ms: number[] } | { error: string }>;
  close(): Promise<void>;
}

/**
 * Starts it for one size, with more in its environment.
 *
 * @throws Error with Python's last words where it stops.
 */
export async function startPeer(size: BenchSize, env: Record<string, string> = {}): Promise<Peer> {
  const script = fileURLToPath(new URL("peer/step.py", import.meta.url));
  const args = [script, JSON.stringify({ ...size, blocks: BLOCKS })];
  const process = startProcess("PyTorch's side of the benchmark", PEER_PYTHON, args, env);
  return {
    about: await process.answer<Peer["about"]>(),
    run: ({ name }, steps) => process.ask(`${name} ${steps}`),
    close: process.close,
  };
}
