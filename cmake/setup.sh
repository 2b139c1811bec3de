#!/bin/sh
# Installs what building dnalm needs on Debian 12 or later: cmake/setup.sh [tests|sanitizers]
# Says what it installs, does nothing (and needs no network) when everything is there already.
set -eu

packages="g++ cmake ninja-build libeigen3-dev libxtensor-dev nlohmann-json3-dev zlib1g-dev libcli11-dev"
case ${1:-} in
  tests) packages="$packages catch2 libhdf5-dev libbigwig-dev" ;;
  sanitizers) packages="$packages catch2 libhdf5-dev libbigwig-dev clang libclang-rt-dev" ;;
esac

missing=""
for package in $packages; do
  if ! dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed'; then
    missing="$missing $package"
  fi
done
if [ -z "$missing" ]; then
  echo "setup: all packages are installed already: $packages"
  exit 0
fi

echo "setup: installing with apt-get:$missing"
as_root=""
if [ "$(id -u)" != 0 ]; then
  as_root="sudo"
fi
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -q
# shellcheck disable=SC2086
$as_root apt-get install -q -y --no-install-recommends $missing
