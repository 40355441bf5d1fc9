/**
 * How the workers of a run find each other: they all go to worker 0, whose address is the only one that they have to know.
 *
 * @module
 */
import { type Channel, channelOver, type Member, workerName, type World } from "./channel.ts";
import { type Hello, type Link, linkOver } from "./link.ts";

/** How long to wait. */
export interface Patience {
  /** Seconds for all workers to arrive. Default 300. */
  arrival?: number;
  /**
   * Seconds after which a worker that says nothing counts as hung. Its words come from its event loop, so that a program
   * that is stuck is noticed too: nothing in it may hold up the loop for this long. Default 30.
   */
  silence?: number;
}

/** Seconds within which worker 0 answers whoever connects, and for which it tells those who come late why all is over. */
const ANSWER = 10;

const LOOPBACK = /^(localhost|127\..*|::1)$/;

const seconds = (count: number) => count * 1000;
const capital = (text: string) => text[0].toUpperCase() + text.slice(1);
const messageOf = (error: unknown) => error instanceof Error ? error.message : `${error}`;

/** "host:port", IPv6 in brackets. */
function addressOf(hostname: string, port: number): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

function listen({ hostname, port }: World["leader"]): Deno.TcpListener {
  // Not at the name itself: a machine may know its own as 127.0.1.1, where no other machine reaches it.
  const everywhere = hostname.includes(":") ? "::" : "0.0.0.0";
  try {
    return Deno.listen({ hostname: LOOPBACK.test(hostname) ? "127.0.0.1" : everywhere, port });
  } catch (error) {
    const inUse = error instanceof Deno.errors.AddrInUse;
    const reason = inUse ? "another program, or another worker 0, has this port; name another" : messageOf(error);
    throw new Error(`Worker 0 cannot listen at ${addressOf(hostname, port)}: ${reason}.`);
  }
}

/** Worker 0's side: waits for all others. */
async function lead(world: World, me: Member, { arrival, silence }: Required<Patience>): Promise<Channel> {
  const { size, leader: { hostname, port } } = world;
  const listener = listen(world.leader);
  const links = new Map<number, Link>(), strangers = new Set<Link>(), members: Member[] = [me];
  const met = Promise.withResolvers<Channel>(), all = Promise.withResolvers<void>();
  let calls = 0, over = ""; // What to tell those who come after the meeting.

  const refuse = (sentence: string) => {
    if (over) return;
    over = sentence;
    for (const link of links.values()) link.send({ fault: sentence });
    met.reject(new Error(sentence));
  };
  const arrive = (link: Link, from: string, { rank, host, port, ...hello }: Hello) => {
    const who = capital(workerName(rank, host));
    if (++calls === size - 1) all.resolve();
    if (hello.size !== size) {
      refuse(`${who} was started as one of ${hello.size} workers, worker 0 (${me.host}) as one of ${size}.`);
    } else if (!over && members[rank]) {
      refuse(`There are two workers ${rank}: ${members[rank].host} and ${host} were started with the same rank.`);
    }
    if (over) {
      link.send({ fault: over });
      return void link.close();
    }
    // An address of this machine's own is where the others know worker 0.
    members[rank] = { host, address: addressOf(LOOPBACK.test(from) ? hostname : from, port) };
    links.set(rank, link);
    link.send({ waiting: true });
    link.onMessage = () => {};
    link.ended.then(() => refuse(`${who} left before all ${size} workers had come.`));
    if (links.size < size - 1) return;
    over =
      `Worker 0 (${me.host}) has all its ${size} workers already: a rank was given twice, or this is another run's port.`;
    met.resolve(channelOver(world, members, links, silence));
    for (const link of links.values()) link.send({ members });
  };
  (async () => {
    for await (const connection of listener) {
      const link = linkOver(connection), from = connection.remoteAddr.hostname.replace(/^::ffff:/, "");
      // Whoever says anything else is a stranger, and who says nothing.
      strangers.add(link);
      link.ended.then(() => strangers.delete(link));
      link.onMessage = ({ hello }) => {
        strangers.delete(link);
        if (hello) arrive(link, from, hello);
        else link.close();
      };
    }
  })().catch(() => {}); // Closing the listener ends it.
  const stopListening = () => {
    listener.close();
    for (const link of strangers) link.close(); // a connection that stays open would keep the program from ending
  };

  const late = setTimeout(() => {
    const missing = Array.from({ length: size }, (_, rank) => rank).filter((rank) => !members[rank]);
    const who = `${missing.length === 1 ? "Worker" : "Workers"} ${missing.join(", ")} of ${size}`;
    refuse(`${who} did not come to worker 0 at ${addressOf(hostname, port)} within ${arrival} s.`);
  }, seconds(arrival));
  try {
    const channel = await met.promise;
    let listening = true;
    const close = (error?: unknown) =>
      channel.close(error).finally(() => {
        if (listening) stopListening();
        listening = false;
      });
    return { ...channel, close };
  } catch (error) {
    // The others may be on their way, and shall hear why.
    const enough = setTimeout(all.resolve, seconds(ANSWER));
    await all.promise;
    clearTimeout(enough);
    stopListening();
    await Promise.all(Array.from(links.values(), (link) => link.close()));
    throw error;
  } finally {
    clearTimeout(late);
  }
}

