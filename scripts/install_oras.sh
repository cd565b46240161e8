#!/usr/bin/env bash
# Builds oras, an OCI registry client that Debian 12 lacks, from the Go module proxy, and prints the
# folder for the PATH: PATH="$(scripts/install_oras.sh):$PATH". Needs Go. The program is cached.
set -euo pipefail
version=v1.3.6
home="${XDG_CACHE_HOME:-$HOME/.cache}/capsule-oras/$version"

if [ ! -x "$home/oras" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$home"
  (
    cd "$work"
    export GOTOOLCHAIN=auto # oras needs a newer Go than TinyGo supports
    go mod init oras-build
    go get "oras.land/oras/cmd/oras@$version"
    go build -trimpath -o "$home/oras.$$" oras.land/oras/cmd/oras
  ) >&2
  mv "$home/oras.$$" "$home/oras"
fi
echo "$home"
