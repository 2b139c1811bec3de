#!/bin/sh
# All tests of the release build: cmake/run_tests.sh
# Installs packages where they are missing, builds everything, runs ctest.
set -eu
cd "$(dirname "$0")/.."

sh cmake/setup.sh tests
cmake -S . -B build/release-tests -G Ninja -DCMAKE_BUILD_TYPE=Release -DDNALM_TEST_PCH=ON -DDNALM_UNITY=ON
cmake --build build/release-tests
ctest --test-dir build/release-tests --output-on-failure --timeout 1200 --parallel "$(nproc)"
