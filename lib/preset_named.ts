/**
 * The preset of a name, out of those that there are.
 *
 * @module
 */

/**
 * The one of that name.
 *
 * @param what they are, e.g. "preset of clips"
 * @throws RangeError that lists the names where there is none
 */
export function presetNamed<T>(presets: Readonly<Record<string, T>>, name: string, what: string): T {
  if (Object.hasOwn(presets, name)) return presets[name];
  throw new RangeError(`No ${what} is called "${name}": there are ${Object.keys(presets).join(", ")}.`);
}
