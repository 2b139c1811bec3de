#!/bin/sh
# Seconds, peak memory and object size of two minimal programs: benchmarks/compile_time/measure.sh [compiler]
# Header-only and against dnalm::compiled. Prints a table; exits 1 when a budget is broken (umbrella header 2.5 s
# with dnalm::compiled, load_model header-only 20 s and 1.5 GB). Needs GNU time (Debian: apt-get install time).
set -eu
cd "$(dirname "$0")/../.."
compiler="${1:-g++}"
flags="-std=c++20 -I include -isystem /usr/include/eigen3"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
status=0

measure() {  # name, budget in seconds, budget in kB, flags...
  name=$1
  seconds_budget=$2
  memory_budget=$3
  shift 3
  # The best of three runs: the machine may be busy with other things.
  best=""
  for _ in 1 2 3; do
    # shellcheck disable=SC2086
    /usr/bin/time -f '%U %S %M' -o "$scratch/time" "$compiler" $flags "$@" -c -o "$scratch/object.o"
    line=$(awk '{printf "%.2f %d", $1 + $2, $3}' "$scratch/time")
    if [ -z "$best" ] || [ "$(printf '%s\n%s\n' "$line" "$best" | sort -n | head -1)" = "$line" ]; then
      best=$line
    fi
  done
  seconds=${best% *}
  memory=${best#* }
  size=$(stat -c %s "$scratch/object.o")
  printf '%-34s %8s s %8d MB %9d bytes\n' "$name" "$seconds" "$((memory / 1024))" "$size"
  if [ "$(awk -v a="$seconds" -v b="$seconds_budget" 'BEGIN {print (a > b)}')" = 1 ] || [ "$memory" -gt "$memory_budget" ]; then
    echo "  over budget: $seconds_budget s, $((memory_budget / 1024)) MB"
    status=1
  fi
}

echo "$("$compiler" --version | head -1); CPU seconds, peak memory, object size"
measure "umbrella, dnalm::compiled, -O2" 2.5 1536000 -O2 -DDNALM_COMPILED benchmarks/compile_time/umbrella.cpp
measure "umbrella, header-only, -O2" 60 2560000 -O2 benchmarks/compile_time/umbrella.cpp
measure "load_model, header-only, -O0" 20 1536000 benchmarks/compile_time/load_model.cpp
measure "load_model, header-only, -O2" 20 1536000 -O2 benchmarks/compile_time/load_model.cpp
measure "load_model, dnalm::compiled, -O2" 20 1536000 -O2 -DDNALM_COMPILED benchmarks/compile_time/load_model.cpp
exit $status
