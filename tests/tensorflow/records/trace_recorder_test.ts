import "../loaded.ts";
import { assert, assertEquals } from "@std/assert";
import { tf } from "../../../lib/tensorflow/backend.ts";
import { compile } from "../../../lib/tensorflow/compile.ts";
import { recordTrace } from "../../../lib/tensorflow/records/trace_recorder.ts";

const ignore = `${Deno.build.os} ${Deno.build.arch}` !== "linux x86_64";

Deno.test({
  name: "recordTrace() gives each op of a compiled function with its inputs' shapes, and leaves out what ran before",
  ignore,
  async fn() {
    const x = tf.fill([40, 30], 0.5) as tf.Tensor2D, y = tf.fill([30, 20], 0.5) as tf.Tensor2D;
    // More ops than a std::deque keeps in one piece.
    const run = compile((x: tf.Tensor2D, y: tf.Tensor2D) => {
      let z = tf.matMul(x, y); // [40, 20]
      for (let i = 0; i < 25; i++) z = tf.sqrt(z);
      return tf.sum(z);
    }, { jit: "graph" });
    const once = async () => tf.dispose(await run(x, y));
    await once();
    const names = async (work: () => Promise<void>) => (await recordTrace(work)).flatMap(({ events }) => events);
    assertEquals((await names(() => Promise.resolve())).filter(({ name }) => name.includes("MatMul")), []);
    const events = await names(once);
    const products = events.filter(({ name }) =>
      /^\w+:\w*MatMul\w*#shape=\(float\[40,30\];float\[30,20\]\)#$/.test(name)
    );
    assertEquals(products.length, 1, events.map(({ name }) => name).join("\n"));
    assertEquals(events.filter(({ name }) => /^\w+:Sqrt#/.test(name)).length, 25);
    for (const { start, end, name } of events) {
      assert(start >= 0 && end >= start && end < 60e9, `${name} ${start} ${end}`);
    }
    tf.dispose([x, y]);
    run.dispose();
  },
});
