#!/bin/sh
# Packs TensorFlow's CUDA build, Deno and the npm packages for a GPU machine that has no network, in pieces of at most
# 56 MiB, in the layout of the folder of TensorFlow's libraries: 600 MB, in ten minutes of two busy cores. What it packs has
# been unpacked and has trained on a machine without a GPU, on none with one.
#
#   tests/gpu/pack.sh [OUT [FOLDER...]]     OUT: .venv/gpu by default
#
# FOLDERs are those of its nvidia/ to carry: by default cuda_runtime and cuda_nvcc alone, as the others
# weigh gigabytes and unpack.sh can use the machine's own. It prints where they are.
set -eu
cd "$(dirname "$0")/../.."
out=${1:-.venv/gpu}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- cuda_runtime cuda_nvcc

IJEPA_TF=cuda deno run -A lib/commands/setup.ts
libraries=$(deno eval 'import { librariesFolder } from "./lib/tensorflow/libraries/locate.ts"; console.log(librariesFolder());')
cuda=$libraries/tensorflow-cuda
mkdir -p .venv
tree=$(mktemp -d .venv/pack.XXXXXX)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/nvidia" "$out"
cp "$(deno eval 'console.log(Deno.execPath())')" "$tree/deno"
ln -s "$cuda/tensorflow" "$tree/tensorflow"
for folder; do ln -s "$cuda/nvidia/$folder" "$tree/nvidia/$folder"; done
DENO_DIR="$tree/deno_dir" deno install --quiet
rm -f "$out"/part-*
tar -C "$tree" -chf - . | xz -T0 -1 | split -b 56m -d - "$out/part-"
ls -l "$out"
