/**
 * A reader of Python's pickles that can do nothing but build values: a pickle is a program for a small machine, and
 * Python's own runs whatever function it names. Here a function or class that the caller has not listed is refused by
 * name, as soon as the pickle names it.
 *
 * The opcodes are those that Python writes in protocols 2 to 4 (PEP 307 and PEP 3154, and the module pickletools).
 *
 * @module
 */

/** What a pickle may refer to. */
export interface PickleWorld {
  /** Functions and classes by module and name, e.g. "collections.OrderedDict", as what a call of them gives. */
  callables: Record<string, (args: unknown[]) => unknown>;
  /** Values that stand for themselves, by module and name, such as a type that is an argument. */
  constants: Record<string, unknown>;
  /** Why a function or class that is not listed is refused, and what to do, as it follows its name in an error. */
  refusal(name: string): string;
  /** What lies outside of the pickle, by the identifier that it gives. */
  persistent(id: unknown): unknown;
}

/** Bytes of the longest whole number: more than any in a checkpoint, the 128 bits of a random generator's state. */
const MAX_LONG = 32;

/** A listed function or class, which the pickle has named but not called yet. */
class Callable {
  constructor(readonly name: string, readonly call: (args: unknown[]) => unknown) {}
}

/** The keys of a dictionary that are texts, for an error to list: others may be nested without end. */
export function textKeys(map: ReadonlyMap<unknown, unknown>): string {
  return [...map.keys()].filter((key) => typeof key === "string").join(", ");
}

/**
 * Builds the value of a pickle: dictionaries are Maps, lists and tuples arrays, sets Sets, bytes Uint8Arrays, whole
 * numbers numbers or, where these are not exact, bigints.
 *
 * @param fail throws, with the reason
 */
