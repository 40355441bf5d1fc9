/**
 * What a file is that should hold weights and does not: downloads leave web pages and Git LFS's pointers in their place.
 *
 * @module
 */

// deno-lint-ignore-file no-control-regex -- files begin with control characters

/** How many bytes of a file's start tell its kind. */
export const KIND_BYTES = 512;

/** What files begin with, as an error goes on to say it after "... is not what it should be:". */
const KINDS: [begins: RegExp, says: string][] = [
  [/^version https:\/\/git-lfs/, "it is a pointer of Git LFS: fetch the file itself with `git lfs pull`"],
  [/^\s*<(!doctype|html|head|body|\?xml|!--)/i, "it is a web page, saved in its place: download the file itself"],
  [/^.{4}\0{4}\{/s, "it is a safetensors file: let its name end in .safetensors"],
  [/^PK\x03\x04/, "it is a zip archive: if torch.save() wrote it, let its name end in .pth.tar"],
  [/^\x80[\x02-\x05]/, "it is a Python pickle"],
  [/^\x89HDF/, "it is an HDF5 file, as Keras writes them: save PyTorch's weights as safetensors"],
  [/^\x1f\x8b/, "it is compressed with gzip: unpack it"],
  [/^GGUF/, "it is a GGUF file: save PyTorch's weights as safetensors"],
  [/^.{257}ustar/s, "it is a tar archive: unpack it"],
];

/**
 * What a file is, told by its start, for an error; undefined where that says nothing.
 *
 * @param start its first KIND_BYTES bytes, or all where it has fewer
 */
export function fileKind(start: Uint8Array): string | undefined {
  if (start.length === 0) return "it is empty: copy or download it again";
  const latin1 = Array.from(start, (byte) => String.fromCharCode(byte)).join("");
  const known = KINDS.find(([begins]) => begins.test(latin1));
  if (known) return known[1];
  const text = new TextDecoder().decode(start);
  if (/[\0-\x08\x0e-\x1f]/.test(text) || text.slice(0, 60).includes("\ufffd")) return undefined;
  return `it is text that begins ${JSON.stringify(text.slice(0, 60))}`;
}
