#!/bin/sh
# smoke.sh PROGRAMS TOKENIZER SCRATCH: every benchmark program with tiny sizes. Fails when one fails, when its output is
# no JSON document, or when a row that must be there is missing from the joined one.
set -eu
programs=$1 tokenizer=$2 scratch=$3
rm -rf "$scratch"
mkdir -p "$scratch"
run() { # output name, program, arguments...
  output=$1 program=$2
  shift 2
  "$programs/$program" "$@" >"$scratch/$output.json"
}
"$programs/bench_folder" model nt_v2_tiny "$scratch/nt"
"$programs/bench_folder" model dnabert2_tiny "$scratch/bert" --tokenizer "$tokenizer"
"$programs/bench_folder" model hyena_test "$scratch/hyena"
"$programs/bench_folder" model gpn_test "$scratch/gpn"
"$programs/bench_folder" model caduceus_ps_tiny "$scratch/caduceus"
"$programs/bench_folder" model sei_tiny "$scratch/sei"
"$programs/bench_folder" model spliceai_tiny "$scratch/spliceai"
"$programs/bench_folder" sequences "$scratch/window.txt" --count 2 --shortest 10020
"$programs/bench_folder" sequences "$scratch/short.txt" --count 6 --shortest 30
"$programs/bench_folder" sequences "$scratch/ragged.txt" --count 6 --shortest 20 --longest 200
[ "$(wc -l <"$scratch/ragged.txt")" -eq 6 ] || { echo "not 6 sequences"; exit 1; }

run peak bench_peak --threads 1,2 --repeats 2 --megabytes 1
run linear bench_linear --m 1,5 --nk 32x17,40x24 --formats f32,bf16,int8 --isas best,portable,avx2,avx512 --threads 1,2 --repeats 1
run cold bench_linear --m 5 --nk 512x512 --weights cold --isas best --formats bf16 --repeats 1
run gated bench_linear --m 5 --nk 64x32 --gated --epilogue silu --repeats 1
run kernels bench_kernels --vjp --lengths 5,41 --head-widths 32 --heads 2 --rows 7 --widths 64 --isas best,portable --repeats 1
run embed bench_embed --case nt --model "$scratch/nt" --sequences "$scratch/short.txt" --formats f32,bf16,int8 --threads 1,2 --repeats 2
run ragged bench_embed --case bert --model "$scratch/bert" --sequences "$scratch/ragged.txt" --limit 4 --threads 2 --repeats 1
run hyena bench_embed --case hyena --model "$scratch/hyena" --sequences "$scratch/ragged.txt" --formats f32 --threads 1,2 --repeats 1
run gpn bench_embed --case gpn --model "$scratch/gpn" --sequences "$scratch/ragged.txt" --formats f32,bf16 --threads 1 --repeats 1
run long bench_long_convolution --sizes 40x17,300x33 --threads 1,2 --repeats 1
run strands bench_embed --case caduceus --model "$scratch/caduceus" --sequences "$scratch/short.txt" --formats f32 --threads 1 --repeats 1
run sei bench_embed --case sei --model "$scratch/sei" --sequences "$scratch/short.txt" --limit 1 --formats f32 --threads 2 --repeats 1
run splice bench_embed --case splice --model "$scratch/spliceai" --sequences "$scratch/window.txt" --formats f32 --threads 1 --repeats 1
run gradient bench_gradient --case nt --model "$scratch/nt" --sequences "$scratch/short.txt" --limit 2 --repeats 1
run saliency bench_saliency --case nt --model "$scratch/nt" --sequences "$scratch/short.txt" --limit 2 --nodes 4 --repeats 1
run masked bench_masked_map --case nt --model "$scratch/nt" --sequences "$scratch/short.txt" --limit 2 --repeats 1
run truth bench_planted_motifs --folder "$(dirname "$0")/../../benchmarks/truth" --sequences 2 --held-out 12 --samples 2 --replicates 2 --resamples 2 2>"$scratch/truth.txt"
run substitutions bench_substitutions --case cnn --length 200 --naive 2 --edits 30 --repeats 1 --write "$scratch/cnn.safetensors"
run edited bench_substitutions --case gpn --model "$scratch/gpn" --read centre --length 200 --naive 2 --edits 30 --repeats 1
[ -s "$scratch/cnn.safetensors" ] || { echo "no file with the network"; exit 1; }
run load bench_load --case nt --model "$scratch/nt" --repeats 1
run ridge bench_ridge --case nt --model "$scratch/nt" --sequences "$scratch/short.txt" --limit 70 --forward-limit 2 --repeats 1

