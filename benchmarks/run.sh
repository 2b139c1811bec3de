#!/bin/sh
# All benchmarks: builds them, makes the model folders, runs the cases, prints one table, writes the JSON.
#
#   benchmarks/run.sh [--quick | --budget full|small|quick] [--cases PATTERN] [--threads 1,2] [--name NAME]
#                     [--build FOLDER] [--clock cpu|wall] [--jobs N] [--no-peers] [--python PYTHON]
#                     [--compare REVISION] [--rounds 3] [--passes N] [--list]
#
# --budget small takes a tenth of the sequences of a full run; --quick is --budget quick, a few. PATTERN is a shell
# pattern of case names (--list shows them): 'embed_*', 'linear_f32'. PYTHON has the packages of
# benchmarks/peers/requirements.txt. --passes N: our passes over the sequences of an embed case. --compare runs the cases of
# this tree and of REVISION in turn, without peers. What failed or is missing is told below the table; exit status 1 when a
# case of ours failed. docs/benchmarks.md says more.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
budget=full pattern='*' threads=1,2 name='' build="$root/build/bench" clock=cpu python=python3 peers=1 compare='' rounds=3
list=0 jobs=$(nproc) wanted_passes=''
while [ $# -gt 0 ]; do
  case $1 in
    --quick) budget=quick ;;
    --no-peers) peers=0 ;;
    --list) list=1 ;;
    --cases | --threads | --name | --build | --clock | --python | --compare | --rounds | --passes | --budget | --jobs)
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
        --passes) wanted_passes=$2 ;;
        --budget) budget=$2 ;;
        --jobs) jobs=$2 ;;
      esac
      shift ;;
    *) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
  shift
done
case $budget in
  full) default=run ;;
  small | quick) default=run_$budget ;;
  *) echo "--budget is full, small or quick" >&2; exit 2 ;;
esac
[ -n "$name" ] || name=$default
if [ $list = 0 ]; then
  mkdir -p "$build"
  build=$(cd "$build" && pwd)
fi
data="$build/bench_data"
out="$build/bench_out"

# Numbers of sequences and repetitions: full, small, quick.
pick() {
  case $budget in
    full) echo "$1" ;;
    small) echo "$2" ;;
    *) echo "$3" ;;
  esac
}

