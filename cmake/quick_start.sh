#!/bin/sh
# The main job on the bundled model and data: cmake/quick_start.sh
# Installs packages where they are missing, builds dnalm-evaluate, runs it; ends in a table and a report.
set -eu
cd "$(dirname "$0")/.."

sh cmake/setup.sh
cmake -S . -B build/release -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DDNALM_BUILD_TESTS=OFF -DDNALM_BUILD_BENCHMARKS=OFF -DDNALM_UNITY=ON
cmake --build build/release
build/release/examples/dnalm-evaluate \
  --model examples/data/models/dnalm-yeast-human-nt2 --data examples/data/wtc11.tsv.gz --out build/wtc11-report
