#!/bin/sh
# The benchmarks of a GPU: builds them with all cores, runs the cases, prints one table, writes the JSON.
#
#   benchmarks/cuda/run.sh [--build FOLDER] [--name NAME] [--minutes 9] [--arch ARCHITECTURE] [--jobs N] [--python PYTHON]
#                          [--stated-peak TFLOPS] [--no-peers]
#
# --minutes bounds the whole run, the build too. Each case's rows are printed and kept in <build>/cuda_out as they are measured; the
# table and benchmarks/results/<NAME>.json (cuda without --name) come at the end, with card, driver, clocks and date. What was not
# measured is listed. Exit status 0: all cases measured; 1: one failed or found no time; 77: no GPU, nothing was measured.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build="$root/build/cuda_bench" name=cuda minutes=9 arch='' jobs=$(nproc) python=python3 stated=0 peers=1
usage() { sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2; }
while [ $# -gt 0 ]; do
  if [ "$1" = --no-peers ]; then peers=0; shift; continue; fi
  [ $# -ge 2 ] || usage
  case $1 in
    --build) build=$2 ;;
    --name) name=$2 ;;
    --minutes) minutes=$2 ;;
    --arch) arch=$2 ;;
    --jobs) jobs=$2 ;;
    --python) python=$2 ;;
    --stated-peak) stated=$2 ;;
    *) usage ;;
  esac
  shift 2