# One case per line: name, its model folder and sequence file (- for none), the number of sequences, the program with
# its arguments. MODEL, SEQUENCES and PACKS stand for the paths.
cases() {
  repeats=$(pick 15 9 5)
  passes=${wanted_passes:-$(pick 3 5 2)}
  shapes_100m=1536x512,512x512,4096x512,512x2048
  shapes_500m=3072x1024,1024x1024,8192x1024,1024x4096
  shapes_bert=2304x768,768x768,6144x768,768x3072
  all=$shapes_100m,$shapes_500m,$shapes_bert
  m=$(pick 41,328,1280 41,328,1280 41,328)
  nk=$(pick $all $all 1536x512,512x2048,1024x4096,2304x768)
  embed="bench_embed --model MODEL --sequences SEQUENCES --threads $threads --repeats $passes"
  cat <<LIST
peak - - 0 bench_peak --threads $threads --repeats $(pick 31 31 7)
linear_f32 - - 0 bench_linear --m $m --nk $nk --formats f32 --threads $threads --repeats $repeats
linear_bf16 - - 0 bench_linear --m $m --nk $nk --formats bf16 --threads $threads --repeats $repeats
linear_int8 - - 0 bench_linear --m 328 --nk $(pick "$nk" "$nk" 1536x512) --formats int8 --repeats $repeats
linear_cold - - 0 bench_linear --m 41 --nk $(pick "$nk" "$nk" 1024x4096) --weights cold --isas best --threads $threads --repeats $repeats
linear_gated - - 0 bench_linear --gated --epilogue silu --m $m --nk 4096x512,8192x1024,6144x768 --isas best --repeats $repeats
kernels - - 0 bench_kernels --vjp --repeats $repeats
embed_nt100m_230bp nt_v2_100m 230bp $(pick 1000 100 32) $embed
embed_nt100m_1kb nt_v2_100m 1kb $(pick 300 30 8) $embed
embed_dnabert2_1kb dnabert2 1kb $(pick 1000 24 6) $embed
embed_nt500m_1kb nt_v2_500m 1kb $(pick 200 8 3) $embed
embed_nt500m_6kb nt_v2_500m 6kb $(pick 20 2 1) $embed
embed_nt100m_ragged nt_v2_100m ragged $(pick 300 16 8) $embed
embed_hyena_d128_1kb hyena_d128 1kb $(pick 300 64 16) $embed
embed_hyena_d256_1kb hyena_d256 1kb $(pick 300 64 16) $embed
embed_hyena_medium_1kb hyena_medium 1kb $(pick 100 16 4) $embed
embed_hyena_d128_32kb hyena_d128 32kb $(pick 20 4 2) $embed
embed_hyena_d256_32kb hyena_d256 32kb $(pick 20 4 2) $embed
embed_hyena_medium_32kb hyena_medium 32kb $(pick 10 2 1) $embed
embed_gpn_512bp gpn 512bp $(pick 64 16 4) $embed
long_convolution - - 0 bench_long_convolution --threads $threads --repeats $(pick 15 9 3)
shuffle - - 0 bench_shuffle --repeats $(pick 15 9 3)
embed_caduceus_1kb caduceus_ps_d256 1kb $(pick 100 12 3) $embed --formats f32
embed_sei_4kb sei 4096bp $(pick 16 6 2) $embed --formats f32
embed_spliceai_10kb spliceai 15kb $(pick 32 12 4) $embed --formats f32
gradient_nt100m_1kb nt_v2_100m 1kb 3 bench_gradient --model MODEL --sequences SEQUENCES --repeats $(pick 9 5 3)
gradient_gpn_512bp gpn 512bp 2 bench_gradient --model MODEL --sequences SEQUENCES --repeats $(pick 9 5 3)
gradient_hyena_d256_1kb hyena_d256 1kb 3 bench_gradient --model MODEL --sequences SEQUENCES --repeats $(pick 9 5 3)
gradient_caduceus_1kb caduceus_ps_d256 1kb 1 bench_gradient --model MODEL --sequences SEQUENCES --repeats $(pick 9 5 3)
gradient_sei_4kb sei 4096bp 1 bench_gradient --model MODEL --sequences SEQUENCES --repeats $(pick 9 5 3)
gradient_spliceai_10kb spliceai 15kb 1 bench_gradient --model MODEL --sequences SEQUENCES --repeats $(pick 9 5 3)
masked_map_nt100m_230bp nt_v2_100m 230bp 2 bench_masked_map --model MODEL --sequences SEQUENCES --repeats $(pick 9 5 3)
substitutions_cnn_1kb - - 0 bench_substitutions --write $data/cnn_1kb.safetensors --repeats $(pick 9 5 3) --naive $(pick 96 48 16) --edits $(pick 0 0 300)
substitutions_hyena_d128_1kb hyena_d128 - 0 bench_substitutions --model MODEL --repeats $(pick 5 3 2) --naive $(pick 96 48 16) --edits $(pick 0 300 60)
substitutions_gpn_centre_512bp gpn - 0 bench_substitutions --model MODEL --length 512 --read centre --repeats $(pick 3 3 2) --naive $(pick 8 4 2) --edits $(pick 24 12 6)
substitutions_gpn_mean_512bp gpn - 0 bench_substitutions --model MODEL --length 512 --repeats $(pick 3 3 2) --naive $(pick 8 4 2) --edits $(pick 24 12 6)
substitutions_gpn_centre_1kb gpn - 0 bench_substitutions --model MODEL --length 1000 --read centre --repeats $(pick 3 3 2) --naive $(pick 4 2 1) --edits $(pick 24 12 6)
saliency_nt100m_1kb nt_v2_100m 1kb 4 bench_saliency --model MODEL --sequences SEQUENCES --threads $threads --formats f32,bf16 --repeats $(pick 7 5 1)
load_nt100m nt_v2_100m - 0 bench_load --model MODEL --packs PACKS --repeats $(pick 9 5 3)
ridge_nt100m_230bp nt_v2_100m 230bp 0 bench_ridge --model MODEL --sequences SEQUENCES --repeats $(pick 9 5 3)
planted_motifs - - 0 bench_planted_motifs --folder $root/benchmarks/truth --sequences $(pick 100 20 4) --held-out $(pick 3000 600 60)
planted_in_shuffles - - 0 bench_planted_motifs --folder $root/benchmarks/truth --sequences $(pick 100 20 4) --held-out $(pick 3000 600 60) --backgrounds $root/examples/data/wtc11.tsv.gz
compile_time - - 0 compile_time/measure.sh --json --repeats $(pick 5 3 1)
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
  cmake --build "$2" --target dnalm_bench --parallel "$jobs" >"$2.build.log" 2>&1 || { tail -40 "$2.build.log" >&2; exit 1; }
}
mkdir -p "$data" "$out"
echo "building in $build" >&2
configure "$root" "$build"
programs="$build/benchmarks"

