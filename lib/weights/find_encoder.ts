/**
 * Which tensors of a file are an encoder's. Whatever wraps a network puts a prefix before its names ("module." of
 * DistributedDataParallel, "_orig_mod." of torch.compile, "ijepa.", "model.backbone."), and a larger model has tensors of
 * its own beside it.
 *
 * @module
 */
import type { StoredTensor } from "./formats/tensors.ts";

/** Transformers' name of the tensor that every encoder has. */
export const HUGGING_FACE_PATCHES = "embeddings.patch_embeddings.projection.weight";

/** The same, and the authors' and timm's. */
const PATCHES = ["patch_embed.proj.weight", HUGGING_FACE_PATCHES];

/** A tensor that every predictor of the authors has. */
const PREDICTOR_EMBED = ["predictor_embed.weight"];

/** Tensors within models around an encoder (a head, a pooler, what masks images), which the encoder does without. */
const OUTSIDE = /^(head|classifier|pooler)\.|^embeddings\.mask_token$/;

/** An encoder's tensors, found among others. */
export interface FoundEncoder {
  /** What stands before the names of all of them in the file; "" where nothing does. */
  prefix: string;
  /** They by name, without the prefix. */
  tensors: Record<string, StoredTensor>;
  /** The other tensors' names, as the file has them. */
  aside: string[];
}

/** Names for a message: the first three, and how many there are besides. */
export function someOf(names: readonly string[]): string {
  const first = names.slice(0, 3).map((name) => `"${name}"`).join(", ");
  return names.length > 3 ? `${first} and ${names.length - 3} more` : first;
}

/** What stands before one of these names, whole or after a dot. */
function prefixesOf(names: readonly string[], ends: readonly string[]): string[] {
  return names.flatMap((name) => {
    const end = ends.find((end) => name === end || name.endsWith(`.${end}`));
    return end === undefined ? [] : [name.slice(0, name.length - end.length)];
  });
}

/** The tensors under a prefix, without it. */
function under(stored: Record<string, StoredTensor>, prefix: string): Record<string, StoredTensor> {
  const own = Object.entries(stored).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(own.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}

/**
 * The encoder in a file. Of several, the one in a "target_encoder" is taken, else the one in an "encoder", as the authors'
 * checkpoints and this kit's have them.
 *
 * @param path names the file in errors
 * @throws Error with the names that the file has instead, where there is no encoder, or where it is not clear which
 */
export function findEncoder(path: string, stored: Record<string, StoredTensor>): FoundEncoder {
  const names = Object.keys(stored), prefixes = prefixesOf(names, PATCHES);
  if (prefixes.length === 0) {
    const found = names.length ? `its tensors are ${someOf(names)}` : "it has no tensor";
    throw new Error(`${path} holds no encoder: none of its tensors is called ${PATCHES.join(" or ")}; ${found}.`);
  }
  const within = (part: string) => prefixes.filter((prefix) => prefix.split(".").includes(part));
  const [prefix, ...others] = [within("target_encoder"), within("encoder"), prefixes].find((some) => some.length)!;
  if (others.length) {
    throw new Error(
      `${path} holds several encoders, with ${
        someOf([prefix, ...others])
      } before their names: save the one you want by ` +
        "itself.",
    );
  }
  const tensors = under(stored, prefix);
  const twice = names.find((name) => !name.startsWith(prefix) && Object.hasOwn(tensors, name));
  if (twice) throw new Error(`${path} has tensor "${twice}" both with and without "${prefix}" before it: keep one.`);
  for (const name of Object.keys(tensors)) if (OUTSIDE.test(name)) delete tensors[name];
  const isOwn = (name: string) => name.startsWith(prefix) && Object.hasOwn(tensors, name.slice(prefix.length));
  return { prefix, tensors, aside: names.filter((name) => !isOwn(name)) };
}

/**
 * Divides a file's tensors into a predictor's, without their prefix, and the rest. A predictor without a prefix of its own
 * stays in the rest.
 *
 * @throws Error where there are several predictors
 */
export function splitPredictor(
  path: string,
  stored: Record<string, StoredTensor>,
): { predictor?: Record<string, StoredTensor>; rest: Record<string, StoredTensor> } {
  const [prefix, ...others] = prefixesOf(Object.keys(stored), PREDICTOR_EMBED);
  if (others.length) throw new Error(`${path} holds several predictors, under ${someOf([prefix, ...others])}.`);
  if (!prefix) return { rest: stored };
  const rest = Object.entries(stored).filter(([name]) => !name.startsWith(prefix));
  return { predictor: under(stored, prefix), rest: Object.fromEntries(rest) };
}