"$programs/bench_embed" --case nt --model "$scratch/nt" --sequences "$scratch/short.txt" --profile >"$scratch/profile.txt"
grep -q attention "$scratch/profile.txt" || { echo "the profile names no attention"; exit 1; }

"$programs/bench_embed" --case hyena --model "$scratch/hyena" --sequences "$scratch/short.txt" --formats f32 --profile >"$scratch/profile.txt"
grep -q long_convolution "$scratch/profile.txt" || { echo "the profile names no long convolution"; exit 1; }

"$programs/bench_embed" --case sei --model "$scratch/sei" --sequences "$scratch/short.txt" --formats f32 --limit 1 --profile >"$scratch/profile.txt"
grep -q max_pool_rows "$scratch/profile.txt" || { echo "the profile names no pooling"; exit 1; }

"$programs/bench_table" --out "$scratch/joined.json" --set revision=smoke "$scratch"/peak.json "$scratch"/linear.json \
  "$scratch"/cold.json "$scratch"/gated.json "$scratch"/kernels.json "$scratch"/embed.json "$scratch"/ragged.json "$scratch"/strands.json \
  "$scratch"/hyena.json "$scratch"/gpn.json "$scratch"/sei.json "$scratch"/splice.json "$scratch"/long.json "$scratch"/gradient.json "$scratch"/saliency.json "$scratch"/load.json \
  "$scratch"/ridge.json "$scratch"/masked.json "$scratch"/substitutions.json "$scratch"/edited.json "$scratch"/truth.json >"$scratch/table.txt"
for row in peak/memory_read/t2 linear/f32/5x40x24/warm/t2 linear/int8-portable/1x32x17/warm/t1 linear/bf16/5x512x512/cold/t1 \
  linear_gated/f32/5x64x32/silu/warm/t1 attention/L41xH2xK32/t1 attention_vjp/L5xH2xK32/t1 layer_norm/7x64/t1 rotary/7x64/t1 \
  embed/nt/bf16/t2 embed/bert/f32/t2 embed/hyena/f32/t2 embed/gpn/bf16/t1 embed/caduceus/f32/t1 embed/sei/f32/t2 embed/splice/f32/t1 \
  long_convolution/f32/300x33/t2 gradient/nt/f32/t1 saliency/nt/f32/t2 integrated_gradients/nt/f32/t2 load/nt/bf16 ridge/nt/f32/t1 \
  planted/formula_sum/deep_lift_zero planted/trained/ism_mean4 passes/nt/f32/t1 masked_map/nt/f32/t1 substitutions_naive/cnn/f32/t1 substitutions/cnn/f32/t1 substitutions/gpn/f32/t1; do
  grep -q "^$row " "$scratch/table.txt" || { echo "no row $row in the table"; exit 1; }
  grep -q "\"case\": \"$row\"" "$scratch/joined.json" || { echo "no row $row in the joined document"; exit 1; }
done
# Every row of t2 says that it ran on two threads, those of t1 on one.
awk -F'"' '$2 == "case" { name = wanted = $4; if (!sub(/^.*\/t/, "", wanted)) wanted = "" }
  $2 == "threads" && wanted ~ /^[0-9]+$/ { gsub(/[^0-9]/, "", $3); if ($3 != wanted) { print name ": threads " $3; bad = 1 } }
  END { exit bad }' "$scratch/joined.json" >"$scratch/threads.txt" || { echo "other threads than the name says:"; cat "$scratch/threads.txt"; exit 1; }
