"""Whether TensorFlow's wheels of machines that are not here have what the kit opens: both libraries by their names, and every
function of lib/tensorflow/libraries/symbols.ts among what they export. It downloads some 500 MB, and runs none of it:

    python tests/tensorflow/libraries/wheels_elsewhere.py [FOLDER]     wheels that lie in FOLDER are not fetched again

It needs llvm-nm (apt: llvm; on a Mac, Xcode's), and without the network it is skipped.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

KIT = pathlib.Path(__file__).parents[2]
VERSION = re.search(r'VERSION = "([\d.]+)"', (KIT / "lib/tensorflow/libraries/install.ts").read_text())[1]
PLATFORMS = {"macosx_12_0_arm64": "dylib", "manylinux_2_27_aarch64": "so"}

NAMES = """
const { ccSymbols, frameworkSymbols } = await import("./lib/tensorflow/libraries/symbols.ts");
const names = (symbols) => Object.entries(symbols).map(([key, { name = key, optional = false }]) => [name, optional]);
console.log(JSON.stringify({ cc: names(ccSymbols), framework: names(frameworkSymbols) }));
"""


def wanted_symbols():
    """Names of C functions by library, and whether the kit does without."""
    printed = subprocess.run(["deno", "eval", "--no-check", NAMES], cwd=KIT, check=True, capture_output=True, text=True)
    return json.loads(printed.stdout)


def library_names(kind):
    """As locate.ts has them: {"cc": ..., "framework": ...}."""
    names = re.findall(r'(cc|framework): "(libtensorflow_\w+\.[\w.]+)"', (KIT / "lib/tensorflow/libraries/locate.ts").read_text())
    return {library: name for library, name in names if name.endswith(kind) or f".{kind}." in name}


def fetch(platform, folder):
    found = [*folder.glob(f"tensorflow-{VERSION}-*{platform}*.whl")]
    if not found:
        pip = subprocess.run([
            sys.executable, "-m", "pip", "download", "--quiet", f"tensorflow=={VERSION}", "--no-deps",
            "--only-binary=:all:", "--python-version=3.12", f"--platform={platform}", f"--dest={folder}",
        ])
        if pip.returncode != 0:
            print(f"Skipped: pip could not fetch TensorFlow's wheel for {platform}.")
            sys.exit(0)
        found = [*folder.glob(f"tensorflow-{VERSION}-*{platform}*.whl")]
    return found[0]


def exported(path):
    """Names that a library exports, without Mach-O's underscore."""
    table = ["--dynamic"] if ".so" in path else []
    printed = subprocess.run(
        ["llvm-nm", *table, "--extern-only", "--defined-only", "--format=just-symbols", path],
        check=True, capture_output=True, text=True,
    )
    names = {line.split("@")[0] for line in printed.stdout.splitlines()}
    return names if table else {name.removeprefix("_") for name in names}


def check(platform, kind, folder, symbols):
    """The functions that are missing from a platform's wheel, but for those that the kit does without."""
    missing = []
    with zipfile.ZipFile(fetch(platform, folder)) as wheel, tempfile.TemporaryDirectory() as unpacked:
        for library, name in library_names(kind).items():
            names = exported(wheel.extract(f"tensorflow/{name}", unpacked))
            absent = {name: optional for name, optional in symbols[library] if name not in names}
            missing += [name for name, optional in absent.items() if not optional]
            own = len(symbols[library]) - len(absent)
            without = "".join(f"; without {name}" for name, optional in absent.items() if optional)
            print(f"{platform}: {name} exports {own} of the {len(symbols[library])} functions{without}")
    return missing


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
    symbols = wanted_symbols()
    missing = [name for platform, kind in PLATFORMS.items() for name in check(platform, kind, folder, symbols)]
    sys.exit(f"Missing: {', '.join(missing)}" if missing else 0)


main()
