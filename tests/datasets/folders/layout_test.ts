import { assertEquals, assertRejects } from "@std/assert";
import { doubtOf, splitOf, splitsAmong } from "../../../lib/datasets/folders/layout.ts";

Deno.test("splitOf() knows splits by their whole names, in any letters", () => {
  const names = {
    train: ["train", "Train", "TRAINING", "train_set", "trainset", "train2017"],
    val: ["val", "Val", "valid", "Validation", "val2017"],
    test: ["test", "Test", "testing", "test-set"],
  };
  for (const [split, own] of Object.entries(names)) {
    assertEquals(
      own.map((name) => splitOf(name) as string),
      own.map(() => split),
    );
  }
  for (const name of ["trainer", "valley", "tests", "attest", "cat", "train station"]) {
    assertEquals(splitOf(name), undefined);
  }
});

Deno.test("doubtOf() doubts splits and folders of folders, and no classes", () => {
  const doubt = (classes: Record<string, string[]>) => doubtOf("D", new Map(Object.entries(classes)));
  const image = ["1.png"];
  const clear: Record<string, string[]>[] = [
    { cat: image, dog: ["old/1.png", "2.png"] },
    { train: image, bus: image },
    { "test-tube": image, cup: image },
  ];
  for (const classes of clear) assertEquals(doubt(classes), undefined);
  assertEquals(
    doubt({ Train: image, Test: image }),
    "D holds Train/, Test/, which look like splits rather than classes",
  );
  assertEquals(
    doubt({ seg_train: image, seg_pred: image, seg_test: image })?.slice(0, 30),
    "D holds seg_train/, seg_test/,",
  );
  assertEquals(doubt({ train: image })?.slice(0, 14), "D holds train/");
  assertEquals(
    doubt({ pets: ["train/cat/1.png", "val/cat/2.png"] }),
    "D/pets holds no images itself, but folders of them (train, val)",
  );
  assertEquals(doubt({ cat: image, more: ["dog/1.png"] })?.slice(0, 26), "D/more holds no images its");
});

Deno.test("splitsAmong() finds splits by their names, and asks where folders beside them hold images", async () => {
  const among = (folders: string, sure = false, withImages = folders) =>
    splitsAmong("D", folders.split(" "), (name) => Promise.resolve(withImages.split(" ").includes(name)), sure);
  assertEquals(await among("cat dog"), undefined);
  assertEquals(await among("Test Train"), { train: "Train", tests: ["Test"], others: [] });
  assertEquals(await among("test train unlabelled val"), {
    train: "train",
    tests: ["test", "val"],
    others: ["unlabelled"],
  });
  assertEquals(await among("annotations train", false, "train"), {
    train: "train",
    tests: [],
    others: ["annotations"],
  });
  assertEquals(await among("bus train", true), { train: "train", tests: [], others: ["bus"] });
  const refused = (folders: string, message: string, sure = false) =>
    assertRejects(() => among(folders, sure), Error, message);
  await refused(
    "bus car train",
    "D holds train/, which looks like a split, beside other folders of images (bus, car): name",
  );
  await refused("Train train", "D holds Train/ and train/, which are the same split by their names: keep one, or set");
  await refused("test val", "D holds test/ and val/, but no train/: name the folder to take, or set layout to");
  await refused("cat dog", "D holds no train/", true);
});
