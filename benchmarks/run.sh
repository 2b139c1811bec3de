#!/bin/sh
# All benchmarks: builds them, makes the model folders, runs the cases, prints one table, writes the JSON.
#
#   benchmarks/run.sh [--quick] [--cases PATTERN] [--threads 1,2] [--name NAME] [--build FOLDER] [--clock cpu|wall]
#                     [--no-peers] [--python PYTHON] [--compare REVISION] [--rounds 3] [--list]
#
# PATTERN is a shell pattern of case names (--list shows them): 'embed_*', 'linear_f32'. PYTHON has the packages of
# benchmarks/peers/requirements.txt; peers that are missing are told below the table. --compare runs the cases of
# this tree and of REVISION in turn, without peers. docs/benchmarks.md says more.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
quick=0 pattern='*' threads=1,2 name='' build="$root/build/bench" clock=cpu python=python3 peers=1 compare='' rounds=3
list=0
while [ $# -gt 0 ]; do
  case $1 in
    --quick) quick=1 ;;
    --no-peers) peers=0 ;;
    --list) list=1 ;;
    --cases | --threads | --name | --build | --clock | --python | --compare | --rounds)
      [ $# -ge 2 ] || { echo "$1 needs a value" >&2; exit 2; }
      case $1 in
        --cases) pattern=$2 ;;
        --threads) threads=$2 ;;
        --name) name=$2 ;;
        --build) build=$2 ;;
        --clock) clock=$2 ;;
        --python) python=$2 ;;
        --compare) compare=$2 ;;
        --rounds) rounds=$2 ;;
      esac
      shift ;;
    *) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
  shift
done
[ -n "$name" ] || name="run$([ $quick = 0 ] || echo _quick)"
data="$build/bench_data"
out="$build/bench_out"

# Numbers of sequences and repetitions: in full, and quick.
pick() { if [ $quick = 1 ]; then echo "$2"; else echo "$1"; fi; }

# One case per line: name, its model folder and sequence file (- for none), the number of sequences, the program with
# its arguments. MODEL and SEQUENCES stand for the paths.
cases() {
  repeats=$(pick 15 5)
  shapes_100m=1536x512,512x512,4096x512,512x2048
  shapes_500m=3072x1024,1024x1024,8192x1024,1024x4096
  shapes_bert=2304x768,768x768,6144x768,768x3072
  m=$(pick 41,328,1280 41,328)
  nk=$(pick $shapes_100m,$shapes_500m,$shapes_bert 1536x512,512x2048,1024x4096,2304x768)
  cat <<LIST
peak - - 0 bench_peak --threads $threads --repeats $(pick 31 7)
linear_f32 - - 0 bench_linear --m $m --nk $nk --formats f32 --threads $threads --repeats $repeats
linear_bf16 - - 0 bench_linear --m $m --nk $nk --formats bf16 --threads $threads --repeats $repeats
linear_int8 - - 0 bench_linear --m 328 --nk $(pick $nk 1536x512) --formats int8 --repeats $repeats
linear_cold - - 0 bench_linear --m 41 --nk $(pick $nk 1024x4096) --weights cold --isas best --threads $threads --repeats $repeats
linear_gated - - 0 bench_linear --gated --epilogue silu --m $m --nk 4096x512,8192x1024,6144x768 --isas best --repeats $repeats
kernels - - 0 bench_kernels --vjp --repeats $repeats
embed_nt100m_230bp nt_v2_100m 230bp $(pick 1000 32) bench_embed --model MODEL --sequences SEQUENCES --threads $threads --repeats $(pick 3 2)
embed_nt100m_1kb nt_v2_100m 1kb $(pick 300 8) bench_embed --model MODEL --sequences SEQUENCES --threads $threads --repeats $(pick 3 2)
embed_dnabert2_1kb dnabert2 1kb $(pick 1000 6) bench_embed --model MODEL --sequences SEQUENCES --threads $threads --repeats $(pick 3 2)
embed_nt500m_1kb nt_v2_500m 1kb $(pick 200 3) bench_embed --model MODEL --sequences SEQUENCES --threads $threads --repeats $(pick 3 2)
embed_nt500m_6kb nt_v2_500m 6kb $(pick 20 1) bench_embed --model MODEL --sequences SEQUENCES --threads $threads --repeats $(pick 3 2)
embed_nt100m_ragged nt_v2_100m ragged $(pick 300 16) bench_embed --model MODEL --sequences SEQUENCES --threads $threads --repeats $(pick 3 2)
gradient_nt100m_1kb nt_v2_100m 1kb 3 bench_gradient --model MODEL --sequences SEQUENCES --repeats $(pick 9 3)
load_nt100m nt_v2_100m - 0 bench_load --model MODEL --repeats $(pick 9 3)
ridge_nt100m_230bp nt_v2_100m 230bp 0 bench_ridge --model MODEL --sequences SEQUENCES --repeats $(pick 9 3)
LIST
}
selected() {
  cases | while read -r case_name rest; do
    # shellcheck disable=SC2254
    case $case_name in $pattern) echo "$case_name $rest" ;; esac
  done
}
if [ $list = 1 ]; then
  cases | cut -d' ' -f1
  exit 0
fi
[ -n "$(selected)" ] || { echo "no case is called '$pattern'; --list shows the names" >&2; exit 2; }

