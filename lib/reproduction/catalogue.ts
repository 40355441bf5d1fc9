/**
 * All tables and figures of the paper by name, and what one of them takes.
 *
 * @module
 */
import { planAblation } from "./ablation_plan.ts";
import { ABLATIONS, type AblationTable } from "./ablations.ts";
import { COMPUTE_FIGURES, type ComputeFigure, planCompute } from "./compute.ts";
import {
  EVALUATION_TABLES,
  type EvaluationOptions,
  type EvaluationTable,
  planEvaluations,
} from "./evaluation_tables.ts";
import { nearestName } from "../nearest_name.ts";
import { PAPER_FIGURES, type PaperFigure } from "./figures.ts";
import type { Plan } from "./step.ts";

/** A table or a figure. */
export type Item = AblationTable | EvaluationTable | PaperFigure | ComputeFigure;

const numberIn = (name: string) => Number(name.replace(/\D/g, ""));

/** By names such as "table6" and "figure4", tables first, in the paper's order. */
export const ITEMS: Readonly<Record<string, Item>> = Object.fromEntries(
  Object.entries<Item>({ ...EVALUATION_TABLES, ...ABLATIONS, ...PAPER_FIGURES, ...COMPUTE_FIGURES })
    .sort(([a], [b]) => Number(a.startsWith("figure")) - Number(b.startsWith("figure")) || numberIn(a) - numberIn(b)),
);

/** What a table or a figure is about. */
export interface Claim {
  /** What it shows. */
  title: string;
  /** What the paper concludes. */
  claim: string;
}

/** What each of the paper's tables and figures claims, by names such as "table6". */
export const CLAIMS: Readonly<Record<string, Claim>> = ITEMS;

/**
 * The item of that name, as it may be typed: "Table 6", "table-6" and "6" are "table6".
 *
 * @throws RangeError that lists the names
 */
export function itemNamed(typed: string): [name: string, item: Item] {
  const bare = typed.toLowerCase().replace(/^(tab|fig)\b\.?/, (short) => short.startsWith("t") ? "table" : "figure")
    .replace(/[\s_-]/g, "");
  const name = /^\d+$/.test(bare) ? `table${bare}` : bare;
  if (!Object.hasOwn(ITEMS, name)) {
    const nearest = nearestName(name, Object.keys(ITEMS)), meant = nearest ? ` (did you mean ${nearest}?)` : "";
    throw new RangeError(
      `The paper has no "${typed}"${meant}: its tables are table1 to table15, its figures figure1 to figure8.`,
    );
  }
  return [name, ITEMS[name]];
}

/** What an item takes; undefined where nothing is computed. */
export function planOf(name: string, item: Item, options: EvaluationOptions): Plan | undefined {
  switch (item.kind) {
    case "ablation":
      return planAblation(item, options);
    case "evaluation":
      return planEvaluations(name, item, options);
    case "compute":
      return options.scale === "small" ? planCompute(options.seeds) : {
        steps: [],
        missing: [{ option: "scale small", what: "other methods' published GPU hours are not the kit's" }],
      };
    case "figure":
      return item.plan?.(name, options);
  }
}
