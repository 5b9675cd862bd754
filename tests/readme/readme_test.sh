#!/usr/bin/env bash
# The scripted newcomer: runs README.md in one terminal, every ```sh block in order, on a node of its own, with curl and
# the mosquitto clients alone until the README itself says otherwise; and sees that what the text promises happens.
# Needs PARLEY_BUILD_DIR.
set -Eeuo pipefail

home=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
: "${PARLEY_BUILD_DIR:?the folder of a build}"
export PARLEY_BUILD_DIR
work=$(mktemp -d "${TMPDIR:-/tmp}/parley-readme.XXXXXX")
chmod 0755 "$work"
clean_up() {
  local -a left=()
  mapfile -t left < <(jobs -p)
  ((${#left[@]} == 0)) || kill "${left[@]}" 2>/dev/null || true
  "$home/parley" down >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean_up EXIT

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  tail -n 20 "$work"/out.* >&2 2>/dev/null || true
  tail -n 20 "$PARLEY_VAR/launcher/bridge.log" >&2 2>/dev/null || true
  exit 1
}

free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)) && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  printf '%s' "$port"
}

# The README's own words work on the usual ports; here they go to a node beside whatever runs there.
PARLEY_MQTT_PORT=$(free_port)
PARLEY_HTTP_PORT=$(free_port)
PARLEY_METRICS_PORT=$(free_port)
export PARLEY_VAR=$work/var PARLEY_MQTT_PORT PARLEY_HTTP_PORT PARLEY_METRICS_PORT PARLEY_LOGINS=$work/logins.json
unset PARLEY_URL PARLEY_ROLES PARLEY_DATABASE_URL PARLEY_HTTP_BIND PARLEY_MQTT_BIND
mosquitto_pub() { command mosquitto_pub -p "$PARLEY_MQTT_PORT" "$@"; }
mosquitto_sub() { exec mosquitto_sub -p "$PARLEY_MQTT_PORT" "$@"; }  # only ever in the background
curl() { command curl "${@//127.0.0.1:8080/127.0.0.1:$PARLEY_HTTP_PORT}"; }
cd "$home"

awk -v dir="$work" '/^```sh$/ {n++; inside = 1; next} /^```/ {inside = 0} inside {print > (dir "/block." n)}' README.md
count=$(find "$work" -name 'block.*' | wc -l)
((count >= 8)) || fail "only $count blocks found"
block_with() { grep -lF -- "$1" "$work"/block.* | head -n 1 | sed 's/.*\.//'; }

# One terminal: what a block sets, the next ones use. What it leaves running writes on into its output.
run_block() {
  local status=0
  # shellcheck disable=SC1090
  source "$work/block.$1" >>"$work/out.$1" 2>&1 </dev/null || status=$?
  ((status == 0)) || fail "block $1 ended with $status: $(<"$work/block.$1")"
}

listening=$(block_with 'mosquitto_sub -u alice')
greeting=$(block_with "'hello bob'")
heard=$work/out.$listening
both_heard() { (($(grep -c '"from":"alice".*"body":"hello bob"' "$heard") >= 2 && $(grep -c '"from":"bob".*"body":"hello alice"' "$heard") >= 2)); }

for ((n = 1; n <= count; n++)); do
  printf -- '-- block %d\n' "$n"
  run_block "$n"
  if ((n == greeting)); then
    tries=50
    # The listeners may not have been there yet: say it again, as a person would.
    until both_heard; do
      ((tries-- > 0)) || fail "not both heard both: $(<"$heard")"
      (($(jobs -pr | wc -l) == 2)) || fail "a listener ended: $(<"$heard")"
      sleep 0.2
      run_block "$n"
    done
  fi
done

[[ -n ${alice:-} && -n ${bob:-} && -n ${code:-} ]] || fail "a token or the code is missing"
# Of many at once none was lost, by either way.
numbers_heard() { grep -o '"body":"[0-9]*"' "$heard" | sort -u | wc -l; }
tries=50
until (($(numbers_heard) == 120)); do
  ((tries-- > 0)) || fail "of 120 numbers $(numbers_heard) were heard"
  sleep 0.2
done

# The event shown in the README has the fields of a real one, in their order.
fields() { grep -o '"[a-z_]*":' | tr -d '\n'; }
[[ $(grep '^{"room"' README.md | head -n 1 | fields) == $(grep '"hello bob"' "$heard" | head -n 1 | fields) ]] ||
  fail "the README shows another kind of event: $(grep '"hello bob"' "$heard" | head -n 1)"
said=$work/out.$count
for words in '"kind":"join"' 'see you at eight' 'I shall be there'; do
  grep -qF "$words" "$said" || fail "the log does not show $words: $(<"$said")"
done
grep -q '^admin ' "$said" || fail "the administrator is not listed: $(<"$said")"
printf 'ok\n'