/** A connection to worker 0, which may start later than we do. */
async function connect({ rank, size, leader }: World, arrival: number): Promise<Deno.TcpConn> {
  const hostname = LOOPBACK.test(leader.hostname) ? "127.0.0.1" : leader.hostname;
  const deadline = performance.now() + seconds(arrival);
  while (true) {
    try {
      return await Deno.connect({ hostname, port: leader.port });
    } catch (error) {
      if (performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 200));
      else {
        const where = addressOf(leader.hostname, leader.port);
        const reason = messageOf(error);
        throw new Error(`Worker ${rank} of ${size} did not reach worker 0 at ${where} within ${arrival} s: ${reason}.`);
      }
    }
  }
}

/** Another worker's side: goes to worker 0. */
async function follow(
  world: World,
  me: { host: string; port: number },
  { arrival, silence }: Required<Patience>,
): Promise<Channel> {
  const { rank, size, leader } = world, where = addressOf(leader.hostname, leader.port);
  const link = linkOver(await connect(world, arrival));
  const met = Promise.withResolvers<Channel>();
  let end = `What answers worker ${rank} of ${size} at ${where} is not worker 0 of this run: name another port.`;
  const stop = () => met.reject(new Error(end));
  let limit = setTimeout(stop, seconds(ANSWER));
  link.ended.then(stop);
  link.onMessage = ({ waiting, members, fault }) => {
    clearTimeout(limit);
    if (members) return met.resolve(channelOver(world, members, new Map([[0, link]]), silence));
    if (!waiting) return met.reject(new Error(fault ?? end));
    // Worker 0 says itself when it has waited too long.
    end = `Worker 0 at ${where} was lost before all ${size} workers had come.`;
    limit = setTimeout(stop, seconds(arrival + ANSWER));
  };
  link.send({ hello: { rank, size, ...me } });
  try {
    return await met.promise;
  } catch (error) {
    await link.close();
    throw error;
  } finally {
    clearTimeout(limit);
  }
}

/**
 * Meets the other workers of a world of two or more.
 *
 * @param port where this worker's TensorFlow will listen
 * @throws Error, one sentence and the same everywhere, where a worker does not come, two have one rank, or they disagree on
 *   their number; and where worker 0's port is in use
 */
export async function meet(
  world: World,
  port: number,
  { arrival = 300, silence = 30 }: Patience = {},
): Promise<Channel> {
  const { rank, leader } = world, host = Deno.hostname(), patience = { arrival, silence };
  if (rank > 0) return await follow(world, { host, port }, patience);
  return await lead(world, { host, address: addressOf(leader.hostname, port) }, patience);
}
