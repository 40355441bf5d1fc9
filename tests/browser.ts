/** The browser: Debian's Chromium, which .ci/run installs, or another that is there. */
export const BROWSER = ["chromium", "chromium-browser", "google-chrome"].map((name) => `/usr/bin/${name}`).find(exists);

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
