#!/bin/sh
# Seconds, peak memory and object size of two minimal programs, header-only and against dnalm::compiled:
#
#   benchmarks/compile_time/measure.sh [--json] [--repeats 3] [compiler]
#
# Prints a table; exits 1 when a budget is broken (umbrella header 2.5 s with dnalm::compiled, load_model header-only
# 20 s and 1.5 GB). With --json a document for bench_table instead, where a broken budget is told in the row. Needs GNU
# time (Debian: apt-get install time).
set -eu
cd "$(dirname "$0")/../.."
json=0 repeats=3 compiler=g++
while [ $# -gt 0 ]; do
  case $1 in
    --json) json=1 ;;
    --repeats)
      [ $# -ge 2 ] || { echo "--repeats needs a value" >&2; exit 2; }
      repeats=$2
      shift ;;
    -*) sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    *) compiler=$1 ;;
  esac
  shift
done
[ -x /usr/bin/time ] || { echo "no GNU time (Debian: apt-get install time)" >&2; exit 2; }
flags="-std=c++20 -I include -isystem /usr/include/eigen3"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
status=0 separator=''

joined() { paste -sd, "$1"; }                                            # the lines of a file, as a list of JSON
median() { sort -n "$1" | awk '{v[NR] = $1} END {print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2}'; }

compile() { # flags...: processor and wall seconds of each run into files, the best run's into $seconds and $memory
  rm -f "$scratch/cpu" "$scratch/wall" "$scratch/runs"
  run=0
  while [ "$run" -lt "$repeats" ]; do
    # shellcheck disable=SC2086
    /usr/bin/time -f '%U %S %M %e' -o "$scratch/time" "$compiler" $flags "$@" -c -o "$scratch/object.o"
    awk '{printf "%.2f %d\n", $1 + $2, $3}' "$scratch/time" >>"$scratch/runs"
    awk '{printf "%.2f\n", $1 + $2}' "$scratch/time" >>"$scratch/cpu"
    awk '{print $4}' "$scratch/time" >>"$scratch/wall"
    run=$((run + 1))
  done
  # The best run: the machine may be busy with other things.
  best=$(sort -n "$scratch/runs" | head -n 1)
  seconds=${best% *}
  memory=${best#* }
  size=$(wc -c <"$scratch/object.o")
}

measure() { # case, name, budget in seconds, budget in kB, flags...
  row=$1 name=$2 seconds_budget=$3 memory_budget=$4
  shift 4
  compile "$@"
  over=''
  if [ "$(awk -v a="$seconds" -v b="$seconds_budget" 'BEGIN {print (a > b)}')" = 1 ] || [ "$memory" -gt "$memory_budget" ]; then
    over="over budget of $seconds_budget s, $((memory_budget / 1024)) MB"
  fi
  if [ $json = 0 ]; then
    printf '%-34s %8s s %8d MB %9d bytes\n' "$name" "$seconds" "$((memory / 1024))" "$size"
    [ -z "$over" ] || { echo "  $over"; status=1; }
    return
  fi
  printf '%s\n  {"case": "compile_time/%s", "who": "dnalm", "threads": 1, "work": 0, "unit": "flop",' "$separator" "$row"
  printf ' "cpu_seconds": [%s], "wall_seconds": [%s],' "$(joined "$scratch/cpu")" "$(joined "$scratch/wall")"
  printf ' "median_cpu": %s, "median_wall": %s,' "$(median "$scratch/cpu")" "$(median "$scratch/wall")"
  printf ' "best_cpu": %s, "peak_bytes": %d, "object_bytes": %d, "over_budget": %s,' "$seconds" "$((memory * 1024))" "$size" \
    "$([ -z "$over" ] && echo false || echo true)"
  printf ' "load": "%s",' "$(cut -d' ' -f1-3 /proc/loadavg 2>/dev/null || true)"
  printf ' "note": "%s"}' "peak $((memory / 1024)) MB, object $((size)) bytes${over:+, $over}"
  separator=,
}

about="$("$compiler" --version | head -n 1)"
if [ $json = 0 ]; then
  echo "$about; CPU seconds, peak memory, object size"
else
  printf '{"program": "compile_time", "versions": {"compiler": "%s"}, "rows": [' "$about"
fi
umbrella=benchmarks/compile_time/umbrella.cpp program=benchmarks/compile_time/load_model.cpp
measure umbrella/compiled/O2 "umbrella, dnalm::compiled, -O2" 2.5 1536000 -O2 -DDNALM_COMPILED $umbrella
measure umbrella/header_only/O2 "umbrella, header-only, -O2" 60 2560000 -O2 $umbrella
measure load_model/header_only/O0 "load_model, header-only, -O0" 20 1536000 $program
measure load_model/header_only/O2 "load_model, header-only, -O2" 20 1536000 -O2 $program
measure load_model/compiled/O2 "load_model, dnalm::compiled, -O2" 20 1536000 -O2 -DDNALM_COMPILED $program
[ $json = 0 ] || printf '\n]}\n'
exit $status