configure() { # source folder, build folder
  cmake -S "$1" -B "$2" -DCMAKE_BUILD_TYPE=Release -DDNALM_BUILD_TESTS=OFF -DDNALM_BUILD_EXAMPLES=OFF \
    -DDNALM_BUILD_BENCHMARKS=ON >"$2.configure.log" 2>&1 || { cat "$2.configure.log" >&2; exit 1; }
  cmake --build "$2" --target dnalm_bench --parallel "$(nproc)" >"$2.build.log" 2>&1 || { tail -40 "$2.build.log" >&2; exit 1; }
}
mkdir -p "$build" "$data" "$out"
echo "building in $build" >&2
configure "$root" "$build"
programs="$build/benchmarks"

make_model() { "$programs/bench_folder" model "$1" "$data/$1" --tokenizer "$root/tests/golden/third_party/dnabert2"; }
make_sequences() {
  [ -f "$data/$1.txt" ] && return
  case $1 in
    230bp) set -- "$1" 1000 230 230 ;;
    1kb) set -- "$1" 1000 1000 1000 ;;
    6kb) set -- "$1" 100 6000 6000 ;;
    ragged) set -- "$1" 300 200 6000 ;;
  esac
  "$programs/bench_folder" sequences "$data/$1.txt" --count "$2" --shortest "$3" --longest "$4"
}

# The command of a case: PROGRAMS [arguments], in $@ of the caller.
run_case() { # programs, output file, case, model, sequences, count, command...
  folder=$1 file=$2 case_name=$3 model=$4 sequences=$5 count=$6
  shift 6
  program=$1
  shift
  command=$(echo "$*" | sed "s#MODEL#$data/$model#; s#SEQUENCES#$data/$sequences.txt#")
  if [ "$count" -gt 0 ]; then command="$command --limit $count"; fi
  if [ "$model" != - ]; then command="$command --case ${case_name#*_}"; fi
  # shellcheck disable=SC2086
  "$folder/$program" $command >"$file"
}
# The data of a case.
prepare() {
  if [ "$1" != - ]; then make_model "$1"; fi
  if [ "$2" != - ]; then make_sequences "$2"; fi
}
revision=$(git -C "$root" describe --always --dirty 2>/dev/null || echo unknown)

if [ -n "$compare" ]; then
  old="$build/compare_tree"
  git -C "$root" worktree remove --force "$old" 2>/dev/null || true
  git -C "$root" worktree add --detach --force "$old" "$compare" >/dev/null
  trap 'git -C "$root" worktree remove --force "$old"' EXIT
  [ -f "$old/benchmarks/run.sh" ] || { echo "$compare has no benchmark programs" >&2; exit 1; }
  echo "building $compare in $build/compare" >&2
  mkdir -p "$build/compare"
  configure "$old" "$build/compare"
  rm -f "$out"/base_*.json "$out"/new_*.json
  selected | while read -r case_name model sequences count command; do
    prepare "$model" "$sequences"
    round=0
    while [ $round -lt "$rounds" ]; do
      echo "$case_name, round $((round + 1)) of $rounds" >&2
      # shellcheck disable=SC2086
      run_case "$build/compare/benchmarks" "$out/base_${case_name}_$round.json" "$case_name" "$model" "$sequences" "$count" $command
      # shellcheck disable=SC2086
      run_case "$programs" "$out/new_${case_name}_$round.json" "$case_name" "$model" "$sequences" "$count" $command
      round=$((round + 1))
    done
  done
  "$programs/bench_table" --compare --clock "$clock" --base "$out"/base_*.json --new "$out"/new_*.json \
    --set "revision=$revision" --set "base=$compare" --out "$root/benchmarks/results/$name.json"
  exit 0
fi

rm -f "$out"/ours_*.json "$out"/peer_*.json "$out"/order
run_peer() { # name, script, arguments...
  peer=$1 script=$2
  shift 2
  echo "  peer $peer" >&2
  "$python" "$root/benchmarks/peers/$script" "$@" >"$out/peer_$peer.json" 2>"$out/peer_$peer.log" ||
    printf '{"program": "%s", "missing": "failed, see %s"}\n' "$script" "peer_$peer.log" >"$out/peer_$peer.json"
  echo "$out/peer_$peer.json" >>"$out/order"
}
selected | while read -r case_name model sequences count command; do
  prepare "$model" "$sequences"
  echo "$case_name" >&2
  # shellcheck disable=SC2086
  run_case "$programs" "$out/ours_$case_name.json" "$case_name" "$model" "$sequences" "$count" $command
  echo "$out/ours_$case_name.json" >>"$out/order"
  [ $peers = 1 ] || continue
  case $case_name in
    linear_f32 | linear_bf16)
      for engine in torch onednn; do
        run_peer "${case_name}_$engine" "linear_$engine.py" "$out/ours_$case_name.json"
      done ;;
    embed_*)
      for engine in torch onnx transformers; do
        run_peer "${case_name}_$engine" "embed_$engine.py" --case "${case_name#*_}" --model "$data/$model" \
          --sequences "$data/$sequences.txt" --limit "$count" --threads "$threads" \
          --repeats "$(pick 3 2)"
      done ;;
    gradient_*)
      run_peer "${case_name}_torch" gradient_torch.py --case "${case_name#*_}" --model "$data/$model" \
        --sequences "$data/$sequences.txt" --limit "$count" --repeats "$(pick 5 2)" ;;
  esac
done
# shellcheck disable=SC2046
"$programs/bench_table" --clock "$clock" --set "revision=$revision" --set "quick=$quick" --set "kernel=$(uname -sr)" \
  --out "$root/benchmarks/results/$name.json" $(cat "$out/order")
echo "load $(cut -d' ' -f1-3 /proc/loadavg); clock: $clock; written: benchmarks/results/$name.json"
