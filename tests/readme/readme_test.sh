#!/usr/bin/env bash
# Runs README.md as a newcomer would: every ```sh block, in order, on a node of its own, and sees that what the text
# promises happens. Needs PARLEY_BUILD_DIR. A block that begins with mosquitto_sub stays running, as in a terminal of its
# own, and must show what the next one sends.
set -Eeuo pipefail

home=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
: "${PARLEY_BUILD_DIR:?the folder of a build}"
work=$(mktemp -d "${TMPDIR:-/tmp}/parley-readme.XXXXXX")
chmod 0755 "$work"
listener=
clean_up() {
  [[ -z $listener ]] || kill "$listener" 2>/dev/null || true
  "$home/parley" down >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean_up EXIT

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  tail -n 20 "$work"/out.* >&2 2>/dev/null || true
  exit 1
}

# The README's own words work on port 1883; here they go to a node beside whatever runs there.
export PARLEY_VAR=$work/var PARLEY_MQTT_PORT
while PARLEY_MQTT_PORT=$((20000 + RANDOM % 12000)) && (exec 3<>"/dev/tcp/127.0.0.1/$PARLEY_MQTT_PORT") 2>/dev/null; do :; done
mkdir "$work/bin"
for tool in mosquitto_pub mosquitto_sub; do
  printf '#!/bin/sh\nexec "%s" -p %s "$@"\n' "$(command -v "$tool")" "$PARLEY_MQTT_PORT" >"$work/bin/$tool"
  chmod +x "$work/bin/$tool"
done
export PATH="$work/bin:$PATH"
cd "$home"

awk -v dir="$work" '/^```sh$/ {n++; inside = 1; next} /^```/ {inside = 0} inside {print > (dir "/block." n)}' README.md
count=$(find "$work" -name 'block.*' | wc -l)
((count >= 5)) || fail "only $count blocks found"

run_block() { bash -euo pipefail "$work/block.$1" >"$work/out.$1" 2>&1 </dev/null || fail "block $1: $(cat "$work/block.$1")"; }

for ((n = 1; n <= count; n++)); do
  printf -- '-- block %d\n' "$n"
  if [[ $(head -n 1 "$work/block.$n") == mosquitto_sub* ]]; then
    bash -c "exec $(cat "$work/block.$n")" >"$work/heard" 2>&1 &
    listener=$!
    continue
  fi
  run_block "$n"
  if [[ -n $listener ]] && grep -q '^mosquitto_pub' "$work/block.$n"; then
    tries=50
    # The listener may not have been there yet: say it again, as a person would.
    until [[ -s $work/heard ]]; do
      ((tries-- > 0)) || fail "the listener heard nothing"
      kill -0 "$listener" 2>/dev/null || fail "the listener ended: $(cat "$work/heard")"
      sleep 0.2
      run_block "$n"
    done
  fi
done

grep -q '"from":"alice".*"body":"hello bob"' "$work/heard" || fail "bob did not see alice's words"
# The event shown in the README has the fields of a real one, in their order.
fields() { grep -o '"[a-z_]*":' | tr -d '\n'; }
[[ $(grep '^{"room"' README.md | head -n 1 | fields) == $(head -n 1 "$work/heard" | fields) ]] ||
  fail "the README shows another kind of event: $(head -n 1 "$work/heard")"
grep -q 'see you at eight' "$work/out.$count" || fail "the log does not show the message: $(cat "$work/out.$count")"
printf 'ok\n'