"$programs/bench_table" --compare --base "$scratch/embed.json" --new "$scratch/embed.json" >"$scratch/compare.txt"
grep -q "^embed/nt/f32/t1 .* 1\.000$" "$scratch/compare.txt" || { echo "a document is not equal to itself"; exit 1; }
grep -q "^planted/formula_sum/deep_lift_zero .* AUROC 1.000" "$scratch/table.txt" || { echo "the table has no AUROC of the planted motifs"; exit 1; }
grep -q "^| .deep_lift_zero. | 1.000 " "$scratch/truth.txt" || { echo "planted motifs have no table of their own"; exit 1; }
for bar in "gradient/nt/f32/t1 takes [0-9.]* x forward/nt/f32/t1, at most 2.60" "masked_map/nt/f32/t1 takes [0-9.]* x passes/nt/f32/t1, at most 1.05"; do
  grep -Eq "^bar: $bar: (met|not met)$" "$scratch/table.txt" || { echo "no bar $bar in the table"; exit 1; }
done
for field in over_forward over_forward_bar over_forward_met; do
  [ "$(grep -c "\"$field\": [0-9tf]" "$scratch/joined.json")" -ge 2 ] || { echo "no $field in the joined document"; exit 1; }
done
grep -q "^load/nt/f32 .* s wall, loading .* MB" "$scratch/table.txt" || { echo "the table has no note of the load"; exit 1; }

# A peer with our numbers, one with others, one that is not there.
other() { # peer, first number of its sample
  printf '{"program": "%s", "rows": [{"case": "c/f32/t1", "who": "%s", "median_cpu": 2, "median_wall": 2, "cpu_seconds": [2],' "$1" "$1"
  printf ' "wall_seconds": [2], "sample": [%s, 4]}]}\n' "$2"
}
other dnalm 1 >"$scratch/ours.json"
other same 1.0001 >"$scratch/same.json"
other different 1.01 >"$scratch/different.json"
echo '{"program": "absent", "case": "c", "missing": "no such peer"}' >"$scratch/absent.json"
"$programs/bench_table" "$scratch/ours.json" "$scratch/same.json" "$scratch/different.json" "$scratch/absent.json" >"$scratch/peers.txt"
grep -q "^missing: absent, c: no such peer$" "$scratch/peers.txt" || { echo "a missing peer is not told"; exit 1; }
grep -q "^not the same numbers: c/f32/t1, different: " "$scratch/peers.txt" || { echo "a wrong peer is not told"; exit 1; }
if grep -q "same numbers: c/f32/t1, same" "$scratch/peers.txt"; then echo "a peer that agrees is told"; exit 1; fi

# Bars of ratios, one that is met and one that is not.
ratio() { # name, its seconds; those of its forward pass are 2
  printf '{"program": "%s", "rows": [{"case": "%s", "who": "dnalm", "over_case": "f", "over_forward_bar": 2.6,' "$1" "$1"
  printf ' "median_cpu": %s, "median_wall": 9, "cpu_seconds": [%s], "wall_seconds": [9]},' "$2" "$2"
  printf ' {"case": "f", "who": "dnalm", "median_cpu": 2, "median_wall": 2, "cpu_seconds": [2], "wall_seconds": [2]}]}\n'
}
ratio below 5.2 >"$scratch/below.json"
ratio above 5.3 >"$scratch/above.json"
"$programs/bench_table" --out "$scratch/bars.json" "$scratch/below.json" "$scratch/above.json" >"$scratch/bars.txt"
grep -q "^bar: below takes 2.60 x f, at most 2.60: met$" "$scratch/bars.txt" || { echo "a bar that is met is not told"; exit 1; }
grep -q "^bar: above takes 2.65 x f, at most 2.60: not met$" "$scratch/bars.txt" || { echo "a bar that is missed is not told"; exit 1; }
[ "$(grep -c '"over_forward_met": true' "$scratch/bars.json")" -eq 1 ] || { echo "a bar that is met is not in the document"; exit 1; }

echo '{"rows": [' >"$scratch/broken.json"
if "$programs/bench_table" "$scratch/broken.json" 2>/dev/null; then echo "broken JSON was taken"; exit 1; fi
echo "bench programs: ok"
