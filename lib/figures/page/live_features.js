// Runs in a browser, within the page that live_features.ts makes: shows the features of a picture's patches as colours,
// by their first three principal components, each time that there is another picture.
const given = JSON.parse(document.getElementById("live-given").textContent);
const { image, patch, mean, deviation } = given, rows = image / patch, tokens = rows * rows;

/** The bytes of what is packed in the page, gzipped, in base64. */
async function unpacked(id) {
  const packed = Uint8Array.from(atob(document.getElementById(id).textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const byId = (name) => document.getElementById(`live-${name}`);
const [seen, colours, said] = [byId("picture"), byId("colours"), byId("said")];
const pixels = seen.getContext("2d", { willReadFrequently: true }), map = colours.getContext("2d");
[seen.width, seen.height, colours.width, colours.height] = [image, image, rows, rows];

async function load() {
  const source = URL.createObjectURL(new Blob([await unpacked("live-runtime")], { type: "text/javascript" }));
  const ort = await import(source);
  ort.env.wasm.wasmBinary = await unpacked("live-wasm");
  ort.env.wasm.numThreads = 1; // more want a server that isolates the page
  return { ort, session: await ort.InferenceSession.create(await unpacked("live-model")) };
}

/** The middle square of a picture, drawn at the encoder's size and standardised: [1, 3, H, W]. */
function read(source, width, height) {
  const side = Math.min(width, height);
  pixels.imageSmoothingQuality = "high";
  pixels.drawImage(source, (width - side) / 2, (height - side) / 2, side, side, 0, 0, image, image);
  const { data } = pixels.getImageData(0, 0, image, image), values = new Float32Array(3 * image * image);
  for (let i = 0; i < image * image; i++) {
    for (let c = 0; c < 3; c++) values[c * image * image + i] = (data[4 * i + c] / 255 - mean[c]) / deviation[c];
  }
  return values;
}

const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
let last = []; // the directions that the picture before had, so that a moving one keeps its colours

/** What each token [N, D] has along the first three principal directions, by power iteration. */
function components(x, width) {
  const centred = Array.from({ length: tokens }, (_, n) => x.slice(n * width, (n + 1) * width));
  for (let d = 0; d < width; d++) {
    const average = centred.reduce((sum, token) => sum + token[d], 0) / tokens;
    for (const token of centred) token[d] -= average;
  }
  const directions = [], found = [];
  for (let k = 0; k < 3; k++) {
    let direction = last[k] ?? Float32Array.from({ length: width }, (_, d) => Math.sin(1 + d * (k + 1)));
    for (let round = 0; round < 30; round++) {
      const next = new Float32Array(width);
      for (const token of centred) {
        const along = dot(token, direction);
        for (let d = 0; d < width; d++) next[d] += along * token[d];
      }
      for (const earlier of directions) {
        const shared = dot(next, earlier);
        for (let d = 0; d < width; d++) next[d] -= shared * earlier[d];
      }
      const length = Math.sqrt(dot(next, next)) || 1;
      direction = next.map((value) => value / length);
    }
    directions.push(direction);
    found.push(centred.map((token) => dot(token, direction)));
  }
  last = directions;
  return found;
}

function paint(found) {
  const painted = map.createImageData(rows, rows);
  found.forEach((values, c) => {
    const least = Math.min(...values), range = Math.max(...values) - least || 1;
    values.forEach((value, n) => painted.data[4 * n + c] = 255 * (value - least) / range);
  });
  for (let n = 0; n < tokens; n++) painted.data[4 * n + 3] = 255;
  map.putImageData(painted, 0, 0);
}

const loading = load();
let shown = 0;

async function show(source, width, height) {
  const { ort, session } = await loading, start = performance.now();
  const given = new ort.Tensor("float32", read(source, width, height), [1, 3, image, image]);
  const { last_hidden_state: { data, dims } } = await session.run({ pixel_values: given });
  paint(components(data, dims[2]));
  said.textContent = `${tokens} patches in ${Math.round(performance.now() - start)} ms`;
  Object.assign(colours, { features: data }); // [N, D], for who looks into the page
  colours.dataset.shown = ++shown;
}

const failed = (error) => said.textContent = `${error?.message ?? error}`;

let camera;
async function showFile(file) {
  if (!file) return;
  camera?.getTracks().forEach((track) => track.stop());
  camera = undefined;
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error(`${file.name} is no picture that this browser reads: choose a JPEG, PNG or WebP.`);
  });
  await show(bitmap, bitmap.width, bitmap.height);
}

async function showCamera() {
  camera = await navigator.mediaDevices.getUserMedia({ video: true });
  const video = document.createElement("video"), own = camera;
  video.srcObject = own;
  await video.play();
  while (camera === own) {
    await show(video, video.videoWidth, video.videoHeight);
    await new Promise(requestAnimationFrame);
  }
}

/** A landscape, so that there is something to see from the start. */
function drawn() {
  const canvas = new OffscreenCanvas(256, 256), scene = canvas.getContext("2d");
  const shapes = [["#8ec5e8", 0, 0, 256, 150], ["#6a9a4f", 0, 150, 256, 106], ["#8b5a3c", 60, 100, 80, 80]];
  for (const [colour, ...box] of shapes) scene.fillStyle = colour, scene.fillRect(...box);
  for (const [colour, x, y, radius] of [["#f4d35e", 205, 50, 28], ["#2f5d34", 205, 160, 34]]) {
    scene.fillStyle = colour, scene.beginPath(), scene.arc(x, y, radius, 0, 7), scene.fill();
  }
  return canvas;
}

byId("file").addEventListener("change", ({ target }) => showFile(target.files[0]).catch(failed));
byId("camera").addEventListener("click", () => showCamera().catch(failed));
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  showFile(event.dataTransfer.files[0]).catch(failed);
});
show(drawn(), 256, 256).catch(failed);
