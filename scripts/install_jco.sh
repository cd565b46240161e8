#!/usr/bin/env bash
# Installs jco from npm and prints its folder: export CAPSULE_JCO=$(scripts/install_jco.sh)
# Tests compare the canonical ABI with it. Only the packages that transpiling needs are installed.
# Needs Node with npm. The folder is cached.
set -euo pipefail
version=1.24.0
shim=0.17.9
home="${XDG_CACHE_HOME:-$HOME/.cache}/capsule-jco/$version"
packages="$home/node_modules/@bytecodealliance"

if [ ! -d "$packages/jco" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$packages" "$work/shim" "$work/jco"
  cd "$work"
  npm pack --silent "@bytecodealliance/preview2-shim@$shim" "@bytecodealliance/jco@$version" >&2
  tar -xzf "bytecodealliance-preview2-shim-$shim.tgz" -C shim --strip-components=1
  tar -xzf "bytecodealliance-jco-$version.tgz" -C jco --strip-components=1
  rm -rf "$packages/preview2-shim"
  mv shim "$packages/preview2-shim"
  # Last: its folder marks the installation as complete.
  mv jco "$packages/jco"
fi
echo "$home"
