#!/usr/bin/env bash
# Installs TinyGo 0.40.1 on a machine that reaches a Go module proxy and Debian's packages but not
# TinyGo's own downloads, and prints the folder for the PATH:
#   PATH="$(scripts/install_tinygo.sh):$PATH"
# Needs Go and root (for apt-get). The build is cached; CAPSULE_TINYGO_HOME sets the folder.
#
# The compiler is built from the sources on the module proxy, which lack TinyGo's git submodules:
# * the C library and compiler runtime for WASI are Debian's, without malloc, which TinyGo provides;
# * package net is Go's, which does not compile for wasm: programs that import it do not build.
# LLVM is Debian's 19 instead of 20. Builds are reproducible, but differ from a released TinyGo's.
set -euo pipefail
version=v0.40.1
toolchain=go1.25.0 # the newest version that this TinyGo supports
llvm=/usr/lib/llvm-19
packages=(llvm-19-dev libclang-19-dev clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32 binaryen)
home="${CAPSULE_TINYGO_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/capsule-tinygo/$version}"

clang="$llvm/lib/clang/19"

# write_targets <folder>: TinyGo's own targets with Debian's libraries, without two features that
# LLVM 19 does not support and without the Boehm collector, whose sources the archive lacks. For
# wasip2, -wit-package and -wit-world name what the archive lacks, too.
write_targets() {
  local common
  common=$(cat <<JSON
  "llvm-target": "wasm32-unknown-wasi",
  "cpu": "generic",
  "features": "+bulk-memory,+mutable-globals,+nontrapping-fptoint,+sign-ext,-multivalue,-reference-types",
  "linker": "wasm-ld",
  "gc": "precise",
  "scheduler": "asyncify",
  "default-stack-size": 65536,
  "cflags": [
    "-mbulk-memory", "-mnontrapping-fptoint", "-mno-multivalue", "-mno-reference-types", "-msign-ext",
    "-isystem/usr/include/wasm32-wasi", "-isystem$clang/include"
  ],
  "extra-files": ["src/runtime/asm_tinygowasm.S"],
JSON
  )
  local libraries="\"$home/lib/libc.a\", \"$clang/lib/wasi/libclang_rt.builtins-wasm32.a\""
  cat >"$1/wasip1.json" <<JSON
{
$common
  "build-tags": ["tinygo.wasm"],
  "goos": "wasip1",
  "goarch": "wasm",
  "ldflags": ["--stack-first", "--no-demangle", $libraries],
  "emulator": "wasmtime run --dir={tmpDir}::/tmp {}"
}
JSON
  cat >"$1/wasip2.json" <<JSON
{
$common
  "build-tags": ["tinygo.wasm", "wasip2"],
  "buildmode": "c-shared",
  "goos": "linux",
  "goarch": "arm",
  "ldflags": ["--stack-first", "--no-demangle", "--no-entry", $libraries],
  "emulator": "wasmtime run --dir={tmpDir}::/tmp {}"
}
JSON
}

if [ -x "$home/bin/tinygo" ]; then
  # A cache of an earlier version of this script lacks the target wasip2.
  grep -q "$home" "$home/root/targets/wasip2.json" || write_targets "$home/root/targets"
  echo "$home/bin"
  exit 0
fi
if ! command -v go >/dev/null; then
  echo "install_tinygo.sh builds TinyGo with Go: 'go' is not on the PATH" >&2
  exit 1
fi
exec 3>&1 >&2 # standard output has only the result; all other output goes to standard error

if ! dpkg -s "${packages[@]}" >/dev/null 2>&1; then
  wait=(-o DPkg::Lock::Timeout=300 -qq)
  apt-get "${wait[@]}" update
  DEBIAN_FRONTEND=noninteractive apt-get "${wait[@]}" install -y --no-install-recommends "${packages[@]}" >/dev/null
fi

# The build is atomic: in a temporary folder, which is renamed when complete.
mkdir -p "$(dirname "$home")"
new=$(mktemp -d "$home.XXXXXX")
trap 'rm -rf "$new"' EXIT
mkdir "$new/bin" "$new/lib"

fetched=$(cd / && go mod download -json "github.com/tinygo-org/tinygo@$version")
cp -r "$(sed -n 's/^\t"Dir": "\(.*\)",$/\1/p' <<<"$fetched")" "$new/root"
chmod -R u+w "$new/root"

# The archive lacks TinyGo's net, so the list of replaced packages must not name it.
sed -i -E '/^\t\t"net\/(http\/)?": /d' "$new/root/loader/goroot.go"

cp /usr/lib/wasm32-wasi/libc.a "$new/lib"
"$llvm/bin/llvm-ar" d "$new/lib/libc.a" dlmalloc.o

write_targets "$new/root/targets"

(cd "$new/root" && go build -tags llvm19 -o "$new/bin/tinygo-compiler" .)
goroot=$(GOTOOLCHAIN=$toolchain go env GOROOT)
cat >"$new/bin/tinygo" <<SH
#!/usr/bin/env bash
PATH="$goroot/bin:$llvm/bin:\$PATH" GOTOOLCHAIN=local TINYGOROOT="$home/root" exec "$home/bin/tinygo-compiler" "\$@"
SH
chmod +x "$new/bin/tinygo"
chmod 755 "$new"
rm -rf "$home"
mv "$new" "$home"
echo "$home/bin" >&3
