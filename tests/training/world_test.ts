import { assertEquals, assertThrows } from "@std/assert";
import { type Environment, workerEnvironments, worldOf } from "../../lib/training/world.ts";

/** [rank, size, localRank, localSize, "host:port"] */
function worldIn(env: Environment): (number | string)[] {
  const { rank, size, localRank, localSize, leader } = worldOf(env);
  return [rank, size, localRank, localSize, `${leader.hostname}:${leader.port}`];
}

const torchrun = {
  ...{ RANK: "5", WORLD_SIZE: "8", LOCAL_RANK: "1", LOCAL_WORLD_SIZE: "4" },
  ...{ MASTER_ADDR: "gpu03", MASTER_PORT: "29400" },
};
const slurm = {
  ...{ SLURM_JOB_ID: "123456", SLURM_STEP_ID: "2", SLURM_PROCID: "6", SLURM_LOCALID: "2", SLURM_NODEID: "1" },
  ...{ SLURM_STEP_NUM_TASKS: "11", SLURM_STEP_TASKS_PER_NODE: "4(x2),3", SLURM_STEP_NODELIST: "gpu[03-05]" },
  ...{ SLURM_NTASKS: "11", SLURM_JOB_NODELIST: "gpu[01-09]" },
};
const openMpi = {
  ...{ OMPI_COMM_WORLD_RANK: "1", OMPI_COMM_WORLD_SIZE: "2" },
  ...{ OMPI_COMM_WORLD_LOCAL_RANK: "1", OMPI_COMM_WORLD_LOCAL_SIZE: "2" },
};
const mpich = { PMI_RANK: "3", PMI_SIZE: "4", MPI_LOCALRANKID: "1", MPI_LOCALNRANKS: "2" };
const tfConfig = (
  type: string,
  index: number,
  cluster: unknown = { chief: ["a:2222"], worker: ["b:2222", "b:2223"] },
) => ({
  TF_CONFIG: JSON.stringify({ cluster, task: { type, index } }),
});

const WORLDS: [name: string, env: Environment, world: (number | string)[]][] = [
  ["nothing", { HOME: "/root", MASTER_ADDR: "x" }, [0, 1, 0, 1, "127.0.0.1:29500"]],
  ["empty variables", { RANK: "", TF_CONFIG: "", WORLD_SIZE: "" }, [0, 1, 0, 1, "127.0.0.1:29500"]],
  ["torchrun", torchrun, [5, 8, 1, 4, "gpu03:29400"]],
  ["torchrun, which listens there", { ...torchrun, TORCHELASTIC_USE_AGENT_STORE: "True" }, [5, 8, 1, 4, "gpu03:29401"]],
  ["torchrun in a SLURM job", { ...slurm, ...torchrun }, [5, 8, 1, 4, "gpu03:29400"]],
  ["srun", slurm, [6, 11, 2, 4, "gpu03:19562"]],
  ["srun with a place to meet", { ...slurm, MASTER_ADDR: "b", MASTER_PORT: "1234" }, [6, 11, 2, 4, "b:1234"]],
  ["srun with WORLD_SIZE", { ...slurm, WORLD_SIZE: "11" }, [6, 11, 2, 4, "gpu03:19562"]],
  [
    "srun on the last node",
    { ...slurm, SLURM_NODEID: "2", SLURM_STEP_NODELIST: "rack[1,3]n[07-09]-ib,x" },
    [6, 11, 2, 3, "rack1n07-ib:19562"],
  ],
  [
    "srun on one node",
    {
      ...slurm,
      SLURM_STEP_NUM_TASKS: "8",
      SLURM_STEP_TASKS_PER_NODE: "8",
      SLURM_NODEID: "0",
      SLURM_STEP_NODELIST: "n1",
    },
    [6, 8, 2, 8, "127.0.0.1:19562"],
  ],
  ["a job of one task", { SLURM_NTASKS: "1", SLURM_PROCID: "0" }, [0, 1, 0, 1, "127.0.0.1:29500"]],
  ["Open MPI on one machine", openMpi, [1, 2, 1, 2, "127.0.0.1:29500"]],
  [
    "Open MPI in a SLURM job",
    { ...slurm, ...openMpi, OMPI_COMM_WORLD_SIZE: "11", OMPI_COMM_WORLD_RANK: "7" },
    [7, 11, 1, 2, "gpu03:19562"],
  ],
  ["MPICH", { ...mpich, MASTER_ADDR: "m" }, [3, 4, 1, 2, "m:29500"]],
  ["srun with PMI", { ...slurm, PMI_RANK: "6", PMI_SIZE: "11" }, [6, 11, 2, 4, "gpu03:19562"]],
  ["TF_CONFIG's chief", tfConfig("chief", 0), [0, 3, 0, 1, "a:2222"]],
  ["TF_CONFIG's last worker", tfConfig("worker", 1), [2, 3, 1, 2, "a:2222"]],
  ["TF_CONFIG without a chief", tfConfig("worker", 1, { worker: ["[::1]:7", "[::1]:8"] }), [1, 2, 1, 2, "::1:7"]],
  ["TF_CONFIG of nobody", { TF_CONFIG: "{}" }, [0, 1, 0, 1, "127.0.0.1:29500"]],
  ["TF_CONFIG in a job's script", { ...tfConfig("chief", 0), SLURM_NTASKS: "3" }, [0, 3, 0, 1, "a:2222"]],
];

