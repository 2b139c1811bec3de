#!/bin/sh
# The header lane: cmake/check_headers.sh
# Every header alone and together, linked, under g++ and clang++ (where installed), device headers under nvcc (likewise).
# Alone: g++ reads declarations, clang++ bodies too (tests/header/CMakeLists.txt); where there is no clang++, g++ does both.
set -eu
cd "$(dirname "$0")/.."

for way in g++:OFF clang++:ON; do
  compiler=${way%:*}
  bodies=${way#*:}
  folder="build/headers-$compiler"
  if ! command -v "$compiler" >/dev/null; then
    echo "headers: $compiler is not installed: lane skipped, g++ takes its place"
    compiler=g++
    folder="build/headers-bodies"
  fi
  cmake -S . -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_COMPILER="$compiler" \
    -DDNALM_HEADER_BODIES="$bodies" -DDNALM_BUILD_EXAMPLES=OFF -DDNALM_BUILD_BENCHMARKS=OFF
  cmake --build "$folder" --target dnalm_header_test
  if [ "$bodies" = OFF ] && cmake --build "$folder" --target help | grep -q dnalm_device_header_test; then
    cmake --build "$folder" --target dnalm_device_header_test
  fi
done
