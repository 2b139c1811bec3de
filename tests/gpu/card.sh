# Read by scripts that use a GPU: which one it is, from nvidia-smi. Without that program the fields are "unknown".
card_field() { # name of nvidia-smi's field
  value=$(nvidia-smi --id=0 "--query-gpu=$1" --format=csv,noheader 2>/dev/null | head -n 1) || value=''
  echo "${value:-unknown}"
}
has_card() {
  command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi --id=0 --query-gpu=name --format=csv,noheader >/dev/null 2>&1
}
# 90-real; nothing where it is not known.
card_arch() {
  card_field compute_cap | sed -n 's/^\([0-9]*\)\.\([0-9]*\)$/\1\2-real/p'
}
card_line() {
  if has_card; then
    echo "$(card_field name), driver $(card_field driver_version), clocks $(card_field clocks.sm) (most $(card_field clocks.max.sm)), memory $(card_field clocks.mem)"
  else
    echo none
  fi
}
# Members of a JSON object, without its braces.
card_json() {
  printf '"card": "%s", "driver": "%s", "clock": "%s", "clock_most": "%s", "clock_memory": "%s", "power_limit": "%s"' \
    "$(if has_card; then card_field name; else echo none; fi)" "$(card_field driver_version)" "$(card_field clocks.sm)" \
    "$(card_field clocks.max.sm)" "$(card_field clocks.mem)" "$(card_field power.limit)"
}
