import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { agree, type Channel, type World } from "../../../lib/tensorflow/collectives/channel.ts";
import { meet, type Patience } from "../../../lib/tensorflow/collectives/meeting.ts";

const HOST = Deno.hostname();
const name = (rank: number) => `worker ${rank} (${HOST})`, capitalName = (rank: number) => `Worker ${rank} (${HOST})`;

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

const worldAt = (port: number) => (rank: number, size: number): World => ({
  ...{ rank, size, localRank: rank, localSize: size },
  leader: { hostname: "127.0.0.1", port },
});

/** Starts workers of these ranks in a world of `size`, and returns what became of each: its channel, or its sentence. */
async function start(ranks: number[], size: number, patience: Patience = {}, port = freePort()) {
  const world = worldAt(port);
  const settled = await Promise.allSettled(ranks.map((rank) => meet(world(rank, size), 1000 + rank, patience)));
  return settled.map((result) => result.status === "fulfilled" ? result.value : result.reason.message as string);
}

async function startAll(size: number, patience: Patience = {}, port = freePort()): Promise<Channel[]> {
  const workers = await start(Array.from({ length: size }, (_, rank) => rank), size, patience, port);
  return workers.map((worker) => {
    assert(typeof worker !== "string", `${worker}`);
    return worker;
  });
}

const closeAll = (workers: Channel[]) => Promise.all(workers.map(({ close }) => close()));

/** The sentence with which each of these is lost. */
const losses = (workers: Channel[]) =>
  Promise.all(workers.map(({ lost }) =>
    new Promise<string>((resolve) => {
      const say = () => resolve((lost.reason as Error).message);
      if (lost.aborted) say();
      else lost.addEventListener("abort", say);
    })
  ));

/** What would come of a program that speaks like worker 1 of 2, and then does as it likes. */
async function puppet(port: number, message: unknown): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(JSON.stringify(message) + "\n"));
  return connection;
}

Deno.test("workers meet, whoever comes first, exchange values in the order of their ranks, and part", async () => {
  const port = freePort(), world = worldAt(port);
  const followers = [2, 1].map((rank) => meet(world(rank, 3), 1000 + rank));
  await new Promise((resolve) => setTimeout(resolve, 50));
  // Whoever else calls is no worker.
  const leader = meet(world(0, 3), 1000);
  const stranger = await Deno.connect({ hostname: "127.0.0.1", port });
  await stranger.write(new TextEncoder().encode("GET / HTTP/1.1\n\n"));
  const silent = await Deno.connect({ hostname: "127.0.0.1", port }), hungUp = silent.read(new Uint8Array(1));
  const workers = await Promise.all([leader, followers[1], followers[0]]);
  stranger.close();
  for (const { members } of workers) {
    assertEquals(members, [0, 1, 2].map((rank) => ({ host: HOST, address: `127.0.0.1:${1000 + rank}` })));
  }
  const gathered = await Promise.all(
    workers.flatMap(({ gather }, rank) => [gather("a", `é\n${rank}`), gather("b", "")]),
  );
  assertEquals(gathered[2], ["é\n0", "é\n1", "é\n2"]);
  assertEquals(gathered, Array.from({ length: 6 }, (_, i) => gathered[i % 2]));
  await closeAll(workers);
  assertEquals(workers.map(({ lost }) => lost.aborted), [false, false, false]);
  assertEquals(await hungUp, null); // or its connection would keep worker 0 from ending
  silent.close();
  await assertRejects(() => workers[1].gather("c", ""), Error, "The workers have parted");
});

Deno.test("workers that disagree learn on what, and who has what", async () => {
  const workers = await startAll(3);
  await Promise.all(workers.map((worker) => agree(worker, "the images", { length: 5, of: { name: "x" } })));
  const batches = [64, 64, 128];
  const sentence = `The workers disagree on the configuration: step.batch is 64 at ${name(0)}, but 128 at ${name(2)}.`;
  for (
    const agreed of workers.map((worker, i) => agree(worker, "the configuration", { step: { batch: batches[i] } }))
  ) {
    assertEquals((await assertRejects(() => agreed)).message, sentence);
  }
  const absent = workers.map((worker, i) => agree(worker, "the seed", i === 1 ? {} : { seed: 1 }));
  assertEquals(
    (await Promise.allSettled(absent)).map((result) => (result as PromiseRejectedResult).reason.message),
    Array(3).fill(`The workers disagree on the seed: seed is 1 at ${name(0)}, but absent at ${name(1)}.`),
  );
  await closeAll(workers);
});

Deno.test("a rank that is there twice, or another number of workers, ends the meeting for all with one sentence", async () => {
  const twice = await start([0, 1, 1, 2], 4);
  assertEquals(twice, Array(4).fill(`There are two workers 1: ${HOST} and ${HOST} were started with the same rank.`));

  const world = worldAt(freePort());
  const sizes = await Promise.allSettled([meet(world(0, 2), 1), meet(world(1, 3), 1)]);
  assertEquals(
    sizes.map((result) => (result as PromiseRejectedResult).reason.message),
    Array(2).fill(`${capitalName(1)} was started as one of 3 workers, worker 0 (${HOST}) as one of 2.`),
  );
});