export function unpickle(bytes: Uint8Array, world: PickleWorld, fail: (why: string) => never): unknown {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const memo = new Map<number, unknown>();
  /** Values being built; a mark begins a new stack and puts the one below aside. */
  let stack: unknown[] = [];
  const below: unknown[][] = [];
  let at = 0;

  /** Steps over so many bytes and returns where they begin. */
  const take = (count: number): number => {
    if (count > bytes.length - at) fail("it is cut short");
    at += count;
    return at - count;
  };
  const uint8 = () => bytes[take(1)];
  const uint32 = () => view.getUint32(take(4), true);
  const uint64 = () => Number(view.getBigUint64(take(8), true));
  const binary = (length: number) => {
    const start = take(length);
    return bytes.slice(start, start + length);
  };
  const text = (length: number) => {
    const start = take(length);
    try {
      return utf8.decode(bytes.subarray(start, start + length));
    } catch {
      return fail("a text in it is not UTF-8");
    }
  };
  const line = () => {
    const end = bytes.indexOf(10, at);
    if (end < 0) fail("it is cut short");
    const read = text(end - at);
    at++;
    return read;
  };
  /** A whole number of any length, little-endian, in two's complement. */
  const long = (length: number) => {
    if (length > MAX_LONG) fail(`a whole number in it has ${length} bytes`);
    let value = 0n;
    for (const byte of binary(length).reverse()) value = value << 8n | BigInt(byte);
    value = BigInt.asIntN(8 * length, value);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  };

  const pop = () => {
    if (stack.length === 0) fail("it takes a value that it has not made");
    return stack.pop();
  };
  const top = () => {
    if (stack.length === 0) fail("it takes a value that it has not made");
    return stack.at(-1);
  };
  /** The values since the last mark. */
  const popMark = () => {
    const values = stack;
    stack = below.pop() ?? fail("it takes a mark that it has not set");
    return values;
  };
  const array = (value: unknown): unknown[] =>
    Array.isArray(value) && !Object.isFrozen(value) ? value : fail("it appends to what is no list");
  const recall = (index: number) => memo.has(index) ? memo.get(index) : fail(`it recalls value ${index}, not made`);
  const setItems = (map: unknown, items: unknown[]) => {
    if (!(map instanceof Map)) return fail("it sets items of what is no dictionary");
    if (items.length % 2) fail("it gives a dictionary a key without a value");
    for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1]);
  };
  const find = (module: string, name: string) => {
    const full = `${module}.${name}`;
    if (Object.hasOwn(world.constants, full)) return world.constants[full];
    if (Object.hasOwn(world.callables, full)) return new Callable(full, world.callables[full]);
    return fail(`it asks for ${full}${world.refusal(full)}`);
  };
  const reduce = () => {
    const args = pop(), callable = pop();
    if (!(callable instanceof Callable) || !Array.isArray(args)) return fail("it calls what is no function");
    return callable.call(args);
  };

  const OPCODES: Record<number, () => void> = {
    0x28: () => { // MARK
      below.push(stack);
      stack = [];
    },
    0x30: () => pop(), // POP
    0x31: () => popMark(), // POP_MARK
    0x32: () => stack.push(top()), // DUP
    0x4e: () => stack.push(null), // NONE
    0x88: () => stack.push(true), // NEWTRUE
    0x89: () => stack.push(false), // NEWFALSE
    0x4a: () => stack.push(view.getInt32(take(4), true)), // BININT
    0x4b: () => stack.push(uint8()), // BININT1
    0x4d: () => stack.push(view.getUint16(take(2), true)), // BININT2
    0x8a: () => stack.push(long(uint8())), // LONG1
    0x8b: () => stack.push(long(uint32())), // LONG4
    0x47: () => stack.push(view.getFloat64(take(8), false)), // BINFLOAT
    0x58: () => stack.push(text(uint32())), // BINUNICODE
    0x8c: () => stack.push(text(uint8())), // SHORT_BINUNICODE
    0x8d: () => stack.push(text(uint64())), // BINUNICODE8
    0x54: () => stack.push(text(uint32())), // BINSTRING, which Python 2 wrote
    0x55: () => stack.push(text(uint8())), // SHORT_BINSTRING
    0x42: () => stack.push(binary(uint32())), // BINBYTES
    0x43: () => stack.push(binary(uint8())), // SHORT_BINBYTES
    0x8e: () => stack.push(binary(uint64())), // BINBYTES8
    0x5d: () => stack.push([]), // EMPTY_LIST
    // Tuples are frozen: what has been checked of one that the memo holds cannot be appended to afterwards.
    0x29: () => stack.push(Object.freeze([])), // EMPTY_TUPLE
    0x7d: () => stack.push(new Map()), // EMPTY_DICT
    0x8f: () => stack.push(new Set()), // EMPTY_SET
    0x74: () => { // TUPLE
      const values = popMark();
      stack.push(Object.freeze(values));
    },
    0x85: () => stack.push(Object.freeze([pop()])), // TUPLE1
    0x86: () => stack.push(Object.freeze([pop(), pop()].reverse())), // TUPLE2
    0x87: () => stack.push(Object.freeze([pop(), pop(), pop()].reverse())), // TUPLE3
    0x91: () => { // FROZENSET
      const values = popMark();
      stack.push(new Set(values));
    },
    0x61: () => { // APPEND
      const value = pop();
      array(top()).push(value);
    },
    0x65: () => { // APPENDS
      const values = popMark(), list = array(top());
      for (const value of values) list.push(value);
    },
    0x73: () => { // SETITEM
      const value = pop(), key = pop();
      setItems(top(), [key, value]);
    },
    0x75: () => { // SETITEMS
      const items = popMark();
      setItems(top(), items);
    },
    0x90: () => { // ADDITEMS
      const values = popMark(), set = top();
      if (!(set instanceof Set)) return fail("it adds items to what is no set");
      for (const value of values) set.add(value);
    },
    0x71: () => memo.set(uint8(), top()), // BINPUT
    0x72: () => memo.set(uint32(), top()), // LONG_BINPUT
    0x94: () => memo.set(memo.size, top()), // MEMOIZE
    0x68: () => stack.push(recall(uint8())), // BINGET
    0x6a: () => stack.push(recall(uint32())), // LONG_BINGET
    0x63: () => stack.push(find(line(), line())), // GLOBAL
    0x93: () => { // STACK_GLOBAL
      const name = pop(), module = pop();
      if (typeof module !== "string" || typeof name !== "string") fail("it names a function by what is no text");
      stack.push(find(module as string, name as string));
    },
    0x51: () => stack.push(world.persistent(pop())), // BINPERSID
    0x52: () => stack.push(reduce()), // REDUCE
    0x62: () => { // BUILD
      // Attributes of a dictionary, such as the versions that PyTorch notes on a state_dict, are not part of its items.
      const state = pop();
      if (!(top() instanceof Map && state instanceof Map)) fail("it sets attributes of what is no dictionary");
    },
    0x95: () => take(8), // FRAME
  };

  if (bytes.length < 2 || bytes[0] !== 0x80) fail("it does not begin as one of protocol 2 to 4");
  if (bytes[1] < 2 || bytes[1] > 4) fail(`it is of protocol ${bytes[1]}, and only 2 to 4 are read`);
  at = 2;
  for (let opcode = uint8(); opcode !== 0x2e; opcode = uint8()) { // STOP
    const act = OPCODES[opcode] ?? fail(`it has the opcode 0x${opcode.toString(16)}, which is not read`);
    act();
  }
  return pop();
}
