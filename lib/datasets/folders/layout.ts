/**
 * What a folder of images is: splits, classes, or neither. Where that is in doubt, it is not guessed, but asked.
 *
 * @module
 */
import { join } from "node:path";

/** How a folder is laid out. */
export type Layout =
  /** train/, and test/ or val/, of classes, each of which is a folder with images at any depth, or of images. */
  | "splits"
  /** Each folder in it is a class, whatever it is called, with images at any depth. */
  | "classes"
  /** Images at any depth, without classes. */
  | "flat";

/** All of them. */
export const LAYOUTS: readonly Layout[] = ["splits", "classes", "flat"];

/** What a split is for. */
export type Split = "train" | "val" | "test";

const SPLIT_NAMES: Record<Split, string> = {
  train: "train(?:ing)?",
  val: "val(?:id(?:ation)?)?",
  test: "test(?:ing)?",
};
const SPLITS = Object.keys(SPLIT_NAMES) as Split[];

/** The split that a folder is by its whole name: train, Training, train_set, val2017, valid, ... */
export function splitOf(name: string): Split | undefined {
  return SPLITS.find((split) => new RegExp(`^(?:${SPLIT_NAMES[split]})(?:[-_ ]?(?:set|\\d+))?$`, "i").test(name));
}

/** The split that a part of the name tells of: seg_train, pets-test. */
function splitIn(name: string): Split | undefined {
  return SPLITS.find((split) => new RegExp(`(?:^|[-_. ])(?:${SPLIT_NAMES[split]})(?:[-_. ]|$)`, "i").test(name));
}

/** Some of these, for a message. */
export function some(names: readonly string[]): string {
  return names.slice(0, 3).join(", ") + (names.length > 3 ? ", ..." : "");
}

/** How to say that folders are what one layout takes them for, for messages. */
export function sayLayout(layout: Layout, what: string): string {
  return `set layout to "${layout}" where ${what}, or set layout to "flat" for all images without classes`;
}

/**
 * Why it is in doubt that folders are classes: they look like splits, or like folders of classes.
 *
 * @param dir what holds them, for messages
 * @param classes the paths of each one's images from its own folder, by its name
 * @returns the beginning of a sentence; undefined where there is no doubt
 */
export function doubtOf(dir: string, classes: ReadonlyMap<string, readonly string[]>): string | undefined {
  const names = [...classes.keys()], splits = names.filter((name) => splitOf(name) ?? splitIn(name));
  const found = new Set(splits.map((name) => splitOf(name) ?? splitIn(name)));
  if (found.has("train") && found.size > 1 || splits.length === 1 && names.length === 1) {
    return `${dir} holds ${some(splits.map((name) => name + "/"))}, which look like splits rather than classes`;
  }
  for (const [name, images] of classes) {
    if (images.length === 0 || images.some((image) => !image.includes("/"))) continue;
    const inner = [...new Set(images.map((image) => image.slice(0, image.indexOf("/"))))];
    return `${join(dir, name)} holds no images itself, but folders of them (${some(inner)})`;
  }
  return undefined;
}

/** What is to be trained on and what to be tested on, by the names of folders, and the folders that are neither. */
export interface Splits {
  train: string;
  /** Those that may be tested on, the first one first. */
  tests: string[];
  others: string[];
}

/**
 * The splits among a folder's folders.
 *
 * @param hasImages whether a folder holds an image
 * @param sure whether the user has said that there are splits
 * @returns undefined where there are none
 * @throws Error where it is in doubt whether they are splits, or which
 */
export async function splitsAmong(
  dir: string,
  folders: readonly string[],
  hasImages: (folder: string) => Promise<boolean>,
  sure: boolean,
): Promise<Splits | undefined> {
  const of = (split: Split) => folders.filter((name) => splitOf(name) === split);
  const twice = SPLITS.map(of).find((names) => names.length > 1);
  if (twice) {
    throw new Error(
      `${dir} holds ${
        twice.map((name) => name + "/").join(" and ")
      }, which are the same split by their names: keep one, ` +
        `or ${sayLayout("classes", "they are classes")}.`,
    );
  }
  const [[train], tests] = [of("train"), [...of("test"), ...of("val")]];
  const others = folders.filter((name) => splitOf(name) === undefined);
  if (train === undefined) {
    if (tests.length === 0 && !sure) return undefined;
    const found = tests.length === 0 ? "" : `${tests.map((name) => name + "/").join(" and ")}, but `;
    throw new Error(
      `${dir} holds ${found}no train/: name the folder to take, or ${sayLayout("classes", "its folders are classes")}.`,
    );
  }
  if (tests.length === 0 && !sure) {
    const rivals: string[] = [];
    for (const name of others) if (rivals.length < 4 && await hasImages(name)) rivals.push(name);
    if (rivals.length > 0) {
      throw new Error(
        `${dir} holds ${train}/, which looks like a split, beside other folders of images (${some(rivals)}): name ` +
          `${join(dir, train)} or set layout to "splits" to take it alone, or ` +
          `${sayLayout("classes", "all are classes")}.`,
      );
    }
  }
  return { train, tests, others };
}
