#!/bin/sh
# Fuzzes: cmake/run_fuzzers.sh [SECONDS [TARGET...]]
# Builds the targets of tests/fuzz with clang, libFuzzer and sanitizers, and runs each for SECONDS (60), one after the
# other, from its corpus. New inputs stay in build/fuzz/work/<target>, findings in build/fuzz/found/<target>; the
# corpus of the repository is not changed. Fails when a target has a finding.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
[ $# -gt 0 ] && shift

sh cmake/setup.sh tests
cmake -S . -B build/fuzz -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE="-O1 -g1" \
  -DCMAKE_CXX_COMPILER="${CXX:-clang++}" -DDNALM_FUZZ=ON -DDNALM_BUILD_EXAMPLES=OFF -DDNALM_BUILD_BENCHMARKS=OFF
cmake --build build/fuzz --target dnalm_fuzzers
if [ $# -eq 0 ]; then
  for source in tests/fuzz/fuzz_*.cpp; do
    target=$(basename "$source" .cpp)
    set -- "$@" "${target#fuzz_}"
  done
fi

failed=
for target in "$@"; do
  mkdir -p "build/fuzz/work/$target" "build/fuzz/found/$target"
  dictionary="tests/fuzz/dictionaries/$target.dict"
  log="build/fuzz/$target.log"
  set -- "build/fuzz/work/$target" "tests/fuzz/corpus/$target" -max_total_time="$seconds" -max_len=8192 -timeout=10 \
    -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="build/fuzz/found/$target/"
  [ -f "$dictionary" ] && set -- "$@" -dict="$dictionary"
  if ! "build/fuzz/tests/fuzz/fuzz_$target" "$@" >"$log" 2>&1; then
    failed="$failed $target"
    grep -E '^finding|SUMMARY|Test unit written' "$log" || tail -n 5 "$log"
  fi
  printf '%s: ' "$target"
  grep -E 'number_of_executed_units|average_exec' "$log" | tr -s ' ' | cut -d ' ' -f 2 | tr '\n' ' '
  grep -oE 'cov: [0-9]+ ft: [0-9]+' "$log" | tail -n 1
done
[ -z "$failed" ] || { echo "findings:$failed"; exit 1; }
