"""Unpacks the files of a wheel whose paths match a pattern: unpack_wheel.py WHEEL TARGET PATTERN...

Prints "Progress DONE of TOTAL" (bytes), then as JSON the files with their sizes and the requirements of the wheel's
`and-cuda` extra. zipfile checks every file's CRC.
"""

import fnmatch
import json
import os
import re
import sys
import zipfile

wheel, target, *patterns = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    wanted = [i for i in archive.infolist() if any(fnmatch.fnmatchcase(i.filename, p) for p in patterns)]
    total = sum(info.file_size for info in wanted)
    done = 0
    for info in wanted:
        path = os.path.join(target, info.filename)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with archive.open(info) as source, open(path, "wb") as file:
            while chunk := source.read(1 << 24):
                file.write(chunk)
                done += len(chunk)
                print(f"Progress {done} of {total}", flush=True)
        if "/bin/" in info.filename:
            os.chmod(path, 0o755)
    metadata = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
    text = archive.read(metadata).decode()
    requires = re.findall(r"""^Requires-Dist: (.+?) *; *extra *== *['"]and-cuda['"]""", text, re.MULTILINE)
print(json.dumps({"files": {info.filename: info.file_size for info in wanted}, "requires": requires}))
