#!/bin/sh
# ctcf_pu1.sh PROGRAMS SCRATCH: the table of docs/attribution/ctcf_pu1.md in small, made from an empty folder. Ends with 77 where
# DNALM_DATA_DIR does not name the peaks, or python3 is missing.
set -eu
programs=$1 scratch=$2
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 77; }
rm -rf "$scratch"
"$(dirname "$0")/../../benchmarks/truth/ctcf_pu1.sh" --bin "$programs" --work "$scratch" --top 5 --few 2 --train 400 \
  --models nt2 --methods 'saliency ism entropy'
# A header, and two classes by three methods by two motifs and two read backwards.
rows=$(wc -l <"$scratch/recovery.tsv")
[ "$rows" -ge 13 ] || { echo "$rows rows in recovery.tsv"; exit 1; }
for run in nt2.ctcf.saliency nt2.pu1.ism nt2.ctcf.entropy; do
  [ -s "$scratch/maps/$run.npz" ] || { echo "no map $run"; exit 1; }
done