done
. "$root/tests/gpu/card.sh"
started=$(date +%s)
deadline=$((started + minutes * 60))
left() { echo $((deadline - $(date +%s))); }
mkdir -p "$build"
build=$(cd "$build" && pwd)
data="$build/cuda_data" out="$build/cuda_out"
mkdir -p "$data" "$out"
rm -f "$out"/*.json "$out"/*.log "$out/missing" "$out/order"
: >"$out/missing"
: >"$out/order"

# One case per line: name, model, sequences, their number, program with arguments. The most important first.
cases() {
  embed="bench_cuda_embed --model MODEL --sequences SEQUENCES --stated-peak $stated"
  cat <<LIST
embed_nt100m_230bp_bf16 nt_v2_100m 230bp 1000 $embed --precisions bf16 --modes deterministic,fast
embed_nt100m_100k_bf16 nt_v2_100m 230bp_100k 100000 $embed --precisions bf16 --repeats 2
embed_nt500m_1kb_bf16 nt_v2_500m 1kb 400 $embed --precisions bf16 --repeats 3
embed_dnabert2_1kb_bf16 dnabert2 1kb 1000 $embed --precisions bf16
embed_nt2b5_5994bp_bf16 nt_2b5 5994bp 64 $embed --precisions bf16 --repeats 2 --random-weights
sweep_nt2b5_230bp_bf16 nt_2b5 230bp_many 8192 bench_cuda_sweep --model MODEL --sequences SEQUENCES --random-weights --stated-peak $stated
attention_bf16 - - 0 bench_cuda_attention --types bf16 --stated-peak $stated
convolutions_f32 - - 0 bench_cuda_convolutions --precisions f32 --stated-peak $stated
products_bf16 - - 0 bench_cuda_products --precisions bf16 --stated-peak $stated
embed_nt500m_6kb_bf16 nt_v2_500m 6kb 100 $embed --precisions bf16 --repeats 3
embed_nt100m_ragged_bf16 nt_v2_100m ragged 300 $embed --precisions bf16
embed_nt100m_230bp_f32 nt_v2_100m 230bp 1000 $embed --precisions f32 --repeats 3
embed_caduceus_1kb_f32 caduceus_ps_d256 1kb 200 $embed --precisions f32 --repeats 3
products_f32 - - 0 bench_cuda_products --precisions f32 --repeats 5 --stated-peak $stated
attention_f32 - - 0 bench_cuda_attention --types f32 --repeats 5 --stated-peak $stated
LIST
}
missing() { # what, why
  printf '%s: %s\n' "$1" "$2" >>"$out/missing"
  echo "  $1: $2" >&2
}
finish() { # exit status
  status=$1
  documents=$(while read -r file; do if [ -s "$file" ]; then echo "$file"; fi; done <"$out/order")
  if [ -n "$documents" ]; then
    # shellcheck disable=SC2086
    "$build/benchmarks/bench_table" --clock wall --set "revision=$(git -C "$root" describe --always --dirty 2>/dev/null || echo unknown)" \
      --set "date=$(date -u +%Y-%m-%dT%H:%M:%SZ)" --set "card=$(card_line)" --set "clock_most=$(card_field clocks.max.sm)" \
      --set "power_limit=$(card_field power.limit)" --set "not_measured=$(tr '\n' ';' <"$out/missing")" \
      --out "$root/benchmarks/results/$name.json" $documents
    echo "written: benchmarks/results/$name.json"
  fi
  echo "card: $(card_line); $(($(date +%s) - started)) s"
  if [ -s "$out/missing" ]; then
    echo "not measured:"
    sed 's/^/  /' "$out/missing"
  fi
  exit "$status"
}

if ! has_card; then
  cases | cut -d' ' -f1 | while read -r case_name; do printf '%s: no GPU\n' "$case_name" >>"$out/missing"; done
  echo "skipped: no GPU: nothing was measured"
  finish 77
fi
[ -n "$arch" ] || arch=$(card_arch)
echo "building in $build" >&2
cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release -DDNALM_BUILD_CUDA=ON -DDNALM_BUILD_TESTS=OFF -DDNALM_BUILD_EXAMPLES=OFF \
  -DDNALM_BUILD_BENCHMARKS=ON ${arch:+"-DCMAKE_CUDA_ARCHITECTURES=$arch"} >"$out/configure.log" 2>&1 ||
  { cat "$out/configure.log" >&2; missing build 'cmake failed'; finish 1; }
timeout "$(left)" cmake --build "$build" --target dnalm_bench_cuda --parallel "$jobs" >"$out/build.log" 2>&1 ||
  { tail -n 40 "$out/build.log" >&2; missing build 'failed, or not done in time'; finish 1; }
echo "  built after $(($(date +%s) - started)) s" >&2
programs="$build/benchmarks"

make_data() { # model, sequences
  if [ "$1" != - ]; then
    case $1 in nt_2b5) weights=--no-weights ;; *) weights='' ;; esac # 10 GB: random numbers are made where they are needed
    # shellcheck disable=SC2086
    "$programs/bench_folder" model "$1" "$data/$1" $weights --tokenizer "$root/tests/golden/third_party/dnabert2" || return 1
  fi
  if [ "$2" = - ] || [ -f "$data/$2.txt" ]; then return 0; fi
  case $2 in
    230bp) set -- "$2" 1000 230 230 ;;
    230bp_many) set -- "$2" 8192 230 230 ;;
    230bp_100k) set -- "$2" 100000 230 230 ;;
    5994bp) set -- "$2" 64 5994 5994 ;;
    1kb) set -- "$2" 1000 1000 1000 ;;
    6kb) set -- "$2" 100 6000 6000 ;;
    ragged) set -- "$2" 300 200 6000 ;;
  esac
  "$programs/bench_folder" sequences "$data/$1.txt" --count "$2" --shortest "$3" --longest "$4"
}
# A document is kept when it is whole: a program that is stopped leaves none.
run_into() { # document, log, most seconds, command...
  document=$1 log=$2 most=$3
  shift 3
  if [ "$(left)" -lt "$most" ]; then most=$(left); fi
  if [ "$most" -lt 5 ]; then return 124; fi
  result=0
  timeout "$most" "$@" >"$document.part" 2>"$log" </dev/null || result=$?
  if [ "$result" = 0 ]; then mv "$document.part" "$document"; else rm -f "$document.part"; fi
  return "$result"
}
# A peer; its document stands beside ours.
run_peer() { # name, most seconds, script of peers/, arguments...
  peer_name=$1 peer_most=$2 peer_script=$3
  shift 3
  peer_file="$out/peer_$peer_name.json"
  run_into "$peer_file" "$out/peer_$peer_name.log" "$peer_most" "$python" "$root/benchmarks/peers/$peer_script" "$@" || {
    missing "peer $peer_name" 'failed, or no time left'
    return 0
  }
  if grep -q '"missing"' "$peer_file"; then
    missing "peer $peer_name" "$(sed -n 's/.*"missing": "\([^"]*\)".*/\1/p' "$peer_file")"
  fi
  echo "$peer_file" >>"$out/order"
}
peer_of() { # script for embeddings, case, model, sequences, their number
  case $2 in
    embed_nt100m_100k_bf16) ;; # the same work as 1000 sequences, whose tokens take the peer minutes
    embed_*_bf16)
      run_peer "${1%.py}_$2" 90 "$1" --case "$(short_name "$2")" --model "$data/$3" --sequences "$data/$4.txt" --limit "$5" \
        --batch 32,128,512 --repeats 3
      ;;
  esac
}
short_name() { echo "$1" | sed 's/^embed_//; s/^sweep_//; s/_[a-z0-9]*$//'; }
failures=0
cases >"$out/cases"
while read -r case_name model sequences count program words; do
  if [ "$(left)" -lt 15 ]; then missing "$case_name" 'no time left'; failures=1; continue; fi
  make_data "$model" "$sequences" >"$out/$case_name.log" 2>&1 || { missing "$case_name" 'no data'; failures=1; continue; }
  short=$(short_name "$case_name")
  words=$(echo "$words" | sed "s#MODEL#$data/$model#; s#SEQUENCES#$data/$sequences.txt#")
  if [ "$model" != - ]; then words="$words --limit $count --case $short"; fi
  file="$out/ours_$case_name.json"
  result=0
  # shellcheck disable=SC2086
  run_into "$file" "$out/$case_name.log" 120 "$programs/cuda/$program" $words || result=$?
  if [ "$result" != 0 ]; then
    missing "$case_name" "exit status $result, see $out/$case_name.log"
    if [ "$result" = 77 ]; then finish 77; fi
    failures=1
    continue
  fi
  echo "$file" >>"$out/order"
  "$programs/bench_table" --clock wall "$file" | sed -n '3,$p'
  if [ $peers = 0 ]; then continue; fi
  case $case_name in
    convolutions_f32) run_peer "$case_name" 120 cuda_convolutions.py ;;
    attention_bf16) run_peer "$case_name" 60 cuda_attention.py ;;
    *) peer_of cuda_torch.py "$case_name" "$model" "$sequences" "$count" ;;
  esac
done <"$out/cases"
if [ $peers = 1 ]; then # last: PyTorch's own encoder is the nearer peer
  while read -r case_name model sequences count rest; do
    if [ -s "$out/ours_$case_name.json" ]; then peer_of cuda_transformers.py "$case_name" "$model" "$sequences" "$count"; fi
  done <"$out/cases"
fi
finish "$failures"
