/**
 * The part of a page that shows a picture's patch features as colours, live: the encoder and what runs it are in the page,
 * so that it needs no server.
 *
 * @module
 */

/** An encoder for the page. */
export interface LiveEncoder {
  /** ONNX's graph, as saveOnnx() writes it. */
  model: Uint8Array<ArrayBuffer>;
  /** Side of its images, in pixels. */
  image: number;
  /** Side of a patch, in pixels. */
  patch: number;
  /** By which pixels in 0 .. 1 are standardised. */
  mean: readonly number[];
  /** By which pixels in 0 .. 1 are standardised. */
  deviation: readonly number[];
}

async function packed(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer()).toBase64();
}

/** The runtime, as onnxruntime-web has it: its script, and what it computes with. */
async function runtime(): Promise<{ script: string; wasm: Uint8Array<ArrayBuffer> }> {
  // Fetches the package if need be. Once it is there, its files have paths.
  const { default: script } = await import("npm:onnxruntime-web@1.30.0/wasm", { with: { type: "text" } });
  const wasm = import.meta.resolve("npm:onnxruntime-web@1.30.0/ort-wasm-simd-threaded.wasm");
  return { script, wasm: await Deno.readFile(new URL(wasm)) };
}

/** A page's section, with its scripts. */
export async function liveFeatures({ model, ...given }: LiveEncoder): Promise<string> {
  const { script, wasm } = await runtime();
  const { default: live } = await import("./live_features.js", { with: { type: "text" } });
  const inert = (id: string, text: string) => `<script type="text/plain" id="live-${id}">${text}</script>\n`;
  return `<h2>What the encoder makes of a picture</h2>
<p>Each patch has the colour of its representation: the first three principal components of this picture's patches, as red,
green and blue. Choose a picture, drop one here, or use the camera: nothing leaves this page.</p>
<p><input type="file" id="live-file" accept="image/*"> <button id="live-camera">Camera</button>
<span class="quiet" id="live-said">Loading the encoder …</span></p>
<p><canvas id="live-picture" class="live"></canvas> <canvas id="live-colours" class="live"></canvas></p>
<style>.live { width: 320px; height: 320px; max-width: 45%; image-rendering: pixelated; }</style>
${inert("given", JSON.stringify(given))}${inert("runtime", await packed(new TextEncoder().encode(script)))}${
    inert("wasm", await packed(wasm))
  }${inert("model", await packed(model))}<script type="module">
${live}</script>
`;
}
