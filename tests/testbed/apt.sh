#!/usr/bin/env bash
# Installs the named Debian packages, as root or through sudo; says what to run when neither is possible.
set -euo pipefail

command -v apt-get >/dev/null || {
  echo "This needs the Debian packages: $* (no apt-get here; install them as your system does)." >&2
  exit 1
}

root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "Run this as root, then try again:  apt-get install $*" >&2
    exit 1
  }
  root=(sudo)
fi

echo "Installing Debian packages: $*" >&2
apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
"${apt[@]}" update
# slapd would make a database of its own and start; the tests bring theirs.
if [[ " $* " == *" slapd "* ]]; then
  echo "slapd slapd/no_configuration boolean true" | "${root[@]}" debconf-set-selections
fi
# unsafe-io: no fsync per file; a machine that loses power meanwhile is set up again anyway
"${apt[@]}" install -y --no-install-recommends -o Dpkg::Use-Pty=0 \
  -o Dpkg::Options::=--force-unsafe-io "$@" >&2
