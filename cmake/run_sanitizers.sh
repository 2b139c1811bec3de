#!/bin/sh
# The sanitizer lane: cmake/run_sanitizers.sh
# Unit and program tests with the address and undefined-behaviour sanitizers.
set -eu
# Every 101st of the 100,000 golden sequences of each tokenizer; the test command compares all.
export DNALM_TEST_STRIDE=101
cd "$(dirname "$0")/.."

sh cmake/setup.sh sanitizers || sh cmake/setup.sh tests
# clang++ compiles instrumented code in a third less time; where it cannot be had, or without its runtime libraries, the compiler is that of
# the other lanes. Each has a folder of its own: CMake forgets a preset's variables when the compiler of a folder changes.
preset=asan-ubsan
if echo 'int main() {}' | clang++ -fsanitize=address,undefined -x c++ -o /dev/null - 2>/dev/null; then
  preset=asan-ubsan-clang
fi
cmake --preset "$preset"
cmake --build --preset "$preset" --target dnalm_code_tests
ctest --test-dir "build/$preset" --output-on-failure --timeout 1200 --parallel "$(nproc)" -R '^(unit[.]|fuzz[.]|hostile|programs)'
