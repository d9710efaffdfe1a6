#!/usr/bin/env bash
# Installs the real components that the tests drive, in one apt transaction; does nothing when all are there.
set -euo pipefail
here=$(dirname "$0")
missing=()

compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
[ -x /usr/sbin/nginx ] || missing+=(nginx-light)
[ -x /usr/sbin/slapd ] || missing+=(slapd)
command -v gcc >/dev/null || missing+=(gcc libc6-dev)
compgen -G '/usr/share/fonts/truetype/dejavu/*.ttf' >/dev/null || missing+=(fonts-dejavu-core)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)

# Ubuntu's chromium is a snap, which does not start in a container: there Playwright brings its own.
if grep -qs '^ID=ubuntu' /etc/os-release; then
  .venv/bin/python -m playwright install --with-deps chromium-headless-shell chromium >&2
elif ! command -v chromium >/dev/null; then
  missing+=(chromium)
fi

if [ "${#missing[@]}" -gt 0 ]; then
  bash "$here/apt.sh" "${missing[@]}"
fi

# The OpenID provider: its packages lie in the virtual environment, where no source is.
provider=.venv/testbed/oidc
if ! cmp -s "$here/oidc/package-lock.json" "$provider/package-lock.json" || [ ! -d "$provider/node_modules" ]; then
  mkdir -p "$provider"
  cp "$here/oidc/package.json" "$here/oidc/package-lock.json" "$provider/"
  npm ci --prefix "$provider" --no-audit --no-fund --loglevel=error >&2
fi
