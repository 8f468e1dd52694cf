#!/usr/bin/env bash
# Run pytest where nothing but this machine can be reached, and say what held the network off.
# pytest-socket does not see libpq, so a network namespace with only the loopback is preferred.
# Never `unshare -rn`: it makes the caller a root without other users, and the embedded Postgres needs one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=.venv/bin/python
# A run starts a hundred Python processes: none of them compiles again what the one before it has compiled.
export PYTHONDONTWRITEBYTECODE=

as_root=(unshare --net)
as_user=(unshare --user --map-current-user --keep-caps --net)

if [ "$(id -u)" -eq 0 ] && "${as_root[@]}" "$python" infra/loopback.py 2>/dev/null; then
  isolate=("${as_root[@]}")
elif [ "$(id -u)" -ne 0 ] && "${as_user[@]}" "$python" infra/loopback.py 2>/dev/null; then
  isolate=("${as_user[@]}")
else
  isolate=()
fi

workers=(--numprocesses=2 --dist=worksteal)
case " $* " in *" -n"* | *" -p no:xdist "* | *" --numprocesses"*) workers=() ;; esac

if [ ${#isolate[@]} -gt 0 ]; then
  echo "network: none but loopback (a network namespace holds it), and pytest-socket"
  exec "${isolate[@]}" bash -c '"$0" infra/loopback.py && exec "$0" -m pytest "$@"' "$python" "${workers[@]}" "$@"
fi
echo "network: only pytest-socket holds it; no network namespace is permitted here"
exec "$python" -m pytest "${workers[@]}" "$@"
