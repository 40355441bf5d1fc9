import { assertEquals, assertMatch } from "@std/assert";
import { main } from "../../lib/commands/estimate.ts";
import { toJson } from "../../lib/json.ts";
import { PRESETS as METHOD_PRESETS } from "../../lib/methods/methods.ts";
import { inProcess } from "./in_process.ts";

const estimate = (...args: string[]) => inProcess(main, ...args);

Deno.test("estimate prints the paper's largest run, its memory both ways, and what the paper's hours imply", async () => {
  const { code, out, error } = await estimate("--preset", "imagenet-h14", "--devices", "16", "--device", "a100");
  assertEquals(code, 0, error);
  assertMatch(
    out,
    /^imagenet-h14 on 16 x a100 \(312\.0 TFLOP\/s in bfloat16, 80 GB, four fifths of them for a step\): .* 128 images a device, 128 at/,
  );
  assertMatch(out, /encoder 630\.4 million, predictor 22\.3 million/);
  assertMatch(out, /^activations +6\d\.\d\d +\d\.\d\d$/m);
  assertMatch(out, /^fits +no +yes$/m);
  assertMatch(out, /^largest micro-batch +10\d +8\d\d$/m);
  assertMatch(out, /2\.61 GB of gradients/);
  assertMatch(out, /under 72 h on 16 A100, which is at least 19\.5 % of their peak/);
});

Deno.test("estimate takes smaller micro-batches, and says what an option takes", async () => {
  const mae = await Deno.makeTempFile({ suffix: ".json" });
  await Deno.writeTextFile(mae, toJson(METHOD_PRESETS["mae-cifar10"]));
  const options = ["--preset", "imagenet-h14", "--devices", "16", "--device", "h100"];
  assertMatch((await estimate(...options, "--micro-batch", "32")).out, /32 at once[^]*^fits +yes +yes$/m);
  const cases: [string[], RegExp][] = [
    [["--device", "tpu"], /^--device is h100 or a100 or cpu; got "tpu"\.\n$/],
    [["--micro-batch", "0"], /^--micro-batch takes a whole number from 1 on; got "0"\.\n$/],
    [["--devices", "3"], /^A batch of 128 images cannot be shared out evenly to 3 devices\.\n$/],
    [["--preset", "huge"], /^No preset of this command is called "huge": there are cifar10, .*imagenet-h14[^:]*\.\n$/],
    [
      ["--preset", "mae-cifar10"],
      /^No preset of this command is called "mae-cifar10" .*: there are cifar10, [^:]*\.\n$/,
    ],
    [["--config", mae], /^estimate counts I-JEPA's steps alone, and .* is a run of mae: take cifar10, .*\.\n$/],
    [["--set", "masks.bloks=1"], /^masks\.bloks is not known \(did you mean masks\.blocks\?\)/],
  ];
  for (const [args, message] of cases) {
    const { code, error } = await estimate(...args);
    assertEquals(code, 1);
    assertMatch(error, message);
  }
  await Deno.remove(mae);
});

Deno.test("estimate takes a run's config.json, with the images beside it, and changes to it", async () => {
  const config = ["--config", "weights/scenes/config.json"];
  const whole = await estimate(...config), wide = await estimate(...config, "--set", "architecture.width=384");
  assertMatch(whole.out, /^scenes on 1 x cpu [^]*encoder 2\.\d million[^]*468 steps over 10,000 images/);
  assertMatch(wide.out, /^scenes architecture\.width=384 on 1 x cpu [^]*encoder 10\.\d million/);
});
