#!/usr/bin/env bash
# What a user sees of ./parley, on nodes of its own: temporary folders (with a space in the name), free ports.
#   launcher_test.sh CASE    with PARLEY_BUILD_DIR naming a finished build; one of the functions test_* below.
# Cleans up its processes whatever happens.
set -Eeuo pipefail

home=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
: "${PARLEY_BUILD_DIR:?the folder of a build}"
export PARLEY_BUILD_DIR
unset PARLEY_METRICS_PORT PARLEY_MQTT_BIND

work=$(mktemp -d "${TMPDIR:-/tmp}/parley launcher.XXXXXX")
chmod 0755 "$work"
nodes=()
trap 'printf "FAILED at line %s: %s\n" "$LINENO" "$BASH_COMMAND" >&2; show_output' ERR
trap clean_up EXIT

clean_up() {
  local node
  for node in "${nodes[@]}"; do env -u PARLEY_MQTT_PORT PARLEY_VAR="$node" "$home/parley" down >/dev/null 2>&1 || true; done
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
  export PARLEY_VAR="$work/$1" PARLEY_MQTT_PORT
  PARLEY_MQTT_PORT=$(free_port)
  nodes+=("$PARLEY_VAR")
}
use_node() { export PARLEY_VAR="$work/$1" PARLEY_MQTT_PORT=$2; }

# run STATUS ARGUMENT...: ./parley, which must end with this status; what it says is kept.
run() {
  local want=$1 status=0
  shift
  "$home/parley" "$@" >"$work/output" 2>&1 </dev/null || status=$?
  ((status == want)) || fail "./parley $* ended with $status, not $want"
}
said() { grep -qF -- "$1" "$work/output" || fail "it did not say: $1"; }
broker() { cat "$PARLEY_VAR/launcher/broker.pid"; }
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

test_life() {
  new_node life
  cd /
  run 0 up
  said "Parley is up: MQTT on 127.0.0.1:$PARLEY_MQTT_PORT"
  (($(grep -c . "$work/output") <= 8)) || fail "more than a few lines"
  local first
  first=$(broker)
  run 0 status
  said "It answers"
  run 0 up
  said "already running, and nothing has changed"
  [[ $(broker) == "$first" ]] || fail "a second up restarted the broker"
  # Without the port in the environment, too, ctl finds the node.
  env -u PARLEY_MQTT_PORT "$home/parley" ctl stats >"$work/output" 2>&1 || fail "ctl stats"
  sed -i 's/^max_pace_ms = 20/max_pace_ms = 10/' "$PARLEY_VAR/parley.toml"
  run 0 up
  [[ $(broker) != "$first" ]] || fail "a changed option did not restart the broker"
  run 0 logs
  said "mosquitto version"
  local last supervisor
  last=$(broker)
  supervisor=$(supervisor)
  run 0 down
  ! lives "$last" || fail "the broker still runs after down"
  ! lives "$supervisor" || fail "the supervisor still runs after down"
  [[ $(tail -n 1 "$PARLEY_VAR/launcher/supervisor.log") == *": stopped" ]] ||
    fail "the supervisor did not end in order: $(tail -n 3 "$PARLEY_VAR/launcher/supervisor.log")"
  run 3 status
  said "not running"
  run 0 down
  said "not running"
}

test_restarts_what_dies() {
  new_node killed
  run 0 up
  local first
  first=$(broker)
  kill -KILL "$first"
  another_answers() { [[ $(broker) != "$first" ]] && "$home/parley" status >/dev/null 2>&1; }
  eventually another_answers
  # Without a supervisor the broker goes on; up gives it one again.
  kill -KILL "$(supervisor)"
  run 0 status
  said "supervisor is gone"
  run 0 up
  run 0 status
  lives "$(supervisor)" || fail "no supervisor"
  run 0 down
}

test_beside_each_other() {
  new_node one
  local port_one=$PARLEY_MQTT_PORT
  run 0 up
  new_node two
  local port_two=$PARLEY_MQTT_PORT
  run 0 up
  [[ $(grep ^listen "$work/one/parley.toml") != $(grep ^listen "$work/two/parley.toml") ]] ||
    fail "both nodes have the same port for metrics"
  run 0 down
  use_node one "$port_one"
  run 0 status
  said "It answers"
  run 0 down
  use_node two "$port_two"
  run 3 status
}

