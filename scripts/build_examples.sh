#!/usr/bin/env bash
# Builds every example and every Go guest of the tests with the `tinygo` on the PATH.
#   scripts/build_examples.sh           writes each <folder>/<source>.wasm
#   scripts/build_examples.sh --check   writes nothing; lists the modules that differ and fails
# Builds with one version of TinyGo are reproducible, so a committed module that differs is stale.
# A file `flags` in a folder contains additional options for tinygo.
set -euo pipefail
cd "$(dirname "$0")/.."
check=false
case "${1:-}" in
  "") ;;
  --check) check=true ;;
  *) echo "build_examples.sh accepts only --check: got '$1'" >&2; exit 2 ;;
esac
if ! command -v tinygo >/dev/null; then
  echo "tinygo is not on the PATH; scripts/install_tinygo.sh installs it and prints its folder" >&2
  exit 1
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# Prints a line if a module is stale. Exits with 0 unless tinygo fails.
build() {
  local source=$1 folder module flags=()
  folder=$(dirname "$source")
  module="${source%.go}.wasm"
  if [ -f "$folder/flags" ]; then read -ra flags <"$folder/flags"; fi
  local built="$out/${module//\//_}"
  (cd "$folder" && tinygo build -o "$built" -scheduler=none --no-debug -target wasi "${flags[@]}" "./$(basename "$source")")
  if ! $check; then
    cp "$built" "$module"
  elif ! cmp -s "$built" "$module"; then
    echo "$module"
  fi
}
export -f build
export out check

sources=$(find examples tests/testdata/go -mindepth 2 -maxdepth 2 -name '*.go' | sort)
stale=$(xargs -P "$(nproc)" -I{} bash -euo pipefail -c 'build {}' <<<"$sources")
count=$(wc -l <<<"$sources")
if [ -n "$stale" ]; then
  echo "stale, rebuild with scripts/build_examples.sh:" >&2
  sort <<<"$stale" >&2
  exit 1
fi
if $check; then echo "$count modules are up to date"; else echo "$count modules built"; fi
