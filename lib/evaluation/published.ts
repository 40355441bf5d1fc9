/**
 * What the paper reports (Assran et al., CVPR 2023), to stand beside one's own numbers.
 *
 * @module
 */

/** One method's published number. */
export interface PublishedResult {
  /** Method, architecture and pretraining, as the paper names them. */
  method: string;
  /** In percent. */
  accuracy: number;
}

/** A table of the paper, or a column of one. */
export interface PublishedTable {
  /** Its number and what it measures. */
  title: string;
  /** Its rows. */
  results: readonly PublishedResult[];
}

const table = (title: string, results: Record<string, number>): PublishedTable => ({
  title,
  results: Object.entries(results).map(([method, accuracy]) => ({ method, accuracy })),
});

/** Linear evaluation on ImageNet-1k. */
export const TABLE_1: PublishedTable = table("Table 1: ImageNet-1k, linear evaluation", {
  "I-JEPA ViT-B/16, 600 epochs": 72.9,
  "I-JEPA ViT-L/16, 600 epochs": 77.5,
  "I-JEPA ViT-H/14, 300 epochs": 79.3,
  "I-JEPA ViT-H/16 at 448, 300 epochs": 81.1,
  "MAE ViT-H/14, 1600 epochs": 77.2,
  "data2vec ViT-L/16": 77.3,
  "iBOT ViT-L/16": 81.0,
});

/** Low-shot: 1 % of ImageNet-1k's labels. */
export const TABLE_2: PublishedTable = table("Table 2: ImageNet-1k, 1 % of the labels", {
  "I-JEPA ViT-L/16, 600 epochs": 69.4,
  "I-JEPA ViT-H/14, 300 epochs": 73.3,
  "I-JEPA ViT-H/16 at 448, 300 epochs": 77.3,
  "MAE ViT-H/14, 1600 epochs": 71.5,
  "data2vec ViT-L/16": 73.3,
  "MSN ViT-B/4": 75.7,
});

/** Linear transfer to CIFAR-100. */
export const TABLE_3_CIFAR100: PublishedTable = table("Table 3: CIFAR-100, linear transfer", {
  "I-JEPA ViT-H/14": 87.5,
  "MAE ViT-H/14": 77.3,
  "data2vec ViT-L/16": 81.6,
  "DINO ViT-B/8": 84.9,
  "iBOT ViT-L/16": 88.3,
});

/** Linear transfer to Places205. */
export const TABLE_3_PLACES205: PublishedTable = table("Table 3: Places205, linear transfer", {
  "I-JEPA ViT-H/14": 58.4,
  "MAE ViT-H/14": 55.0,
  "data2vec ViT-L/16": 54.6,
  "DINO ViT-B/8": 57.9,
  "iBOT ViT-L/16": 60.4,
});

/** Linear transfer to iNaturalist 2018. */
export const TABLE_3_INAT18: PublishedTable = table("Table 3: iNat18, linear transfer", {
  "I-JEPA ViT-H/14": 47.6,
  "MAE ViT-H/14": 32.9,
  "data2vec ViT-L/16": 28.1,
  "DINO ViT-B/8": 55.9,
  "iBOT ViT-L/16": 57.3,
});

/** Counting the objects of CLEVR's pictures. */
export const TABLE_4_COUNT: PublishedTable = table("Table 4: CLEVR, count", {
  "I-JEPA ViT-H/14": 86.7,
  "MAE ViT-H/14": 90.5,
  "data2vec ViT-L/16": 85.3,
  "DINO ViT-B/8": 86.6,
  "iBOT ViT-L/16": 85.7,
});

/** Distance of the closest object in CLEVR's pictures. */
export const TABLE_4_DISTANCE: PublishedTable = table("Table 4: CLEVR, distance", {
  "I-JEPA ViT-H/14": 72.4,
  "MAE ViT-H/14": 72.4,
  "data2vec ViT-L/16": 71.3,
  "DINO ViT-B/8": 53.4,
  "iBOT ViT-L/16": 62.8,
});

/** Fine-tuning on all of ImageNet-1k. */
export const TABLE_15: PublishedTable = table("Table 15: ImageNet-1k, full fine-tuning", {
  "I-JEPA ViT-H/16 at 448": 87.1,
  "MAE ViT-H/14 at 448": 87.8,
});
