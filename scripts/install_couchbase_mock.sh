#!/usr/bin/env bash
# Fetches CouchbaseMock, Couchbase's own test server (Apache-2.0), with Maven, and prints the path
# of its jar. Installs Debian's Java and Maven if they are missing, which needs root. The jar is
# cached.
set -euo pipefail
version=1.5.27 # also in tests/testing/couchbase_mock.ts
jar="${XDG_CACHE_HOME:-$HOME/.cache}/capsule-couchbase-mock/CouchbaseMock-$version.jar"

if ! command -v java >/dev/null || { [ ! -f "$jar" ] && ! command -v mvn >/dev/null; }; then
  wait=(-o DPkg::Lock::Timeout=300 -qq)
  apt-get "${wait[@]}" update >&2
  DEBIAN_FRONTEND=noninteractive apt-get "${wait[@]}" install -y --no-install-recommends default-jre-headless maven >&2
fi
if [ ! -f "$jar" ]; then
  # Atomic: the jar is renamed when complete.
  new=$(mktemp -d)
  trap 'rm -rf "$new"' EXIT
  mvn -q -B dependency:copy "-Dartifact=com.couchbase.mock:CouchbaseMock:$version" "-DoutputDirectory=$new" >&2
  mkdir -p "$(dirname "$jar")"
  mv "$new/CouchbaseMock-$version.jar" "$jar.$$"
  mv "$jar.$$" "$jar"
fi
echo "$jar"
