#!/bin/sh
# Everything that needs a GPU: builds with all cores, runs the tests with the label `gpu`, then compute-sanitizer (where it is
# installed) on the cases with the tag [sanitize], which cover every kernel.
#
#   tests/gpu/run.sh [--build FOLDER] [--out FOLDER] [--minutes 9] [--arch ARCHITECTURE] [--jobs N]
#
# --minutes bounds the whole run: what there is no time for is told as not run. --arch: code for this one only, as CMake calls it
# (90-real); without it that of the GPU. Each row goes to <out>/rows.tsv as it is done; at the end a table, and <out>/gpu.json with
# card, driver, clocks and date. Exit status 0: all passed; 1: a row failed, or could not be built; 77: no GPU, nothing was tested.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build="$root/build/gpu" out='' minutes=9 arch='' jobs=$(nproc)
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2; }
  case $1 in
    --build) build=$2 ;;
    --out) out=$2 ;;
    --minutes) minutes=$2 ;;
    --arch) arch=$2 ;;
    --jobs) jobs=$2 ;;
    *) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
  shift 2
done
started=$(date +%s)
deadline=$((started + minutes * 60))
left() { echo $((deadline - $(date +%s))); }
. "$root/tests/gpu/card.sh"
[ -n "$out" ] || out="$build/gpu_out"
mkdir -p "$build" "$out"
rows="$out/rows.tsv"
: >"$rows"
row() { # name, result, seconds
  printf '%s\t%s\t%s\n' "$1" "$2" "$3" | tee -a "$rows"
}
# One row: a command under the deadline. The log lies beside the rows.
run() { # name, most seconds, command...
  name=$1 most=$2
  shift 2
  [ "$(left)" -lt "$most" ] && most=$(left)
  if [ "$most" -lt 5 ]; then row "$name" 'not run: no time left' 0; return 0; fi
  begin=$(date +%s)
  status=0
  timeout "$most" "$@" >"$out/$name.log" 2>&1 </dev/null || status=$?
  case $status in
    0) result=passed ;;
    77) result=skipped ;;
    124) result="failed: not done after $most s" ;;
    *) result="failed: exit status $status" ;;
  esac
  row "$name" "$result" $(($(date +%s) - begin))
}

finish() {
  echo
  echo "card: $(card_line)"
  column -t -s "$(printf '\t')" "$rows" 2>/dev/null || cat "$rows"
  {
    printf '{"date": "%s", "revision": "%s", %s, "rows": [' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
      "$(git -C "$root" describe --always --dirty 2>/dev/null || echo unknown)" "$(card_json)"
    awk -F '\t' '{printf "%s\n {\"name\": \"%s\", \"result\": \"%s\", \"seconds\": %s}", (NR > 1 ? "," : ""), $1, $2, $3}' "$rows"
    printf ']}\n'
  } >"$out/gpu.json"
  echo "$(($(date +%s) - started)) s; written: $out/gpu.json"
  if grep -q "$(printf '\t')failed" "$rows"; then exit 1; fi
  if grep -q "$(printf '\t')passed" "$rows" && ! grep -q "$(printf '^gpu[^\t]*\t')skipped" "$rows"; then exit 0; fi
  echo "skipped: nothing was tested: no GPU that dnalm can use"
  exit 77
}

if ! has_card; then
  row gpu 'skipped' 0
  finish
fi
[ -n "$arch" ] || arch=$(card_arch)
run configure 120 cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release -DDNALM_BUILD_CUDA=ON -DDNALM_BUILD_BENCHMARKS=OFF \
  ${arch:+"-DCMAKE_CUDA_ARCHITECTURES=$arch"}
run build 480 cmake --build "$build" --target dnalm_test_gpu --parallel "$jobs"
if grep -q "$(printf '\t')failed" "$rows"; then
  tail -n 30 "$out/configure.log" "$out/build.log" >&2 || true
  finish
fi
test=$build/tests/gpu/dnalm_test_gpu
# The rows of ctest -L gpu one by one, so that each is written when it is done.
for part in $(cd "$build" && ctest -N -L gpu | sed -n 's/.*: gpu\.\([a-z0-9]*\)$/\1/p'); do
  run "gpu.$part" 120 "$test" "[$part]"
done
sanitizer=$(command -v compute-sanitizer || echo "${CUDA_HOME:-/usr/local/cuda}/bin/compute-sanitizer")
for tool in memcheck racecheck initcheck; do
  if [ ! -x "$sanitizer" ]; then
    row "sanitizer.$tool" 'not run: no compute-sanitizer' 0
  else
    run "sanitizer.$tool" 120 "$sanitizer" --tool "$tool" --error-exitcode 1 "$test" '[sanitize]'
  fi
done
finish
