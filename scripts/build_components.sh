#!/usr/bin/env bash
# Builds the components in JavaScript and Python of examples and tests, which are too large to
# commit, and prints their folder. Needs npm, and Python with pip on Linux. The tools are cached,
# and so are the components until a source, a version or this script changes.
set -euo pipefail
jco=1.24.0
componentize_py=0.25.0
cd "$(dirname "$0")/.."
root=$PWD
sources=(examples/component-{javascript,python} tests/testdata/components)
caches="${XDG_CACHE_HOME:-$HOME/.cache}"
digest=$({ cat scripts/build_components.sh; find "${sources[@]}" -maxdepth 1 -regex '.*\.\(js\|py\|wit\)' |
  sort | xargs cat; } | sha256sum)
home="$caches/capsule-components/${digest:0:16}"
tools="$caches/capsule-componentize/$jco-$componentize_py"

if [ ! -d "$home" ]; then
  exec 3>&1 >&2 # standard output has only the result; all other output goes to standard error
  mkdir -p "$(dirname "$home")" "$(dirname "$tools")"
  # Atomic: folders are renamed when complete. Another process may have been faster.
  if [ ! -d "$tools" ]; then
    new=$(mktemp -d "$tools.XXXXXX")
    trap 'rm -rf "$new"' EXIT
    npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$new" "@bytecodealliance/jco@$jco" &
    python3 -m pip install --quiet --root-user-action=ignore --no-deps --target "$new/python" \
      "componentize-py==$componentize_py"
    wait $!
    mv "$new" "$tools" 2>/dev/null || [ -d "$tools" ]
  fi

  work=$(mktemp -d "$home.XXXXXX")
  trap 'rm -rf "${new:-}" "$work"' EXIT
  mkdir "$work/out"
  # javascript <folder> <source> <wit> <world> <name>; python has the same arguments.
  javascript() {
    cd "$root/$1" && NO_COLOR=1 "$tools/node_modules/.bin/jco" componentize "$2.js" \
      --wit "$3" --world-name "$4" -o "$work/out/$5.wasm"
  }
  python() {
    # Python writes its compiled files beside the source.
    mkdir "$work/$5" && cp "$root/$1"/*.py "$work/$5" && cd "$root/$1" &&
      PYTHONPATH="$tools/python" python3 "$tools/python/bin/componentize-py" --quiet -d "$3" -w "$4" \
        componentize -p "$work/$5" "$2" -o "$work/out/$5.wasm"
  }
  jobs=()
  start() { "$@" & jobs+=($!); }
  start javascript examples/component-javascript hello proxy.wit proxy component_javascript
  start javascript tests/testdata/components guest guest.wit guest guest_javascript
  start python examples/component-python app proxy.wit proxy component_python
  start python tests/testdata/components guest guest.wit guest guest_python
  for job in "${jobs[@]}"; do wait "$job"; done
  mv "$work/out" "$home" 2>/dev/null || [ -d "$home" ]
  exec >&3
fi
echo "$home"
