#!/bin/sh
# The header lane: cmake/check_headers.sh
# Every header alone and together, linked, under g++ and clang++ (where installed), device headers under nvcc (likewise).
set -eu
cd "$(dirname "$0")/.."

for compiler in g++ clang++; do
  if ! command -v "$compiler" >/dev/null; then
    echo "headers: $compiler is not installed: lane skipped"
    continue
  fi
  folder="build/headers-$compiler"
  cmake -S . -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_COMPILER="$compiler" \
    -DDNALM_BUILD_EXAMPLES=OFF -DDNALM_BUILD_BENCHMARKS=OFF
  cmake --build "$folder" --target dnalm_header_test
  if [ "$compiler" = g++ ] && cmake --build "$folder" --target help | grep -q dnalm_device_header_test; then
    cmake --build "$folder" --target dnalm_device_header_test
  fi
done
