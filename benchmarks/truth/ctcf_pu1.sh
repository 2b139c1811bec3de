#!/bin/sh
# CTCF against PU.1 peaks: do the maps of probes on the bundled models find the motifs of JASPAR?
#
#   DNALM_DATA_DIR=FOLDER benchmarks/truth/ctcf_pu1.sh --bin FOLDER [--work FOLDER] [--top 500] [--few 100]
#                                                      [--train 10000] [--threads N] [--models "nt2 gpn gpn@7"] [--methods "..."]
#
# DNALM_DATA_DIR has the peaks as bernardo-de-almeida__DeepSTARR/DeepSTARR/Neural_Network_DNA_Demo/data/{ctcf,pu1}.fa.gz (of the
# repository bernardo-de-almeida/DeepSTARR); without it the script says that it was skipped and ends with 77. --bin has
# dnalm-evaluate and dnalm-attribute. What it writes in --work: table.tsv, evaluate/ (with a report), for each model and class
# the --top test sequences of largest score (the first --few of them for methods of many passes), maps, pages with drawings and
# recovery tables; all of these in recovery.tsv. What is there is not made again: stopped, it goes on when called again. A model
# stands for its layer with the largest AUROC, gpn@7 for layer 7. docs/attribution/ctcf_pu1.md says what was seen.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
bundled=$here/../../examples/data/models
bin='' work=build/ctcf_pu1 top=500 few=100 train=10000 threads=0 models='nt2 gpn gpn@7'
methods='saliency input_x_gradient embedding_saliency embedding_saliency_x_entropy entropy rollout ism
  integrated_gradients deep_lift_shap expected_gradients'
while [ $# -gt 1 ]; do
  case $1 in
    --bin) bin=$2 ;;
    --work) work=$2 ;;
    --top) top=$2 ;;
    --few) few=$2 ;;
    --train) train=$2 ;;
    --threads) threads=$2 ;;
    --models) models=$2 ;;
    --methods) methods=$2 ;;
    *) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
  shift 2
done
[ $# = 0 ] || { sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 2; }
if [ -z "${DNALM_DATA_DIR:-}" ]; then
  echo "skipped: DNALM_DATA_DIR does not name the folder of the peaks"
  exit 77
fi
[ -x "$bin/dnalm-attribute" ] || { echo "--bin names no folder with dnalm-attribute" >&2; exit 2; }
mkdir -p "$work/recovery" "$work/maps"
helper="python3 $here/ctcf_pu1.py"

if [ ! -e "$work/evaluate/manifest.json" ]; then
  $helper table --data "$DNALM_DATA_DIR" --train "$train" --out "$work/table.tsv"
  "$bin/dnalm-evaluate" --model "$bundled/dnalm-yeast-human-nt2" --model "$bundled/dnalm-yeast-human-gpn" \
    --data "$work/table.tsv" --out "$work/evaluate" --probe logistic --baseline onehot,kmer --bootstrap 200 \
    --threads "$threads" --quiet
fi
$helper motifs --motifs "$here/ctcf_spi1.jaspar" --out "$work/motifs.jaspar"

# Options of a method beside its name.
options_of() {
  case $1 in
    saliency) echo "--method saliency --corrected" ;;
    integrated_gradients) echo "--method $1 --baseline uniform" ;;
    embedding_saliency_x_entropy) echo "--method embedding_saliency --entropy-weighted" ;;
    *) echo "--method $1" ;;
  esac
}

for model in $models; do
  name=dnalm-yeast-human-${model%@*}
  case $model in
    *@*) layer=${model#*@} ;;
    *) layer=$($helper best --results "$work/evaluate" --model "$name") ;;
  esac
  probe=$work/evaluate/probes/$name.$layer.mean.logistic.safetensors
  for class in ctcf pu1; do
    $helper top --results "$work/evaluate" --table "$work/table.tsv" --model "$name" --layer "$layer" --target $class \
      --count "$top" --out "$work/$model.$class.fa"
    head -n $((2 * few)) "$work/$model.$class.fa" > "$work/$model.$class.few.fa"
    for method in $methods; do
      run=$model.$class.$method
      [ "$run" = "${run%.rollout}" ] || [ "$model" = "${model#gpn}" ] || continue  # a network without attention
      [ ! -s "$work/recovery/$run.tsv" ] || continue
      case $model.$method in  # GPN has as many passes as bases for an entropy, the 6-mers of the other a sixth
        gpn*entropy) input=$work/$model.$class.few.fa ;;
        *.integrated_gradients | *.expected_gradients | *.deep_lift_shap | *.ism) input=$work/$model.$class.few.fa ;;
        *) input=$work/$model.$class.fa ;;
      esac
      # shellcheck disable=SC2046
      "$bin/dnalm-attribute" --model "$bundled/$name" --probe "$probe" --target $class --input "$input" \
        $(options_of "$method") --output "$work/maps/$run.npz" --html "$work/maps/$run.html" --drawings 5 \
        --motifs "$work/motifs.jaspar" --motif-hits "$work/maps/$run.bed" --motif-recovery "$work/recovery/$run.tsv" \
        --threads "$threads" --quiet
      echo "$run"
    done
  done
done
$helper gather --folder "$work/recovery" --out "$work/recovery.tsv"
