/**
 * TensorFlow's own record of what its threads do: each op and kernel with its beginning and end. The C API has no way to it,
 * so this calls tsl::profiler::TraceMeRecorder of TensorFlow 2.21 on Linux x86-64 by its C++ names, and reads what it
 * gives, a std::vector<ThreadEvents>, where it lies:
 *
 *     struct Event { std::string name; int64_t start_time, end_time; };                       // 48 bytes
 *     struct ThreadEvents { struct { int64_t tid; std::string name; } thread; std::deque<Event> events; };  // 120 bytes
 *
 * @module
 */
import { library } from "../libraries/library.ts";
import { locateTensorFlow } from "../libraries/locate.ts";

/** Something that a thread did. */
export interface TraceEvent {
  /** What, in TensorFlow's words: of an op "NODE:TYPE#shape=(float[2,3];float[3,4])#". */
  name: string;
  /** Nanoseconds since the recording's first event. */
  start: number;
  /** The same, of its end. */
  end: number;
}

/** What one thread did. */
export interface ThreadTrace {
  thread: string;
  /** In the order of their ends. */
  events: TraceEvent[];
}

/** Everything, op inputs' shapes and allocations included (tsl::profiler::TraceMeLevel::kVerbose). */
const VERBOSE = 3;

const SYMBOLS = {
  start: { name: "_ZN3tsl8profiler15TraceMeRecorder5StartEi", parameters: ["i32"], result: "bool" },
  // What returns an object takes, before all else, where to put it.
  stop: { name: "_ZN3tsl8profiler15TraceMeRecorder4StopEv", parameters: ["buffer"], result: "pointer" },
} as const;

/**
 * Records what TensorFlow's threads do while `work` runs, for some seconds of work at most: all of it is held in memory.
 *
 * @throws Error where this TensorFlow cannot be asked, or is being asked already
 */
export async function recordTrace(work: () => Promise<void>): Promise<ThreadTrace[]> {
  const { framework } = locateTensorFlow();
  library(); // so that all of TensorFlow is loaded as the kit loads it
  using opened = open(framework);
  const recorder = opened.symbols;
  if (!recorder.start(VERBOSE)) throw new Error("Another program's part records what TensorFlow does: end that first.");
  const vector = new BigUint64Array(3);
  try {
    await work();
    await new Promise((resolve) => setTimeout(resolve, 5)); // an op's results are there shortly before its record is
  } finally {
    recorder.stop(vector);
  }
  return readThreads(vector[0], vector[1]);
}

function open(framework: string) {
  try {
    if (`${Deno.build.os} ${Deno.build.arch}` !== "linux x86_64") throw new Error("it is read on Linux x86-64 alone");
    const opened = Deno.dlopen(framework, SYMBOLS);
    return { symbols: opened.symbols, [Symbol.dispose]: () => opened.close() };
  } catch (error) {
    throw new Error(`TensorFlow's trace cannot be had here: ${(error as Error).message}.`);
  }
}

const at = (address: bigint) => new Deno.UnsafePointerView(Deno.UnsafePointer.create(address)!);

/** A std::string's text. */
function text(view: Deno.UnsafePointerView, offset: number): string {
  const length = Number(view.getBigUint64(offset + 8));
  if (length === 0) return "";
  return new TextDecoder().decode(at(view.getBigUint64(offset)).getArrayBuffer(length).slice(0));
}

const EVENT = 48n, THREAD = 120n;
/** libstdc++ keeps a deque in pieces of 512 bytes at most. */
const PIECE = 512n / EVENT * EVENT;

function readThreads(first: bigint, last: bigint): ThreadTrace[] {
  const threads: { thread: string; events: { name: string; start: bigint; end: bigint }[] }[] = [];
  for (let address = first; address < last; address += THREAD) {
    const view = at(address), events: typeof threads[number]["events"] = [];
    // After the thread, the deque: its map and the map's size, then two iterators of where, first, last and node.
    let where = view.getBigUint64(56), node = view.getBigUint64(80), end = where === 0n ? 0n : view.getBigUint64(72);
    const past = view.getBigUint64(88);
    while (where !== past) {
      const event = at(where);
      events.push({ name: text(event, 0), start: event.getBigInt64(32), end: event.getBigInt64(40) });
      where += EVENT;
      if (where !== end || where === past) continue;
      node += 8n;
      where = at(node).getBigUint64(0);
      end = where + PIECE;
    }
    threads.push({ thread: text(view, 8), events });
  }
  let origin: bigint | undefined;
  for (const { events } of threads) {
    for (const { start } of events) if (origin === undefined || start < origin) origin = start;
  }
  const since = (time: bigint) => Number(time - origin!);
  return threads.map(({ thread, events }) => ({
    thread,
    events: events.map(({ name, start, end }) => ({ name, start: since(start), end: since(end) })),
  }));
}
