#!/bin/sh
# On the GPU machine: joins the pieces of pack.sh in the folder DEST, links the machine's own NVIDIA libraries in place of
# those that were not carried, and writes DEST/environment with the variables to set. Not yet tried on a GPU.
#
#   tests/gpu/unpack.sh PARTS DEST && . DEST/environment
#
# TensorFlow opens each CUDA 12 library by name and looks its functions up, so a CUDA 13 library may serve under the old
# name; where one does not, carry the right one (see pack.sh).
set -eu
mkdir -p "$2"
dest=$(cd "$2" && pwd)
if [ ! -e "$dest/unpacked" ]; then
  cat "$1"/part-* | xz -dc -T0 | tar -C "$dest" -xf -
  touch "$dest/unpacked"
fi

paths=
# lend FOLDER NAME PATTERN: nvidia/FOLDER/lib/NAME becomes the machine's first file that matches PATTERN.
lend() {
  link=$dest/nvidia/$1/lib/$2
  if [ ! -e "$link" ]; then
    found=$(find / -xdev -name "$3" -not -path "$dest/*" 2>/dev/null | sort | head -n 1)
    if [ -z "$found" ]; then
      echo "unpack.sh: this machine has no $3; carry nvidia/$1 with pack.sh." >&2
      return
    fi
    mkdir -p "${link%/*}"
    ln -sf "$found" "$link"
  fi
  # What the library itself needs lies beside it.
  paths=$(dirname "$(readlink -f "$link")"):$paths
}
lend cublas libcublas.so.12 'libcublas.so.1[23]'
lend cublas libcublasLt.so.12 'libcublasLt.so.1[23]'
lend cuda_cupti libcupti.so.12 'libcupti.so.1[23]'
lend cudnn libcudnn.so.9 'libcudnn.so.9'
lend cufft libcufft.so.11 'libcufft.so.1[12]'
lend cusolver libcusolver.so.11 'libcusolver.so.1[12]'
lend cusparse libcusparse.so.12 'libcusparse.so.12'
lend nccl libnccl.so.2 'libnccl.so.2'
lend nvjitlink libnvJitLink.so.12 'libnvJitLink.so.1[23]'

cat > "$dest/environment" <<END
export PATH="$dest:\$PATH" DENO_DIR="$dest/deno_dir" TF_DIR="$dest/tensorflow"
export LD_LIBRARY_PATH="$paths\${LD_LIBRARY_PATH:-}"
END
