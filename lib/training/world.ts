/**
 * Which worker of a run this process is, from the variables of whoever started it: TF_CONFIG, torchrun, MPI, SLURM, or this
 * kit itself.
 *
 * @module
 */
import type { World } from "../tensorflow/collectives/channel.ts";

/** Environment variables; an empty one counts as absent. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where torch's launchers listen unless they are told otherwise. */
const DEFAULT_PORT = 29500;

const THIS_MACHINE = "127.0.0.1";

/** The world of a process that works alone. */
const ALONE: World = {
  rank: 0,
  size: 1,
  localRank: 0,
  localSize: 1,
  leader: { hostname: THIS_MACHINE, port: DEFAULT_PORT },
};

/** A variable's whole number. */
function wholeNumber(env: Environment, name: string, smallest = 0): number {
  const text = env[name];
  if (!text) throw new Error(`${name} is not set, which whoever starts several workers must do.`);
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= smallest) return value;
  throw new Error(`${name} must be a whole number from ${smallest} on, but is ${JSON.stringify(text)}.`);
}

function portOf(text: string | number, name: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65535) return port;
  throw new Error(`${name} must be a port, 1 to 65535, but is ${JSON.stringify(`${text}`)}.`);
}

/** A rank and the number of workers from two variables, which must fit. */
function place(env: Environment, rankName: string, sizeName: string): [rank: number, size: number] {
  const rank = wholeNumber(env, rankName), size = wholeNumber(env, sizeName, 1);
  if (rank < size) return [rank, size];
  throw new Error(`${rankName} is ${rank}, but ${sizeName} is ${size}: ranks go from 0 to ${size - 1}.`);
}

/** "host:port", or "[::1]:port" */
function parseAddress(address: unknown): World["leader"] {
  const [, hostname, port] = /^\[?(.+?)\]?:(\d+)$/.exec(`${address}`) ?? [];
  if (!hostname) throw new Error(`TF_CONFIG's addresses must read "host:port", but one is ${JSON.stringify(address)}.`);
  return { hostname, port: portOf(port, `The port of TF_CONFIG's ${address}`) };
}

function fromTfConfig(text: string): World {
  let config: { cluster?: Record<string, unknown>; task?: { type?: string; index?: number } };
  try {
    config = JSON.parse(text);
  } catch (error) {
    throw new Error(`TF_CONFIG is not JSON: ${(error as Error).message}.`);
  }
  const { cluster = {}, task = {} } = config ?? {};
  const jobs = ["chief", "master", "worker"];
  const foreign = [...Object.keys(cluster), task.type ?? "worker"].find((job) => !jobs.includes(job));
  if (foreign) throw new Error(`TF_CONFIG has a task of type "${foreign}": workers are "chief" and "worker" only.`);
  const lists = jobs.map((job) => [job, cluster[job] ?? []] as const);
  const flawed = lists.find(([, addresses]) => !Array.isArray(addresses));
  if (flawed) throw new Error(`TF_CONFIG's cluster must list addresses, but its "${flawed[0]}" is no list.`);
  const tasks = lists.flatMap(([job, addresses]) =>
    (addresses as unknown[]).map((address, index) => ({ job, index, ...parseAddress(address) }))
  );
  if (tasks.length === 0) return ALONE;
  const { type = "worker", index = 0 } = task;
  const rank = tasks.findIndex((other) => other.job === type && other.index === index);
  if (rank < 0) throw new Error(`TF_CONFIG says that this is ${type} ${index}, but its cluster has no such address.`);
  const isHere = (other: World["leader"]) => other.hostname === tasks[rank].hostname;
  const { hostname, port } = tasks[0];
  return {
    rank,
    size: tasks.length,
    localRank: tasks.slice(0, rank).filter(isHere).length,
    localSize: tasks.filter(isHere).length,
    leader: { hostname, port },
  };
}

function fromTorchrun(env: Environment): World {
  const [rank, size] = place(env, "RANK", "WORLD_SIZE");
  const [localRank, localSize] = place(env, "LOCAL_RANK", "LOCAL_WORLD_SIZE");
  if (!env.MASTER_ADDR) throw new Error("RANK is set, but not MASTER_ADDR, the machine of worker 0.");
  const port = portOf(wholeNumber(env, "MASTER_PORT"), "MASTER_PORT");
  // There torchrun itself listens at MASTER_PORT.
  const taken = env.TORCHELASTIC_USE_AGENT_STORE?.toLowerCase() === "true";
  const leader = { hostname: env.MASTER_ADDR, port: taken ? portOf(port + 1, "MASTER_PORT + 1") : port };
  return { rank, size, localRank, localSize, leader };
}

/** The first machine of SLURM's list, e.g. "gpu[03-05,9],cpu1" -> "gpu03". */
function firstHost(list: string): string {
  const first = /^(?:\[[^\]]*\]|[^,[])+/.exec(list)?.[0] ?? list;
  return first.replace(/\[(\w+)[^\]]*\]/g, "$1");
}

/** Workers on the machine of number `node`, from SLURM's list of them, e.g. "4(x2),3" for machines of 4, 4 and 3. */
function tasksOnNode(list: string, node: number): number {
  const counts = list.split(",").flatMap((part) => {
    const [, count, times = "1"] = /^(\d+)(?:\(x(\d+)\))?$/.exec(part) ?? [];
    return Array<number>(Number(times)).fill(Number(count));
  });
  if (counts[node] >= 1) return counts[node];
  throw new Error(`SLURM_STEP_TASKS_PER_NODE is "${list}", which does not say how many tasks node ${node} has.`);
}