for (const [name, env, world] of WORLDS) {
  Deno.test(`the world in ${name}`, () => assertEquals(worldIn(env), world));
}

const PROBLEMS: [env: Environment, sentence: string][] = [
  [{ ...torchrun, RANK: "8" }, "RANK is 8, but WORLD_SIZE is 8: ranks go from 0 to 7."],
  [{ ...torchrun, LOCAL_RANK: "4" }, "LOCAL_RANK is 4, but LOCAL_WORLD_SIZE is 4: ranks go from 0 to 3."],
  [{ ...torchrun, RANK: "one" }, 'RANK must be a whole number from 0 on, but is "one".'],
  [{ ...torchrun, WORLD_SIZE: "0" }, 'WORLD_SIZE must be a whole number from 1 on, but is "0".'],
  [
    { ...torchrun, LOCAL_WORLD_SIZE: undefined },
    "LOCAL_WORLD_SIZE is not set, which whoever starts several workers must do.",
  ],
  [{ ...torchrun, MASTER_ADDR: "" }, "RANK is set, but not MASTER_ADDR, the machine of worker 0."],
  [{ ...torchrun, MASTER_PORT: "65536" }, 'MASTER_PORT must be a port, 1 to 65535, but is "65536".'],
  [{ WORLD_SIZE: "4" }, "WORLD_SIZE is 4, but RANK is not set."],
  [{ ...slurm, WORLD_SIZE: "12" }, "WORLD_SIZE is 12, but this is one of 11 workers."],
  [{ ...slurm, SLURM_LOCALID: "4" }, "SLURM_LOCALID is 4, but SLURM_STEP_TASKS_PER_NODE gives this machine 4 tasks."],
  [
    { ...slurm, SLURM_NODEID: "3" },
    'SLURM_STEP_TASKS_PER_NODE is "4(x2),3", which does not say how many tasks node 3 has.',
  ],
  [
    { SLURM_NTASKS: "4", SLURM_PROCID: "0" },
    "SLURM gave this job 4 tasks, but did not start this process as one of them: start it with srun, or name the number " +
    "of workers here (--workers).",
  ],
  [mpich, "The workers are on several machines: set MASTER_ADDR (and MASTER_PORT) to where worker 0 is."],
  [
    { ...torchrun, ...tfConfig("worker", 0) },
    "TF_CONFIG says that this is worker 1 of 3, but its launcher worker 5 of 8: unset one of them.",
  ],
  [tfConfig("worker", 2), "TF_CONFIG says that this is worker 2, but its cluster has no such address."],
  [tfConfig("ps", 0), 'TF_CONFIG has a task of type "ps": workers are "chief" and "worker" only.'],
  [
    tfConfig("worker", 0, { worker: ["a:1"], evaluator: ["b:1"] }),
    'TF_CONFIG has a task of type "evaluator": workers are "chief" and "worker" only.',
  ],
  [tfConfig("worker", 0, { worker: ["a"] }), `TF_CONFIG's addresses must read "host:port", but one is "a".`],
  [tfConfig("worker", 0, { worker: "a:1" }), `TF_CONFIG's cluster must list addresses, but its "worker" is no list.`],
  [{ TF_CONFIG: "{" }, "TF_CONFIG is not JSON: "],
];

for (const [env, sentence] of PROBLEMS) {
  Deno.test(`no world: ${sentence}`, () => {
    const { message } = assertThrows(() => worldOf(env));
    if (sentence.endsWith(": ")) assertEquals(message.slice(0, sentence.length), sentence);
    else assertEquals(message, sentence);
  });
}

Deno.test("the workers that we start find their world, whatever our own environment says", () => {
  const ours = { ...tfConfig("chief", 0), ...slurm, TORCHELASTIC_USE_AGENT_STORE: "True" };
  assertEquals(workerEnvironments(3, 4321).map((env) => worldIn({ ...ours, ...env })), [
    [0, 3, 0, 3, "127.0.0.1:4321"],
    [1, 3, 1, 3, "127.0.0.1:4321"],
    [2, 3, 2, 3, "127.0.0.1:4321"],
  ]);
});
