/**
 * One TCP connection between two workers: a line of JSON a message.
 *
 * @module
 */
import type { Member } from "./channel.ts";

/** Who is calling, and where its TensorFlow will listen. */
export interface Hello {
  /** Its number. */
  rank: number;
  /** Workers in the world that it was started in. */
  size: number;
  /** Its machine's name. */
  host: string;
  /** Where its TensorFlow will listen. */
  port: number;
}

/** What workers say to each other; one with nothing in it only says that they live. */
export interface Message {
  /** To worker 0, the first. */
  hello?: Hello;
  /** From worker 0: you are known, others are missing. */
  waiting?: true;
  /** From worker 0: all have come. */
  members?: Member[];
  /** Number of an exchange of values. */
  round?: number;
  /** To worker 0: what is exchanged. */
  what?: string;
  /** To worker 0: this worker's value. */
  value?: string;
  /** From worker 0: all workers' values. */
  values?: string[];
  /** Why nobody can go on. */
  fault?: string;
}

/** A connection. */
export interface Link {
  /** Told of each message, in order. */
  onMessage: (message: Message) => void;
  /** Resolves when the other side is gone; never where this side closed the link. */
  ended: Promise<void>;
  /** Sends a message, without waiting; what cannot be sent is forgotten, for the reading side will notice. */
  send(message: Message): void;
  /** Closes the connection when what was sent is out, or after a second. */
  close(): Promise<void>;
}

/** Longer lines are not ours. */
const LONGEST = 2 ** 24;

/** Messages as they come; ends with the connection, or with the first line that is none. */
async function* messages(connection: Deno.TcpConn): AsyncGenerator<Message> {
  const chunk = new Uint8Array(65536), decoder = new TextDecoder();
  let text = "";
  for (let read = await connection.read(chunk); read !== null; read = await connection.read(chunk)) {
    const lines = (text + decoder.decode(chunk.subarray(0, read), { stream: true })).split("\n");
    text = lines.pop()!;
    if (text.length > LONGEST) return;
    for (const line of lines) {
      const message = JSON.parse(line);
      if (typeof message !== "object" || message === null) return;
      yield message;
    }
  }
}

/** Takes a connection over. */
export function linkOver(connection: Deno.TcpConn): Link {
  connection.setNoDelay(true);
  const encoder = new TextEncoder();
  let sent: Promise<unknown> = Promise.resolve(), closed = false;

  const write = async (bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  };
  const hangUp = () => {
    if (closed) return;
    closed = true;
    connection.close();
  };
  const end = Promise.withResolvers<void>();
  const link: Link = {
    onMessage: () => {},
    ended: end.promise,
    send(message) {
      if (closed) return;
      const bytes = encoder.encode(JSON.stringify(message) + "\n");
      sent = sent.then(() => write(bytes)).catch(() => {});
    },
    async close() {
      const enough = Promise.withResolvers<void>(), timer = setTimeout(enough.resolve, 1000);
      await Promise.race([sent, enough.promise]);
      clearTimeout(timer);
      hangUp();
    },
  };
  (async () => {
    try {
      for await (const message of messages(connection)) link.onMessage(message);
    } catch {
      // The connection broke, or what came is no message: the end in either case.
    }
    if (closed) return;
    hangUp();
    end.resolve();
  })();
  return link;
}