/** Worker 0's address where the launcher does not tell it: MASTER_ADDR and MASTER_PORT, else what SLURM says of the job. */
function meetingPlace(env: Environment, onOneMachine: boolean): World["leader"] {
  const nodes = env.SLURM_STEP_NODELIST || env.SLURM_JOB_NODELIST || env.SLURM_NODELIST;
  const hostname = env.MASTER_ADDR || (onOneMachine ? THIS_MACHINE : nodes && firstHost(nodes));
  if (!hostname) {
    throw new Error("The workers are on several machines: set MASTER_ADDR (and MASTER_PORT) to where worker 0 is.");
  }
  // Two jobs, or two steps of one, may share a machine.
  const job = Number(env.SLURM_JOB_ID), step = Number(env.SLURM_STEP_ID ?? 0);
  const port = Number.isInteger(job) && env.SLURM_JOB_ID ? 15000 + (10 * job + step) % 10000 : DEFAULT_PORT;
  return { hostname, port: env.MASTER_PORT ? portOf(wholeNumber(env, "MASTER_PORT"), "MASTER_PORT") : port };
}

function fromMpi(env: Environment, [rankName, sizeName, localRankName, localSizeName]: readonly string[]): World {
  const [rank, size] = place(env, rankName, sizeName);
  const [localRank, localSize] = place(env, localRankName, localSizeName);
  return { rank, size, localRank, localSize, leader: meetingPlace(env, localSize === size) };
}

function fromSlurm(env: Environment): World {
  const [rank, size] = place(env, "SLURM_PROCID", "SLURM_STEP_NUM_TASKS");
  const localRank = wholeNumber(env, "SLURM_LOCALID");
  const localSize = size === 1
    ? 1
    : tasksOnNode(env.SLURM_STEP_TASKS_PER_NODE || `${size}`, wholeNumber(env, "SLURM_NODEID"));
  if (localRank >= localSize) {
    throw new Error(
      `SLURM_LOCALID is ${localRank}, but SLURM_STEP_TASKS_PER_NODE gives this machine ${localSize} tasks.`,
    );
  }
  return { rank, size, localRank, localSize, leader: meetingPlace(env, localSize === size) };
}

const OPEN_MPI = [
  ...["OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"],
  ...["OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"],
];
const MPICH = ["PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"];

/** What the launchers say, TF_CONFIG aside; the innermost counts, for torchrun and mpirun may run in a SLURM job. */
function fromLauncher(env: Environment): World | undefined {
  if (env.RANK) return fromTorchrun(env);
  if (env.OMPI_COMM_WORLD_RANK) return fromMpi(env, OPEN_MPI);
  if (env.PMI_RANK && env.MPI_LOCALRANKID) return fromMpi(env, MPICH); // SLURM's own PMI sets the first alone.
  if (env.SLURM_STEP_NUM_TASKS) return fromSlurm(env);
  return undefined;
}

/**
 * The world of this process, from TF_CONFIG; else from torchrun's variables (RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE,
 * MASTER_ADDR, MASTER_PORT), Open MPI's or MPICH's, or srun's; else a world of one. MPI and SLURM leave out where worker 0
 * is: MASTER_ADDR and MASTER_PORT tell, else the first machine of SLURM's list and a port made of the job's number.
 *
 * Of TF_CONFIG's addresses only the first is listened at; TensorFlow takes free ports, as NCCL does.
 *
 * @throws Error of one sentence where a variable is missing, is no number, or contradicts another
 */
export function worldOf(env: Environment): World {
  const launched = fromLauncher(env);
  if (!launched && !env.TF_CONFIG && Number(env.SLURM_NTASKS) > 1) {
    throw new Error(
      `SLURM gave this job ${env.SLURM_NTASKS} tasks, but did not start this process as one of them: start it with ` +
        "srun, or name the number of workers here (--workers).",
    );
  }
  const world = env.TF_CONFIG ? fromTfConfig(env.TF_CONFIG) : launched ?? ALONE;
  const says = ({ rank, size }: World) => `worker ${rank} of ${size}`;
  if (launched && says(launched) !== says(world)) {
    throw new Error(
      `TF_CONFIG says that this is ${says(world)}, but its launcher ${says(launched)}: unset one of them.`,
    );
  }
  if (env.WORLD_SIZE && Number(env.WORLD_SIZE) !== world.size) {
    const problem = launched || env.TF_CONFIG ? `this is one of ${world.size} workers` : "RANK is not set";
    throw new Error(`WORLD_SIZE is ${env.WORLD_SIZE}, but ${problem}.`);
  }
  return world;
}

/**
 * What to start workers on this machine with: the environment of each, in which worldOf() finds its world. They share the
 * CPU's cores, where TF_NUM_INTRAOP_THREADS does not say otherwise.
 *
 * @param size workers, 1 or more
 * @param port free, for worker 0
 */
export function workerEnvironments(size: number, port: number): Record<string, string>[] {
  const threads = Deno.env.get("TF_NUM_INTRAOP_THREADS") ||
    `${Math.max(1, Math.floor(navigator.hardwareConcurrency / size))}`;
  return Array.from({ length: size }, (_, rank) => ({
    RANK: `${rank}`,
    WORLD_SIZE: `${size}`,
    LOCAL_RANK: `${rank}`,
    LOCAL_WORLD_SIZE: `${size}`,
    MASTER_ADDR: THIS_MACHINE,
    MASTER_PORT: `${port}`,
    // What our own environment may say of another world.
    TORCHELASTIC_USE_AGENT_STORE: "",
    TF_CONFIG: "",
    TF_NUM_INTRAOP_THREADS: threads,
  }));
}
