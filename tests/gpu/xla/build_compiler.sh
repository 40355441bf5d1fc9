#!/bin/sh
# Builds compile_for_gpu in the folder DEST: XLA's compiler for NVIDIA GPUs as it is in TensorFlow's CUDA wheel, which compiles without a
# GPU or a driver. Needs g++, python3 with pip, and 4 GB of disk; takes two minutes. The headers that the wheel leaves out are of hash
# functions, of which only the names are needed.
#
#   tests/gpu/xla/build_compiler.sh DEST
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"
pip="python3 -m pip download --quiet --no-deps --dest ."
$pip --only-binary=:all: --python-version 3.12 --platform manylinux_2_27_x86_64 tensorflow==2.21.0
$pip nvidia-cuda-nvcc-cu12
python3 - <<'END'
import glob, zipfile
for wheel in glob.glob("*.whl"):
    with zipfile.ZipFile(wheel) as files:
        wanted = ("nvidia/", "tensorflow/include/", "tensorflow/libtensorflow_")
        files.extractall(members=[name for name in files.namelist() if name.startswith(wanted)])
END
rm ./*.whl
chmod +x nvidia/cuda_nvcc/bin/*

mkdir -p missing/highwayhash
cat > missing/highwayhash/hh_types.h <<'END'
#pragma once
#include <cstdint>
namespace highwayhash {
using HHKey = std::uint64_t[4];
using HHResult64 = std::uint64_t;
using HHResult128 = std::uint64_t[2];
}
END
printf '#pragma once\n#define HH_TARGET 0\n#define HH_TARGET_PREFERRED 0\n' > missing/highwayhash/arch_specific.h
cat > missing/highwayhash/highwayhash.h <<'END'
#pragma once
#include <cstddef>
#include "highwayhash/hh_types.h"
namespace highwayhash {
template <int>
struct HighwayHashCatT {
  template <class Key> explicit HighwayHashCatT(Key&&) {}
  void Append(const char*, std::size_t) {}
  template <class Result> void Finalize(Result*) const {}
};
}
END
cat > missing/farmhash.h <<'END'
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
namespace util {
using uint128_t = std::pair<std::uint64_t, std::uint64_t>;
inline std::uint64_t Uint128Low64(const uint128_t& x) { return x.first; }
inline std::uint64_t Uint128High64(const uint128_t& x) { return x.second; }
std::uint64_t Fingerprint64(const char*, std::size_t);
std::uint64_t Fingerprint64(const std::string&);
uint128_t Fingerprint128(const char*, std::size_t);
uint128_t Fingerprint128(const std::string&);
std::uint32_t Fingerprint32(const char*, std::size_t);
std::uint32_t Fingerprint32(const std::string&);
}
namespace farmhash = util;
namespace NAMESPACE_FOR_HASH_FUNCTIONS = util;
END

include=$PWD/tensorflow/include
g++ -std=c++17 -O1 -w -Imissing -I"$include" -I"$include/external/local_xla" -I"$include/external/local_tsl" \
  "$here/compile_for_gpu.cc" -o compile_for_gpu \
  -Ltensorflow -Wl,--no-as-needed -l:libtensorflow_cc.so.2 -l:libtensorflow_framework.so.2 -Wl,-rpath,"$PWD/tensorflow"