test_tells_what_is_wrong() {
  new_node wrong
  run 0 up
  run 0 down
  sed -i 's/^max_pace_ms = 20/max_pace = 20/' "$PARLEY_VAR/parley.toml"
  run 1 up
  said "parley.toml:"
  said "did you mean max_pace_ms?"
  said "put right what it names"
  run 3 status
  sed -i 's/^max_pace = 20/max_pace_ms = 20/' "$PARLEY_VAR/parley.toml"
  run 0 up
  local taken=$PARLEY_MQTT_PORT
  new_node second
  export PARLEY_MQTT_PORT=$taken
  run 1 up
  said "port $taken is taken by another program"
  export PARLEY_MQTT_PORT=http
  run 1 up
  said "PARLEY_MQTT_PORT is 'http': set it to a port"
  run 1 sideways
  said "unknown command 'sideways'"
}

# A pid file left from before a reboot names somebody else's process: it is left alone.
test_leaves_strangers_alone() {
  new_node stranger
  run 0 up
  local port=$PARLEY_MQTT_PORT
  run 0 down
  sleep 600 &
  helper=$!
  printf '%s\n' "$helper" >"$PARLEY_VAR/launcher/broker.pid"
  printf '%s\n' "$helper" >"$PARLEY_VAR/launcher/supervisor.pid"
  run 3 status
  run 0 down
  lives "$helper" || fail "down killed a process that was not its own"
  printf '%s\n' "$helper" >"$PARLEY_VAR/launcher/supervisor.pid"
  run 0 up
  lives "$helper" || fail "up killed a process that was not its own"
  [[ $port == "$PARLEY_MQTT_PORT" ]]
  run 0 down
}

# Run by root, the broker is mosquitto's, and cannot read what signs tokens. Run by a user, it is the user's.
test_whose_it_is() {
  new_node owner
  run 0 up
  if ((EUID == 0)); then
    [[ $(stat -c %U "/proc/$(broker)") == mosquitto ]] || fail "the broker runs as $(stat -c %U "/proc/$(broker)")"
    ! setpriv --reuid=mosquitto --regid=mosquitto --clear-groups cat "$PARLEY_VAR/keys/signing.pem" 2>/dev/null ||
      fail "the broker's user can read the signing key"
    run 0 down
    as_nobody
  else
    [[ $(stat -c %u "/proc/$(broker)") == "$EUID" ]] || fail "the broker does not run as the user"
    [[ $(stat -c %a "$PARLEY_VAR") == 700 ]] || fail "others may look into the folder"
    run 0 down
  fi
}

# The same as an ordinary user, when this copy can be read by one.
as_nobody() {
  local -a nobody=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
  if ! "${nobody[@]}" test -x "$home/parley" -a -r "$PARLEY_BUILD_DIR/broker-plugin/libparley_plugin.so"; then
    printf 'this copy is closed to other users; the part as an ordinary user is left to them\n'
    return
  fi
  mkdir -m 0777 "$work/nobody"
  PARLEY_VAR='' TMPDIR="$work/nobody" HOME="$work/nobody" "${nobody[@]}" "${BASH_SOURCE[0]}" test_whose_it_is
}

# Below a folder that only root may enter, a clone in /root say, the broker still does not run as root.
test_closed_folder() {
  if ((EUID != 0)); then
    printf 'only root has this problem\n'
    return
  fi
  mkdir -m 0700 "$work/closed"
  new_node closed/var
  run 0 up
  said "is a link to /var/lib/parley/"
  elsewhere=$(readlink "$PARLEY_VAR")
  [[ $(stat -c %U "/proc/$(broker)") == mosquitto ]] || fail "the broker runs as $(stat -c %U "/proc/$(broker)")"
  run 0 up
  said "nothing has changed"
  run 0 status
  run 0 ctl user list
  run 0 down
  new_node closed/full
  mkdir "$PARLEY_VAR"
  touch "$PARLEY_VAR/something"
  run 1 up
  said "cannot enter $work/closed"
}

# Two users at once: the second waits for the first, and there is one broker.
test_two_at_once() {
  new_node twice
  "$home/parley" up >"$work/first" 2>&1 </dev/null &
  local other=$!
  run 0 up
  wait "$other" || fail "the other up failed: $(cat "$work/first")"
  local line count=0 process
  for process in /proc/[0-9]*/cmdline; do
    line=$(tr '\0' ' ' 2>/dev/null <"$process") || continue
    [[ $line != "mosquitto -c $PARLEY_VAR/mosquitto.conf "* ]] || ((count += 1))
  done
  ((count == 1)) || fail "$count brokers run"
  run 0 down
}

case ${1:-} in
  test_*) "$1" ;;
  *) fail "name a case: $(declare -F | sed -n 's/^declare -f test_/test_/p' | tr '\n' ' ')" ;;
esac
