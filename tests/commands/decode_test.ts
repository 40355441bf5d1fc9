import { assertEquals, assertMatch } from "@std/assert";

async function run(command: "decode" | "train_decoder", ...args: string[]): Promise<{ code: number; error: string }> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", `lib/commands/${command}.ts`, ...args],
    stdin: "null",
    env: { NO_COLOR: "1" },
  }).output();
  return { code, error: new TextDecoder().decode(stderr) };
}

Deno.test("decode and train-decoder end with one sentence and exit code 1 where they are told nonsense", async () => {
  const dir = await Deno.makeTempDir();
  const decoding = ["--weights", dir, "--images", dir, "--out", `${dir}/out`];
  const cases: ["decode" | "train_decoder", string[], RegExp][] = [
    ["decode", [], /^Say which encoder: --weights/],
    ["decode", ["--weights", dir], /^Say which images: --images/],
    ["decode", decoding.slice(0, 4), /^Say where the pictures are to go: --out/],
    ["decode", [...decoding, "--samples", "0"], /^--rows and --samples take a whole number from 1 on/],
    ["decode", [...decoding, "--guidance", "much"], /^--guidance takes a number from 0 on; got "much"/],
    ["train_decoder", [], /^Say which encoder: --weights/],
    ["train_decoder", ["--weights", dir, "--epochs", "many"], /^--epochs takes a number from 0 on; got "many"/],
    ["train_decoder", ["--weights", dir, "--precision", "int8"], /^--precision is float32 or bfloat16/],
  ];
  for (const [command, args, message] of cases) {
    const { code, error } = await run(command, ...args);
    assertEquals(code, 1, args.join(" "));
    assertMatch(error, message);
    assertEquals(error.trimEnd().split("\n").length, 1, error);
  }
  await Deno.remove(dir, { recursive: true });
});