make_model() { "$programs/bench_folder" model "$1" "$data/$1" --tokenizer "$root/tests/golden/third_party/dnabert2"; }
make_sequences() {
  [ -f "$data/$1.txt" ] && return
  case $1 in
    230bp) set -- "$1" 1000 230 230 ;;
    512bp) set -- "$1" 1000 512 512 ;;
    4096bp) set -- "$1" 100 4096 4096 ;;
    15kb) set -- "$1" 100 15000 15000 ;; # 5,000 between flanks of 5,000
    32kb) set -- "$1" 100 32000 32000 ;;
    1kb) set -- "$1" 1000 1000 1000 ;;
    6kb) set -- "$1" 100 6000 6000 ;;
    ragged) set -- "$1" 300 200 6000 ;;
  esac
  "$programs/bench_folder" sequences "$data/$1.txt" --count "$2" --shortest "$3" --longest "$4"
}

# One case into a file. Programs lie in the build folder, scripts in the tree.
run_case() { # tree, build folder, output file, case, model, sequences, count, program, arguments...
  tree=$1 folder=$2 file=$3 case_name=$4 model=$5 sequences=$6 count=$7 program=$8
  shift 8
  words=$(echo "$*" | sed "s#MODEL#$data/$model#; s#SEQUENCES#$data/$sequences.txt#; s#PACKS#$data/packs#")
  if [ "$count" -gt 0 ]; then words="$words --limit $count"; fi
  if [ "$model" != - ]; then words="$words --case ${case_name#*_}"; fi
  case $program in
    *.sh) program="$tree/benchmarks/$program" ;;
    *) program="$folder/benchmarks/$program" ;;
  esac
  # shellcheck disable=SC2086
  "$program" $words >"$file" 2>"${file%.json}.log" </dev/null || { failed "$file" "$?" "${program##*/}" "$case_name"; return 1; }
}
# A document that says so in place of the results.
failed() { # output file, exit status, program, case
  log="${1%.json}.log"
  echo "  $4 failed: $3 ended with $2; $log:" >&2
  tail -n 3 "$log" >&2
  printf '{"program": "%s", "case": "%s", "missing": "failed with status %d, see %s"}\n' "$3" "$4" "$2" "${log##*/}" >"$1"
}
# The data of a case.
prepare() { # output file, case, model, sequences
  {
    { [ "$3" = - ] || make_model "$3"; } && { [ "$4" = - ] || make_sequences "$4"; }
  } 2>"${1%.json}.log" || { failed "$1" "$?" bench_folder "$2"; return 1; }
}
started=$(date +%s)
minutes() { awk -v a="$1" -v b="$(date +%s)" 'BEGIN {printf "%.1f", (b - a) / 60}'; }
revision=$(git -C "$root" describe --always --dirty 2>/dev/null || echo unknown)

