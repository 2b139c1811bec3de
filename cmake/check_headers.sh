#!/bin/sh
# The header lane: cmake/check_headers.sh
# Every header of a detail folder alone under clang++ (g++ where there is none), all headers together, linked, under both, device headers
# under nvcc (where installed). That public headers stand alone is tested by their examples (tests/snippet).
set -eu
cd "$(dirname "$0")/.."

lane() { # compiler, folder, targets...
  compiler=$1
  folder=$2
  shift 2
  cmake -S . -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_COMPILER="$compiler" -DDNALM_BUILD_EXAMPLES=OFF \
    -DDNALM_BUILD_BENCHMARKS=OFF
  if cmake --build "$folder" --target help | grep -q dnalm_device_header_test && [ "$compiler" = g++ ]; then
    set -- "$@" dnalm_device_header_test
  fi
  cmake --build "$folder" --target "$@"
}
if command -v clang++ >/dev/null; then
  lane g++ build/headers-g++ dnalm_headers_linked
  lane clang++ build/headers-clang++ dnalm_header_test
else
  echo "headers: clang++ is not installed: g++ reads the headers of detail folders alone"
  lane g++ build/headers-g++ dnalm_header_test
fi
