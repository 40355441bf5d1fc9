import sharp from "sharp";

/** Pixels [height, width, 3] of an image in a figure's layout. */
export async function decodePngUri(uri: string): Promise<{ pixels: Uint8Array; width: number; height: number }> {
  const bytes = Uint8Array.from(atob(uri.slice(uri.indexOf(",") + 1)), (character) => character.charCodeAt(0));
  const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { pixels: new Uint8Array(data), width: info.width, height: info.height };
}