Deno.test("one worker too many is turned away, and the others go on", async () => {
  const port = freePort(), workers = await startAll(2, {}, port);
  const [late] = await start([1], 2, {}, port);
  assertMatch(
    late as string,
    /has all its 2 workers already: a rank was given twice, or this is another run's port\.$/,
  );
  assertEquals(await Promise.all(workers.map(({ gather }, i) => gather("x", `${i}`))), [["0", "1"], ["0", "1"]]);
  await closeAll(workers);
});

Deno.test("a port in use is told to worker 0, and to those who find another program there", async () => {
  using server = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = server.addr;
  const answered = server.accept().then(async (connection) => {
    await connection.write(new TextEncoder().encode("220 mail.example ESMTP\r\n"));
    connection.close();
  });
  const [leader, follower] = await start([0, 1], 2, {}, port);
  await answered;
  assertEquals(
    leader,
    `Worker 0 cannot listen at 127.0.0.1:${port}: another program, or another worker 0, has this port; name another.`,
  );
  assertEquals(
    follower,
    `What answers worker 1 of 2 at 127.0.0.1:${port} is not worker 0 of this run: name another port.`,
  );
});

Deno.test("who does not come is named, to those who came", async () => {
  const port = freePort();
  const sentence = `Workers 1, 3 of 4 did not come to worker 0 at 127.0.0.1:${port} within 0.3 s.`;
  const late = (async () => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    return [...await start([1], 4, {}, port), ...await start([3], 4, {}, port)];
  })();
  assertEquals(await start([0, 2], 4, { arrival: 0.3 }, port), [sentence, sentence]);
  assertEquals(await late, [sentence, sentence]); // Those on their way hear it too.

  const [alone] = await start([1], 2, { arrival: 0.1 }, port);
  assertMatch(alone as string, /^Worker 1 of 2 did not reach worker 0 at 127\.0\.0\.1:\d+ within 0\.1 s: .*refused/);
});

Deno.test("a worker that is lost is named to all, in what they wait for and in what they ask for later", async () => {
  const port = freePort();
  const [others, connection] = await Promise.all([
    start([0, 1], 3, {}, port) as Promise<Channel[]>,
    puppet(port, { hello: { rank: 2, size: 3, host: "far", port: 1 } }).catch(async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return await puppet(port, { hello: { rank: 2, size: 3, host: "far", port: 1 } });
    }),
  ]);
  const waiting = others.map(({ gather }) => gather("x", ""));
  connection.close();
  const sentence = "Worker 2 (far) is lost: its connection ended, so it was killed, has crashed or is out of reach.";
  for (const promise of waiting) assertEquals((await assertRejects(() => promise)).message, sentence);
  assertEquals(await losses(others), [sentence, sentence]);
  for (const { gather } of others) assertEquals((await assertRejects(() => gather("y", ""))).message, sentence);
  await Promise.all(others.map(({ close }) => close(new Error("a consequence"))));
});

Deno.test("a worker that says nothing more hangs; one whose own loop stood still accuses nobody", async () => {
  const port = freePort();
  const leader = start([0], 2, { silence: 0.6 }, port) as Promise<Channel[]>;
  const connection = await puppet(port, { hello: { rank: 1, size: 2, host: "far", port: 1 } });
  const workers = await leader;
  const end = performance.now() + 1000;
  while (performance.now() < end);
  await new Promise((resolve) => setTimeout(resolve, 200));
  assertEquals(workers[0].lost.aborted, false);
  assertEquals(await losses(workers), [
    "Worker 1 (far) hangs: it said nothing for 0.6 s, so it is stopped, stuck or out of reach.",
  ]);
  connection.close();
  await workers[0].close(workers[0].lost.reason);

  const live = await startAll(2, { silence: 0.3 });
  await new Promise((resolve) => setTimeout(resolve, 700));
  assertEquals(live.map(({ lost }) => lost.aborted), [false, false]);
  await closeAll(live);
});

Deno.test("a worker that fails tells the others why, and workers out of step are told so", async () => {
  const failing = await startAll(3);
  await failing[2].close(new Error("No space left on device."));
  assertEquals(await losses(failing), Array(3).fill(`${capitalName(2)} stopped: No space left on device.`));
  await Promise.all(
    failing.map(({ close }, rank) => close(rank === 0 ? new Error("a consequence") : undefined).catch(() => {})),
  );

  const stray = await startAll(2);
  const ends = [stray[0].gather("step 3", ""), stray[1].close()];
  const sentence = `The workers are out of step: ${name(0)} is at "step 3", ${name(1)} at "the end".`;
  for (const promise of ends) assertEquals((await assertRejects(() => promise as Promise<unknown>)).message, sentence);
  await stray[0].close(new Error("a consequence"));
});
