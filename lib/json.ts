/**
 * JSON with infinity, which stands for "no clipping" in a run's configuration.
 *
 * @module
 */

/** As JSON.stringify(), infinity being the text "Infinity". */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, (_, part) => part === Infinity ? "Infinity" : part, indent);
}

/** What toJson() has written. */
export function fromJson<T>(text: string): T {
  return JSON.parse(text, (_, part) => part === "Infinity" ? Infinity : part);
}