# The table, and exit status 1 where a case of ours failed.
finish() { # arguments of bench_table...
  "$programs/bench_table" --clock "$clock" --set "revision=$revision" --set "budget=$budget" --set "kernel=$(uname -sr)" \
    --out "$root/benchmarks/results/$name.json" "$@"
  echo "load $(cut -d' ' -f1-3 /proc/loadavg); clock: $clock; $(minutes "$started") minutes; written: benchmarks/results/$name.json"
  [ ! -s "$out/failures" ] || { echo "failed: $(tr '\n' ' ' <"$out/failures")"; exit 1; }
}
rm -f "$out"/*.json "$out"/*.log "$out"/order "$out"/failures

if [ -n "$compare" ]; then
  old="$build/compare_tree"
  git -C "$root" worktree remove --force "$old" 2>/dev/null || true
  git -C "$root" worktree add --detach --force "$old" "$compare" >/dev/null
  trap 'git -C "$root" worktree remove --force "$old"' EXIT
  [ -f "$old/benchmarks/run.sh" ] || { echo "$compare has no benchmark programs" >&2; exit 1; }
  echo "building $compare in $build/compare" >&2
  mkdir -p "$build/compare"
  configure "$old" "$build/compare"
  selected | while read -r case_name model sequences count command; do
    prepare "$out/new_${case_name}_0.json" "$case_name" "$model" "$sequences" || { echo "$case_name" >>"$out/failures"; continue; }
    round=0
    begin=$(date +%s)
    while [ $round -lt "$rounds" ]; do
      echo "$case_name, round $((round + 1)) of $rounds" >&2
      # shellcheck disable=SC2086
      run_case "$old" "$build/compare" "$out/base_${case_name}_$round.json" "$case_name" "$model" "$sequences" "$count" $command ||
        echo "$compare:$case_name" >>"$out/failures"
      # shellcheck disable=SC2086
      run_case "$root" "$build" "$out/new_${case_name}_$round.json" "$case_name" "$model" "$sequences" "$count" $command ||
        echo "$case_name" >>"$out/failures"
      round=$((round + 1))
    done
    echo "  $(minutes "$begin") minutes" >&2
  done
  finish --compare --set "base=$compare" --base "$out"/base_*.json --new "$out"/new_*.json
  exit 0
fi

run_peer() { # name, case, script, arguments...
  peer=$1 peer_case=$2 script=$3
  shift 3
  echo "  peer $peer" >&2
  "$python" "$root/benchmarks/peers/$script" "$@" >"$out/peer_$peer.json" 2>"$out/peer_$peer.log" </dev/null ||
    failed "$out/peer_$peer.json" "$?" "$script" "$peer_case"
  echo "$out/peer_$peer.json" >>"$out/order"
}
peers_of() { # case, model, sequences, count
  case $1 in
    linear_f32 | linear_bf16)
      for engine in torch onednn; do
        run_peer "${1}_$engine" "$1" "linear_$engine.py" "$out/ours_$1.json"
      done ;;
    embed_hyena_* | embed_gpn_*) # HyenaDNA in float only
      formats=f32 batch=4,16
      case $1 in embed_gpn_*) formats=f32,bf16 ;; *_32kb) batch=1,2 ;; esac
      run_peer "${1}_torch" "$1" embed_convolutions.py --case "${1#*_}" --model "$data/$2" --sequences "$data/$3.txt" \
        --limit "$4" --threads "$threads" --repeats "$(pick 3 3 2)" --formats "$formats" --batch "$batch" ;;
    long_convolution) run_peer "$1" "$1" long_convolution.py "$out/ours_$1.json" ;;
    shuffle) run_peer "$1" "$1" shuffle_dinuc.py "$out/ours_$1.json" ;;
    embed_caduceus_*)
      run_peer "${1}_torch" "$1" embed_caduceus.py --case "${1#*_}" --model "$data/$2" --sequences "$data/$3.txt" --limit "$4" \
        --formats f32 --threads "$threads" --repeats "$(pick 3 3 2)" ;;
    embed_sei_* | embed_spliceai_*)
      run_peer "${1}_torch" "$1" embed_supervised.py --case "${1#*_}" --model "$data/$2" --sequences "$data/$3.txt" --limit "$4" \
        --formats f32 --threads "$threads" --repeats "$(pick 3 3 2)" --batch 1,2,4 ;;
    embed_*)
      for engine in torch onnx transformers; do
        compile=''
        case $1-$engine in embed_nt100m_230bp-torch) compile='--compile yes' ;; esac
        passes=$(pick 3 3 2)
        case $1 in *_ragged) passes=$(pick 3 2 1) ;; esac # sorted and unsorted
        # shellcheck disable=SC2086
        run_peer "${1}_$engine" "$1" "embed_$engine.py" --case "${1#*_}" --model "$data/$2" --sequences "$data/$3.txt" \
          --limit "$4" --threads "$threads" --repeats "$passes" $compile
      done ;;
    gradient_nt*)
      run_peer "${1}_torch" "$1" gradient_torch.py --case "${1#*_}" --model "$data/$2" --sequences "$data/$3.txt" --limit "$4" \
        --formats f32 --repeats "$(pick 5 3 2)" ;;
    substitutions_cnn_*) run_peer "$1" "$1" ism_tangermeme.py "$out/ours_$1.json" "$data/${1#*_}.safetensors" "$(pick 3 2 1)" ;;
    saliency_*)
      run_peer "${1}_torch" "$1" saliency_torch.py --case "${1#*_}" --model "$data/$2" --sequences "$data/$3.txt" --limit "$4" \
        --threads "$threads" --batch 1,2,4,8 --compile yes --repeats "$(pick 7 5 1)" ;;
  esac
}
selected | while read -r case_name model sequences count command; do
  echo "$case_name" >&2
  begin=$(date +%s)
  echo "$out/ours_$case_name.json" >>"$out/order"
  file="$out/ours_$case_name.json"
  # shellcheck disable=SC2086
  if prepare "$file" "$case_name" "$model" "$sequences" &&
    run_case "$root" "$build" "$file" "$case_name" "$model" "$sequences" "$count" $command; then
    [ $peers = 0 ] || peers_of "$case_name" "$model" "$sequences" "$count"
  else
    echo "$case_name" >>"$out/failures"
  fi
  echo "  $(minutes "$begin") minutes; $(minutes "$started") since the start" >&2
done
# shellcheck disable=SC2046
finish $(cat "$out/order")
