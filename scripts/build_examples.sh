#!/usr/bin/env bash
# Builds every example and every Go guest of the tests with the `tinygo` on the PATH.
#   scripts/build_examples.sh           writes each <folder>/<source>.wasm
#   scripts/build_examples.sh --check   writes nothing; lists the modules that differ and fails
# Builds with one version of TinyGo are reproducible, so a committed module that differs is stale.
# A file `flags` in a folder contains additional options for tinygo. Components are Go modules whose
# world has the name of its WIT file; they need wasm-tools.
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
  keep "$built" "$module"
}

# component <folder> <module>: the same for a component.
component() {
  local world work="$out/$1" bindings
  world=$(basename "$1"/*.wit .wit)
  mkdir -p "$work"
  cp "$1"/*.go "$1"/go.* "$1/$world.wit" "$work"
  bindings=$(cd "$work" && go tool wit-bindgen-go generate -w "$world" -o internal "$world.wit" 2>&1) ||
    { echo "$bindings" >&2; return 1; }
  (cd "$work" && tinygo build -target=wasip2 -no-debug -wit-package="$world.wit" -wit-world="$world" -o built.wasm .)
  keep "$work/built.wasm" "$1/$2"
}

# keep <built> <module>
keep() {
  if ! $check; then
    cp "$1" "$2"
  elif ! cmp -s "$1" "$2"; then
    echo "$2"
  fi
}
export -f build keep
export out check

components=(examples/component-tinygo component_tinygo.wasm tests/testdata/components/tinygo guest.wasm)
sources=$(find examples tests/testdata/go -mindepth 2 -maxdepth 2 -name '*.go' ! -path '*/component-*' | sort)
stale=$(xargs -P "$(nproc)" -I{} bash -euo pipefail -c 'build {}' <<<"$sources")
for ((at = 0; at < ${#components[@]}; at += 2)); do
  stale+=$(component "${components[@]:at:2}" | sed 's/^/\n/')
done
count=$(($(wc -l <<<"$sources") + ${#components[@]} / 2))
if [ -n "$stale" ]; then
  echo "stale, rebuild with scripts/build_examples.sh:" >&2
  sed '/^$/d' <<<"$stale" | sort >&2
  exit 1
fi
if $check; then echo "$count modules are up to date"; else echo "$count modules built"; fi
