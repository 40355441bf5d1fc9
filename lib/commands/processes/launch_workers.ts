/**
 * `--workers N`: the command itself, started once a worker on this machine, and started again where a worker is lost.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { workerEnvironments } from "../../training/world.ts";
import { numberOf } from "../terminal/flags.ts";
import { STOPPED } from "./exit_codes.ts";
import { stopSignal } from "./stop_signal.ts";

/** The flags of a command that workers can share, for parseArgs(). */
export const WORKER_FLAGS = {
  "workers": { type: "string" },
  "restarts": { type: "string" },
  "bfloat16-sums": { type: "boolean", default: false },
} as const;

/** What --help says of them. */
export const WORKER_HELP = {
  "--workers N":
    `processes on this machine that share each step: one a GPU, or on a CPU its cores divided among them; on
    several machines, start the command without it once a process by SLURM, torchrun, MPI or TF_CONFIG`,
  "--restarts K": "times that all workers start again from the newest checkpoint after one was lost (default 0)",
  "--bfloat16-sums": "sends gradients between workers as bfloat16, at half the traffic",
};

/** Set for a worker that was started here: it is told of --workers too, for what it says to the user. */
const LAUNCHED = "IJEPA_LAUNCHED";

/** Their numbers: workers to start, 1 for none, as in one that was started here. */
export function workerFlags(flags: { workers?: string; restarts?: string }): { workers: number; restarts: number } {
  const workers = numberOf("workers", flags.workers, { integer: true, least: 1 }) ?? 1;
  const restarts = numberOf("restarts", flags.restarts, { integer: true }) ?? 0;
  if (restarts > 0 && workers === 1) {
    throw new Error("--restarts is for --workers 2 or more: whoever starts one starts it again.");
  }
  return { workers: Deno.env.get(LAUNCHED) ? 1 : workers, restarts };
}

/** An option as parseArgs() tells it. */
export type Token = { kind: string; name?: string; value?: string | undefined };

/** A worker's arguments: those of this command, for the run in `dir`, which is gone on with where it has begun. */
export async function argumentsOf(tokens: readonly Token[], dir: string, resume: boolean): Promise<string[]> {
  const goOn = resume || await Deno.stat(`${dir}/config.json`).then(() => true, () => false);
  const own = ["out", "resume", ...goOn ? ["preset", "config"] : []];
  const given = tokens.filter(({ kind, name }) => kind === "option" && !own.includes(name!));
  return [
    ...given.map(({ name, value }) => value === undefined ? `--${name}` : `--${name}=${value}`),
    `--out=${dir}`,
    ...goOn ? ["--resume"] : [],
  ];
}

const CONFIG = fileURLToPath(new URL("../../../deno.json", import.meta.url));

/** Seconds that the others have to end by themselves once one has: they hear of it at once, but may be in a long step. */
const PATIENCE = 20;

/** Deno's arguments for a program of the kit, started from whatever folder. */
export const programArguments = (program: string, args: readonly string[]): string[] => [
  ...["run", "-P=kit", "--config", CONFIG, program],
  ...args,
];

/** A port that is free now, for worker 0 to listen at. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

type Worker = { rank: number; child: Deno.ChildProcess; said: Promise<string> };

/** Worker 0 speaks for all; what the others say is kept for the case that it cannot. */
function start(rank: number, args: string[], env: Record<string, string>): Worker {
  const child = new Deno.Command(Deno.execPath(), {
    args: programArguments(Deno.mainModule, args),
    env: { ...env, [LAUNCHED]: "1" },
    stdin: "null",
    stdout: rank === 0 ? "inherit" : "null",
    stderr: rank === 0 ? "inherit" : "piped",
  }).spawn();
  return { rank, child, said: rank === 0 ? Promise.resolve("") : new Response(child.stderr).text() };
}

const howItEnded = ({ code, signal }: Deno.CommandStatus) =>
  signal ? `was ended by ${signal}` : `ended with code ${code}`;

/** Starts all, passes signals on, and waits for their ends; `lost` says which was, unless all were told to end. */
async function runOnce(size: number, args: string[]): Promise<{ code: number; lost?: string }> {
  // First, for a signal that ended this process would leave the workers behind; worker 0 says it.
  const { signal, unlisten } = stopSignal(() => {});
  const workers = workerEnvironments(size, freePort()).map((env, rank) => start(rank, args, env));
  signal.addEventListener("abort", () => {
    for (const { child } of workers) endIfThere(child, "SIGTERM");
  });
  let timer: ReturnType<typeof setTimeout> | undefined, first: { rank: number; status: Deno.CommandStatus } | undefined;
  const statuses = await Promise.all(workers.map(async ({ rank, child }) => {
    const status = await child.status;
    if (!status.success && status.code !== STOPPED) {
      first ??= { rank, status };
      timer ??= setTimeout(() => workers.forEach(({ child }) => endIfThere(child, "SIGKILL")), 1000 * PATIENCE);
    }
    return status;
  }));
  clearTimeout(timer);
  unlisten();
  if (!first) return { code: statuses[0].code };
  const sentences = await Promise.all(workers.map(({ said }) => said)), said = sentences.find((text) => text.trim());
  // Worker 0 has said what it ended for, but where it was ended itself.
  if (statuses[0].signal && said) console.error(said.trim());
  // A signal ends a worker at once where it does not train yet, or no more.
  return { code: 1, ...signal.aborted ? {} : { lost: `Worker ${first.rank} ${howItEnded(first.status)}` } };
}

function endIfThere(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // It has ended.
  }
}

/**
 * Runs this command as so many workers, and, where one is lost, up to `restarts` times again.
 *
 * @param argsOf the workers' arguments; asked before each start, for a run that has begun is gone on with
 * @param goOn how to go on with it, as it is typed
 * @returns the exit code
 */
export async function launchWorkers(
  size: number,
  restarts: number,
  argsOf: () => Promise<string[]>,
  goOn: string,
): Promise<number> {
  for (let restart = 0;; restart++) {
    const { code, lost } = await runOnce(size, await argsOf());
    const hasBegun = (await argsOf()).includes("--resume");
    if (lost && restart === restarts && hasBegun) console.error(`${lost}. Go on with: ${goOn}`);
    if (!lost || restart === restarts) return code;
    const from = hasBegun ? "their newest checkpoint, or their beginning where there is none" : "their beginning";
    console.error(`${lost}. All ${size} start again from ${from}, for the ${ordinal(restart + 1)} time.`);
  }
}

const ordinal = (n: number) => `${n}${["st", "nd", "rd"][(n % 100 / 10 | 0) === 1 ? 3 : n % 10 - 1] ?? "th"}`;
