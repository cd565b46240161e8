#!/usr/bin/env bash
# Runs the official conformance suite of the OCI distribution specification against the registry,
# with all API and data switches on except SPARSE: an image of that test lacks a layer, which the
# registry refuses with MANIFEST_BLOB_UNKNOWN. It accepts a sparse index
# (tests/registry/oci/routes_test.ts). Prints the summary; fails if a test failed, was skipped or is
# disabled. Needs Go and Deno. The suite is fetched from the Go module proxy and cached.
set -euo pipefail
cd "$(dirname "$0")/.."
version=v0.0.0-20260831232431-97274622c111
suite=${XDG_CACHE_HOME:-$HOME/.cache}/capsule-oci-conformance/$version
work=$(mktemp -d)
registry=
trap '[ -z "$registry" ] || { kill "$registry" && wait "$registry" || true; }; rm -rf "$work"' EXIT

if [ ! -x "$suite" ]; then
  mkdir -p "$(dirname "$suite")"
  (
    cd "$work" &&
      go mod init conformance &&
      go get "github.com/opencontainers/distribution-spec/conformance@$version" &&
      go build -o "$suite.$$" github.com/opencontainers/distribution-spec/conformance
  ) >"$work/build" 2>&1 || { cat "$work/build"; exit 1; }
  mv "$suite.$$" "$suite"
fi

deno run -A main.ts -mode=registry "-files=$work/files" -httpPort=0 -log=json >"$work/ready" 2>"$work/log" &
registry=$!
for _ in $(seq 300); do
  [ -s "$work/ready" ] && break
  kill -0 "$registry" || { cat "$work/log"; exit 1; }
  sleep 0.1
done
address=$(sed -n 's|.*"url":"http://\([^"]*\)".*|\1|p' "$work/ready")

export OCI_REGISTRY=$address OCI_TLS=disabled OCI_REPO1=conformance/repo1 OCI_REPO2=conformance/repo2
export OCI_VERSION=dev OCI_RESULTS_DIR=$work/results
for switch in PULL PUSH REFERRER \
  BLOBS_ATOMIC BLOBS_DELETE BLOBS_DIGEST_HEADER BLOBS_MOUNT_ANONYMOUS BLOBS_UPLOAD_CANCEL \
  MANIFESTS_ATOMIC MANIFESTS_DELETE MANIFESTS_DIGEST_HEADER MANIFESTS_TAG_PARAM \
  TAGS_ATOMIC TAGS_DELETE TAGS_LIST; do
  export "OCI_API_$switch=true"
done
for switch in IMAGE INDEX INDEX_LIST ARTIFACT SUBJECT SUBJECT_MISSING ARTIFACT_LIST SUBJECT_LIST DATA_FIELD \
  NONDISTRIBUTABLE CUSTOM_FIELDS NO_LAYERS EMPTY_BLOB SHA512; do
  export "OCI_DATA_$switch=true"
done

code=0
"$suite" >"$work/out" 2>&1 || code=$?
sed -n '/^OCI Conformance Result/,/^Test results/p' "$work/out"
for word in Disabled Skip FAIL Error; do
  grep -Eq "^ +$word\.+: +0$" "$work/out" || { grep -E 'level=WARN|: (FAIL|Skip)$' "$work/out" | head -50; code=1; }
done
exit $code
