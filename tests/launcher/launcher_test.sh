#!/usr/bin/env bash
# What a user sees of ./parley, on nodes of its own: temporary folders (with a space in the name), free ports.
#   launcher_test.sh CASE    with PARLEY_BUILD_DIR naming a finished build; one of the functions test_* in *_cases.sh.
# Cleans up its processes whatever happens.
set -Eeuo pipefail

home=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
: "${PARLEY_BUILD_DIR:?the folder of a build}"
export PARLEY_BUILD_DIR
unset PARLEY_METRICS_PORT PARLEY_MQTT_BIND PARLEY_HTTP_BIND PARLEY_DATABASE_URL PARLEY_ROLES PARLEY_URL

work=$(mktemp -d "${TMPDIR:-/tmp}/parley launcher.XXXXXX")
chmod 0755 "$work"
nodes=()
short_folders=()
disks=()
trap 'printf "FAILED at line %s: %s\n" "$LINENO" "$BASH_COMMAND" >&2; show_output' ERR
trap clean_up EXIT

clean_up() {
  local node
  for node in "${nodes[@]}"; do env -u PARLEY_MQTT_PORT PARLEY_VAR="$node" "$home/parley" down >/dev/null 2>&1 || true; done
  local disk
  for disk in "${disks[@]}"; do umount "$disk" 2>/dev/null || umount -l "$disk" 2>/dev/null || true; done
  rm -rf "${short_folders[@]}"
  [[ -z ${helper:-} ]] || kill "$helper" 2>/dev/null || true
  [[ -z ${elsewhere:-} ]] || rm -rf "$elsewhere"
  rm -rf "$work"
}

show_output() {
  [[ ! -s $work/output ]] || { printf 'The last command said:\n' && sed 's/^/  /' "$work/output"; } >&2
}

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  show_output
  exit 1
}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)) && listens "$port"; do :; done
  printf '%s' "$port"
}

# new_node NAME: from here on ./parley works on this one.
new_node() {
  export PARLEY_VAR="$work/$1" PARLEY_MQTT_PORT PARLEY_HTTP_PORT PARLEY_METRICS_PORT PARLEY_LOGINS="$work/$1.logins"
  PARLEY_MQTT_PORT=$(free_port)
  PARLEY_HTTP_PORT=$(free_port)
  PARLEY_METRICS_PORT=$(free_port)
  nodes+=("$PARLEY_VAR")
}
use_node() { export PARLEY_VAR="$work/$1" PARLEY_MQTT_PORT=$2; }
# What is only about the broker need not wait for the rest.
new_broker() {
  new_node "$1"
  export PARLEY_ROLES=''
}

# run STATUS ARGUMENT...: ./parley, which must end with this status; what it says is kept.
run() {
  local want=$1 status=0
  shift
  "$home/parley" "$@" >"$work/output" 2>&1 </dev/null || status=$?
  ((status == want)) || fail "./parley $* ended with $status, not $want"
}
said() { grep -qF -- "$1" "$work/output" || fail "it did not say: $1"; }
broker() { cat "$PARLEY_VAR/launcher/broker.pid"; }
postgres() { cat "$PARLEY_VAR/launcher/postgres.pid"; }
bridge() { cat "$PARLEY_VAR/launcher/bridge.pid"; }
user_of() { stat -c %U "/proc/$1"; }
rest() { curl -sS --max-time 5 "http://127.0.0.1:$PARLEY_HTTP_PORT$1"; }
register() {  # NAME: gives the token
  curl -sS --max-time 5 "http://127.0.0.1:$PARLEY_HTTP_PORT/api/v1/auth/register" -H 'Content-Type: application/json' \
    -d "{\"user\":\"$1\",\"password\":\"a password that is long\"}" | sed -nE 's/.*"access_token":"([^"]+)".*/\1/p'
}
supervisor() { cat "$PARLEY_VAR/launcher/supervisor.pid"; }
lives() { [[ -r /proc/$1/status ]] && ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null; }

# eventually COMMAND...: within 20 s.
eventually() {
  local tries=200
  until "$@"; do
    ((tries-- > 0)) || fail "did not happen within 20 s: $*"
    sleep 0.1
  done
}

# shellcheck source-path=SCRIPTDIR
source "$home/tests/launcher/life_cases.sh"
source "$home/tests/launcher/options_cases.sh"
source "$home/tests/launcher/owners_cases.sh"

case ${1:-} in
  test_*) "$1" ;;
  *) fail "name a case: $(declare -F | sed -n 's/^declare -f test_/test_/p' | tr '\n' ' ')" ;;
esac
