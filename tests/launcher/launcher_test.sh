#!/usr/bin/env bash
# What a user sees of ./parley, on nodes of its own: temporary folders (with a space in the name), free ports.
#   launcher_test.sh CASE    with PARLEY_BUILD_DIR naming a finished build; one of the functions test_* below.
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

test_life() {
  new_node life
  cd /
  run 0 up
  said "Parley is up: MQTT on 127.0.0.1:$PARLEY_MQTT_PORT, REST on http://127.0.0.1:$PARLEY_HTTP_PORT/api/v1"
  (($(grep -c . "$work/output") <= 12)) || fail "more than a few lines"
  local first first_bridge first_postgres
  first=$(broker) first_bridge=$(bridge) first_postgres=$(postgres)
  run 0 status
  (($(grep -c "It answers" "$work/output") == 3)) || fail "not all three answer"
  run 0 up
  said "already running, and nothing has changed"
  [[ $(broker) == "$first" && $(bridge) == "$first_bridge" ]] || fail "a second up restarted something"
  # Without the ports in the environment, too, ctl finds the node.
  env -u PARLEY_MQTT_PORT -u PARLEY_HTTP_PORT "$home/parley" ctl stats >"$work/output" 2>&1 || fail "ctl stats"
  env -u PARLEY_MQTT_PORT -u PARLEY_HTTP_PORT "$home/parley" ctl admin users list >"$work/output" 2>&1 || fail "ctl admin"
  said "admin"
  # What has changed is restarted, and nothing else: chat goes on while the bridge's options change.
  sed -i 's/^room_creations_per_h = 10/room_creations_per_h = 11/' "$PARLEY_VAR/bridge.toml"
  run 0 up
  said "Restarting bridge"
  [[ $(broker) == "$first" && $(postgres) == "$first_postgres" ]] || fail "another option than the bridge's restarted it"
  [[ $(bridge) != "$first_bridge" ]] || fail "a changed option did not restart the bridge"
  sed -i 's/^max_pace_ms = 20/max_pace_ms = 10/' "$PARLEY_VAR/parley.toml"
  run 0 up
  [[ $(broker) != "$first" ]] || fail "a changed option did not restart the broker"
  run 0 logs
  said "mosquitto version"
  said '"msg":"listening"'
  said "database system is ready"
  local process
  local -a last=("$(broker)" "$(supervisor)" "$(bridge)" "$(postgres)")
  run 0 down
  for process in "${last[@]}"; do ! lives "$process" || fail "process $process still runs after down"; done
  [[ $(tail -n 1 "$PARLEY_VAR/launcher/supervisor.log") == *": stopped" ]] ||
    fail "the supervisor did not end in order: $(tail -n 3 "$PARLEY_VAR/launcher/supervisor.log")"
  grep -q "database system is shut down" "$PARLEY_VAR/launcher/postgres.log" || fail "PostgreSQL did not end in order"
  run 3 status
  said "not running"
  run 0 down
  said "not running"
}

# The accounts are there after a restart, and the administrator's password is nobody else's to read, nor in any log.
test_accounts_stay() {
  new_node accounts
  run 0 up
  said "keys/admin.password"
  local password
  password=$(<"$PARLEY_VAR/keys/admin.password")
  [[ $(stat -c %a "$PARLEY_VAR/keys/admin.password") == 600 ]] || fail "others can read the password"
  ! grep -rqF -- "$password" "$PARLEY_VAR/launcher" "$PARLEY_VAR/log" "$work/output" || fail "the password is in a log"
  [[ -n $(register alice) ]] || fail "alice could not register"
  run 0 ctl admin users list
  said alice
  run 0 ctl room put general
  run 0 ctl member put general alice
  run 0 ctl member list general
  said alice
  run 1 ctl apply /dev/null
  said "kept in PostgreSQL"
  run 0 down
  run 0 up
  run 0 ctl admin users list
  said alice
  run 0 ctl admin init  # again: harmless
  [[ $(<"$PARLEY_VAR/keys/admin.password") == "$password" ]] || fail "the password changed"
  # Somebody in the middle of a chat does not notice that keys change.
  local token
  token=$(register bob)
  run 0 ctl keys rotate
  said "nobody is logged out"
  run 0 ctl admin users list
  curl -fsS -o /dev/null -H "Authorization: Bearer $token" "http://127.0.0.1:$PARLEY_HTTP_PORT/api/v1/users/me" ||
    fail "bob's token of before is refused"
  mosquitto_pub -p "$PARLEY_MQTT_PORT" -u bob -P "$token" -t rooms/general/typing -m '{}' ||
    fail "bob's token of before is refused by the broker"
  [[ -n $(register carol) ]] || fail "nobody can register after the rotation"
  if ((EUID == 0)); then
    [[ $(stat -c %U "$PARLEY_VAR/keys/signing.pem") == _parley ]] || fail "the new key belongs to $(stat -c %U "$PARLEY_VAR/keys/signing.pem")"
  fi
  run 0 down
}

test_restarts_what_dies() {
  new_node killed
  run 0 up
  another_runs() { [[ $($1) != "$2" ]] && "$home/parley" status >/dev/null 2>&1; }
  local name process first
  first=$(broker)
  # Chat goes on without the others, and they come back.
  for name in postgres bridge; do
    process=$($name)
    kill -KILL "$process"
    "$home/parley" ctl stats >/dev/null 2>&1 || fail "the broker does not answer while $name is away"
    eventually another_runs "$name" "$process"
  done
  [[ $(broker) == "$first" ]] || fail "the broker was restarted with them"
  kill -KILL "$first"
  eventually another_runs broker "$first"
  # Without a supervisor all of it goes on; up gives it one again.
  kill -KILL "$(supervisor)"
  run 0 status
  said "supervisor is gone"
  run 0 up
  run 0 status
  lives "$(supervisor)" || fail "no supervisor"
  local -a last=("$(broker)" "$(bridge)" "$(postgres)")
  kill -KILL "$(supervisor)"
  run 0 down
  for process in "${last[@]}"; do ! lives "$process" || fail "process $process still runs after down"; done
}

# The broker alone, as it was before there was a bridge: facts are put at the broker.
test_broker_alone() {
  new_broker alone
  run 0 up
  [[ ! -e $PARLEY_VAR/pg && ! -e $PARLEY_VAR/bridge.toml ]] || fail "there is a database"
  run 0 ctl user put alice
  run 0 ctl room put general
  run 0 ctl member put general alice
  run 0 ctl member list general
  said alice
  mosquitto_pub -p "$PARLEY_MQTT_PORT" -u alice -P "$("$home/parley" ctl token alice)" -t rooms/general/send -m hello ||
    fail "alice cannot write"
  run 0 ctl log read --room general
  said '"body":"hello"'
  # With a bridge the truth is in PostgreSQL. What was put at the broker alone is not silently gone.
  unset PARLEY_ROLES
  run 0 up
  said "facts-before-bridge"
  grep -q '"user":"alice"' "$PARLEY_VAR/facts-before-bridge.jsonl" || fail "alice was not kept"
  grep -q '"op":"member.put"' "$PARLEY_VAR/facts-before-bridge.jsonl" || fail "the member was not kept"
  run 0 ctl user list
  ! grep -q alice "$work/output" || fail "alice has an account that nobody made"
  run 0 ctl log read --room general
  said '"body":"hello"'
  # And back again.
  export PARLEY_ROLES=''
  run 0 up
  run 0 status
  ! grep -q bridge "$work/output" || fail "there still is a bridge"
  run 0 ctl user list
  run 0 down
}

# What clients asked the broker to keep is there after a restart in order; a file of it that is damaged, or was left by a
# crash, keeps nobody from starting, and is not taken for whole.
test_keeps_what_it_should() {
  new_broker keeps
  run 0 up
  run 0 ctl user put alice bob
  run 0 ctl room put general
  run 0 ctl member put general alice bob
  local token db=$PARLEY_VAR/data/mosquitto.db
  as() {  # USER PROGRAM ARGUMENT...
    local user=$1 program=$2
    shift 2
    token=$("$home/parley" ctl token "$user")
    "$program" -p "$PARLEY_MQTT_PORT" -u "$user" -P "$token" "$@"
  }
  lamp() { as alice mosquitto_sub -t devices/alice/lamp -C 1 -W 2 2>/dev/null || true; }
  keeping() { as alice mosquitto_sub -i archive-1 -c -q 1 -t rooms/general/messages/json "$@"; }
  as alice mosquitto_pub -q 1 -r -t devices/alice/lamp -m on || fail "alice cannot retain"
  keeping -E || fail "alice cannot subscribe"
  as bob mosquitto_pub -q 1 -t rooms/general/send -m "while she is away"
  run 0 down
  [[ -s $db && -s $db.sha256 ]] || fail "no sessions were kept"
  run 0 up
  eventually test ! -e "$db"
  [[ $(lamp) == on ]] || fail "the lamp's state is gone: '$(lamp)'"
  keeping -C 1 -W 10 >"$work/output" 2>&1 || fail "what was queued is gone"
  said "while she is away"
  # A crash takes the sessions, and what was acknowledged stays.
  as alice mosquitto_pub -q 1 -r -t devices/alice/lamp -m off
  local killed
  killed=$(broker)
  kill -KILL "$killed"
  another_broker() { [[ $(broker) != "$killed" ]] && "$home/parley" status >/dev/null 2>&1; }
  eventually another_broker
  [[ $(lamp) == off ]] || fail "kill -9 took the lamp's state"
  # Damage of every kind.
  local damage
  for damage in 'printf rubbish >' 'truncate -s 30' 'truncate -s -1' 'printf more >>' ': >'; do
    keeping -E
    run 0 down
    eval "$damage \"\$db\""
    run 0 up
    [[ -e $db.damaged ]] || fail "what '$damage' made of the file was not put aside"
    rm -f "$db.damaged"
    [[ $(lamp) == off ]] || fail "'$damage' took the lamp's state"
  done
  run 0 down
  rm -f "$db.sha256"  # as after a crash while it was written
  run 0 up
  [[ -e $db.damaged && $(lamp) == off ]] || fail "a file without its sum was taken"
  run 0 down
}

# A PostgreSQL of the user's own: here, another node's.
test_given_database() {
  new_node theirs
  run 0 up
  local url
  url=$(sed -nE 's/^url = "([^"]*)".*/\1/p' "$PARLEY_VAR/bridge.toml" | head -n 1)
  kill -TERM "$(bridge)"  # one bridge for one database is enough here
  new_node ours
  export PARLEY_DATABASE_URL=$url
  run 0 up
  [[ ! -e $PARLEY_VAR/pg ]] || fail "a database was made although one was given"
  [[ -n $(register alice) ]] || fail "alice could not register"
  run 0 status
  # It is remembered: forgetting it once must not open an empty database.
  unset PARLEY_DATABASE_URL
  run 0 up
  said "nothing has changed"
  run 0 down
  # A database that is away does not keep people from chatting.
  PARLEY_DATABASE_URL="postgresql:///parley?host=$work/nowhere" PARLEY_WAIT_S=1 run 1 up
  said "bridge did not become ready"
  said "postgres"
  "$home/parley" ctl stats >/dev/null || fail "the broker does not answer"
  run 0 down
}

# A unix socket's path has an end, which a folder deep down is beyond.
test_deep_folder() {
  local deep
  deep=deep/$(printf 'a%.0s' {1..60})/$(printf 'b%.0s' {1..60})
  new_node "$deep"
  run 0 up
  local socket bell
  socket=$(sed -n 's/^pg_socket=//p' "$PARLEY_VAR/launcher/plan")
  bell=$(sed -nE 's/^socket = "([^"]*)".*/\1/p' "$PARLEY_VAR/parley.toml")
  short_folders=("$socket" "${bell%/*}")
  [[ $socket == /*/parley-*-pg && $bell == /*/parley-*-bell/doorbell.sock ]] || fail "the sockets are in $socket and $bell"
  [[ -n $(register alice) ]] || fail "alice could not register"
  run 0 down
}

test_beside_each_other() {
  new_node one
  unset PARLEY_METRICS_PORT  # each finds one by itself
  local port_one=$PARLEY_MQTT_PORT
  run 0 up
  local http_one=$PARLEY_HTTP_PORT
  new_node two
  unset PARLEY_METRICS_PORT
  local port_two=$PARLEY_MQTT_PORT
  # The first one's port for REST is taken; the message says what to do.
  PARLEY_HTTP_PORT=$http_one run 1 up
  said "port $http_one is taken by another program"
  said "PARLEY_HTTP_PORT=8081 ./parley up"
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
  said "nothing was started. Put right what it names"
  run 3 status
  sed -i 's/^max_pace = 20/max_pace_ms = 20/' "$PARLEY_VAR/parley.toml"
  run 0 up
  local taken=$PARLEY_MQTT_PORT
  PARLEY_HTTP_PORT=$taken run 1 up
  said "MQTT and REST cannot both have port $taken"
  new_broker second
  export PARLEY_MQTT_PORT=$taken
  run 1 up
  said "port $taken is taken by another program"
  export PARLEY_MQTT_PORT=http
  run 1 up
  said "PARLEY_MQTT_PORT is 'http': set it to a port"
  export PARLEY_MQTT_PORT=$taken PARLEY_ROLES='control;api'
  run 1 up
  said "PARLEY_ROLES is 'control;api'"
  run 1 sideways
  said "unknown command 'sideways'"
}

# refused WORDS...: up ends with 1 and says these; what runs goes on, the options are as they were before up.
refused() {
  local -a before=("$(broker)" "$(bridge)" "$(postgres)" "$(supervisor)")
  local words sum
  sum=$(cat "$PARLEY_VAR"/{parley.toml,bridge.toml,mosquitto.conf,url,pg/postgresql.conf} | sha256sum)
  run 1 up
  for words in "$@" "nothing was stopped"; do said "$words"; done
  [[ $(cat "$PARLEY_VAR"/{parley.toml,bridge.toml,mosquitto.conf,url,pg/postgresql.conf} | sha256sum) == "$sum" ]] ||
    fail "up changed the options although it refused them"
  [[ "$(broker) $(bridge) $(postgres) $(supervisor)" == "${before[*]}" ]] || fail "something was restarted"
  for words in "${before[@]}"; do lives "$words" || fail "process $words was stopped"; done
}
# with FILE OLD NEW WORDS...: the first line that is OLD becomes NEW, up is refused, and the line is put back.
with() {
  local file=$PARLEY_VAR/$1 old=$2 new=$3
  shift 3
  cp -p "$file" "$work/kept"
  grep -qF -- "$old" "$file" || fail "$file has no '$old'"
  old=$old new=$new awk 'index($0, ENVIRON["old"]) && !done { print ENVIRON["new"]; done = 1; next } { print }' "$work/kept" >"$file"
  refused "$@"
  cp -p "$work/kept" "$file"
}

# What is wrong with the options is found before anything is stopped, and told with its line.
test_checks_options_first() {
  new_node checked
  run 0 up
  local parley=$PARLEY_VAR/parley.toml bridge=$PARLEY_VAR/bridge.toml line
  line=$(grep -n '^max_pace_ms' "$parley" | cut -d: -f1)
  with parley.toml 'max_pace_ms = 20' 'max_pace = 20' "$parley:$line:1: delivery.max_pace: there is no such option" \
    "did you mean max_pace_ms?" "$line | max_pace = 20" "options are in $parley"
  with parley.toml 'id = 0' 'id = 2000' "node.id: expected a whole number from 0 to 1023"
  with parley.toml 'anonymous = false ' 'anonymous = "no"' "auth.anonymous: expected true or false"
  with parley.toml 'shed_typing_lag_ms = 50' 'shed_typing_lag_ms = 5000' "must not be above queues.refuse_lag_ms"
  with parley.toml '[delivery]' '[delivery' "not valid TOML"
  with parley.toml '[queues]' '[queue]' "did you mean [queues]?"
  with parley.toml '{pattern = "devices/%u/#"' '{pattern = "devices/#/x"},' "# may only be the last level"
  with parley.toml '{pattern = "devices/%u/#"' '{pattern = "rooms/x"},' "Parley's own"
  with parley.toml 'jwks_file' 'jwks_file = "keys/none.json"' "auth.jwks_file: cannot read the keys" "none.json"
  with parley.toml 'data_dir' 'data_dir = "/proc/self"' "node.data_dir: cannot write to /proc/self"
  with parley.toml 'listen = "127.0.0.1' 'listen = "192.0.2.1:9464"' "metrics.listen: cannot listen on 192.0.2.1"
  with parley.toml 'listen = "127.0.0.1' "listen = \"0.0.0.0:$PARLEY_HTTP_PORT\"" "port $PARLEY_HTTP_PORT is taken"
  line=$(grep -n '^login_window_s' "$bridge" | cut -d: -f1)
  with bridge.toml 'login_window_s = 300' 'login_window = 300' "$bridge:$line:1: limits.login_window" "did you mean login_window_s?" \
    "options are in $bridge"
  with bridge.toml 'registration = "open"' 'registration = "maybe"' 'expected "open", "invite" or "closed"'
  with bridge.toml 'workers = 8' 'workers = ' "not valid TOML" "workers ="
  with bridge.toml 'tls_certificate' 'tls_certificate = "keys/none.pem"' "TLS needs both"
  cp -p "$bridge" "$work/bridge.toml"
  sed -i -E 's|^(tls_certificate\|tls_key) = ""|\1 = "keys/signing.pem"|' "$bridge"
  refused "http.tls_certificate" "signing.pem is no PEM certificate"
  sed -i -E 's|^tls_certificate = .*|tls_certificate = "keys/none.pem"|' "$bridge"
  refused "http.tls_certificate: cannot read" "none.pem"
  cp -p "$work/bridge.toml" "$bridge"
  with bridge.toml 'url =' 'url = "postgresql://parley:hidden@[::1/parley"' "database.url"
  ! grep -q hidden "$work/output" || fail "a password was shown"
  with bridge.toml 'keys_dir' 'keys_dir = "lib"' "no signing key in"
  # Both files at once: both are told.
  sed -i 's/^burst = 30/burts = 30/' "$parley"
  with bridge.toml 'login_queue' 'login_quue = 3' "did you mean burst?" "did you mean login_queue?"
  sed -i 's/^burts = 30/burst = 30/' "$parley"
  cp -p "$PARLEY_VAR/pg/postgresql.conf" "$work/pg.conf"
  printf 'max_connections = many\n' >>"$PARLEY_VAR/pg/postgresql.conf"
  refused "max_connections" "options are in $PARLEY_VAR/pg/postgresql.conf"
  cp -p "$work/pg.conf" "$PARLEY_VAR/pg/postgresql.conf"
  # Keys that are damaged stay as they are.
  local file
  for file in signing.pem jwks.json; do
    cp -p "$PARLEY_VAR/keys/$file" "$work/kept key"
    sed -i 's/^max_pace_ms = 20/max_pace_ms = 19/' "$parley"
    for line in '' '-----BEGIN PRIVATE KEY-----' '{"keys":'; do
      printf '%s' "$line" >"$PARLEY_VAR/keys/$file"
      run 1 up
      said "keys/$file"
      [[ $(<"$PARLEY_VAR/keys/$file") == "$line" ]] || fail "the damaged $file was overwritten"
    done
    cp -p "$work/kept key" "$PARLEY_VAR/keys/$file"
    sed -i 's/^max_pace_ms = 19/max_pace_ms = 20/' "$parley"
  done
  PARLEY_MQTT_PORT=$PARLEY_HTTP_PORT run 1 up
  said "cannot both have port"
  PARLEY_MQTT_PORT=abc run 1 up
  said "PARLEY_MQTT_PORT is 'abc'"
  PARLEY_HTTP_PORT=70000 run 1 up
  said "PARLEY_HTTP_PORT is '70000'"
  PARLEY_METRICS_PORT=-1 run 1 up
  said "PARLEY_METRICS_PORT is '-1'"
  PARLEY_WAIT_S=soon run 1 up
  said "PARLEY_WAIT_S is 'soon'"
  PARLEY_MQTT_BIND=192.0.2.1 refused "this machine does not have that address"
  PARLEY_ROLES=control,apl run 1 up
  said "apl"
  run 0 check
  run 0 status
  # All is as it was.
  run 0 up
  said "nothing has changed"
  run 0 down
}

# A disk of its own for the next node, as large as this; false where mounting is not allowed.
own_disk() {  # SIZE
  mkdir "$PARLEY_VAR"
  mount -t tmpfs -o "size=$1,mode=0755" tmpfs "$PARLEY_VAR" 2>/dev/null || return 1
  disks+=("$PARLEY_VAR")
}

# A full and a read-only disk are called so, by everybody who is asked.
test_disk_full_and_read_only() {
  new_node disk
  if ! own_disk 400m; then
    printf 'mounting is not allowed here\n'
    return
  fi
  run 0 up
  sed -i -E 's/^(room_creations_per_h|requests_per_s) = [0-9]+/\1 = 0/' "$PARLEY_VAR/bridge.toml"
  run 0 up
  local -a before=("$(broker)" "$(bridge)" "$(postgres)" "$(supervisor)")
  local token
  token=$(register alice)
  [[ -n $token ]] || fail "alice could not register"
  dd if=/dev/zero of="$PARLEY_VAR/fill" bs=1M 2>/dev/null || true
  dd if=/dev/zero of="$PARLEY_VAR/fill2" bs=4k 2>/dev/null || true
  run 1 status
  said "is full"
  sed -i 's/^max_pace_ms = 20/max_pace_ms = 19/' "$PARLEY_VAR/parley.toml" 2>/dev/null || true
  run 1 up
  said "the disk of $PARLEY_VAR is full"
  said "nothing was stopped"
  [[ -s $PARLEY_VAR/bridge.toml && -s $PARLEY_VAR/parley.toml ]] || fail "options were lost"
  [[ "$(broker) $(bridge) $(postgres) $(supervisor)" == "${before[*]}" ]] || fail "something was restarted"
  ready_says() { [[ $(rest /health/ready) == *"$1"* ]]; }
  eventually ready_says "No space left"
  [[ $(rest /health/ready) == *'"what":"postgres"'*'"why":'* ]] || fail "it is not told what is full"
  # Changes are refused for now, once the pages that had room are full: never as a fault of the server's own.
  refused_for_now() {
    local status
    status=$(curl -sS -o "$work/answer" -D "$work/headers" -w '%{http_code}' --max-time 10 -H "Authorization: Bearer $token" \
      -H 'Content-Type: application/json' -d "{\"room\":\"r$RANDOM$RANDOM\",\"kind\":\"channel\",\"topic\":\"$(printf 'x%.0s' {1..200})\"}" \
      "http://127.0.0.1:$PARLEY_HTTP_PORT/api/v1/rooms")
    [[ $status != 500 ]] || fail "answered 500: $(<"$work/answer")"
    [[ $status == 503 ]]
  }
  eventually refused_for_now
  grep -qi '^retry-after: [1-9]' "$work/headers" || fail "no Retry-After"
  rm "$PARLEY_VAR"/fill*
  eventually ready_says '"status":"ready"'
  run 0 status
  mount -o remount,ro "$PARLEY_VAR" 2>/dev/null || true
  if ! touch "$PARLEY_VAR/x" 2>/dev/null; then
    run 1 status
    said "read-only"
    run 1 up
    said "is mounted read-only"
    said "nothing was stopped"
    mount -o remount,rw "$PARLEY_VAR"
  fi
  run 0 down
  for process in "${before[@]}"; do ! lives "$process" || fail "process $process still runs after down"; done
  # From the beginning on a full disk: said at once.
  dd if=/dev/zero of="$PARLEY_VAR/fill" bs=1M 2>/dev/null || true
  run 1 up
  said "is full"
  run 3 status
  said "is full"
  rm "$PARLEY_VAR/fill"
}

# Pid files that are lost: what runs is found, and nothing is started twice.
test_lost_pid_files() {
  new_node lost
  run 0 up
  local -a before=("$(supervisor)" "$(broker)" "$(bridge)" "$(postgres)")
  rm "$PARLEY_VAR"/launcher/*.pid
  run 0 status
  said "It answers"
  run 0 up
  said "nothing has changed"
  [[ "$(broker) $(bridge) $(postgres)" == "${before[*]:1}" ]] || fail "they were not found again"
  rm -r "$PARLEY_VAR/launcher"
  run 0 down
  local process
  for process in "${before[@]}"; do ! lives "$process" || fail "process $process still runs after down"; done
  run 3 status
  # The same without a supervisor.
  run 0 up
  before=("$(broker)" "$(bridge)" "$(postgres)")
  kill -KILL "$(supervisor)"
  rm "$PARLEY_VAR"/launcher/*.pid
  run 0 status
  said "supervisor is gone"
  run 0 down
  for process in "${before[@]}"; do ! lives "$process" || fail "process $process still runs after down"; done
}

# What stands still is called so, and is stopped in bounded time.
test_frozen() {
  new_node frozen
  run 0 up
  local name process began
  for name in postgres broker bridge; do
    process=$($name)
    kill -STOP "$process"
    run 1 status
    said "process $process is frozen"
    said "kill -CONT $process"
    kill -CONT "$process"
    eventually status_is_well
  done
  local -a all=("$(postgres)")
  mapfile -t -O 1 all < <(ps -o pid= --ppid "${all[0]}" | tr -d ' ')
  kill -STOP "${all[@]}"
  not_ready() { [[ $(rest /health/ready) == *'"what":"postgres"'*'"why":'* ]]; }
  eventually not_ready
  PARLEY_WAIT_S=2 run 1 up
  said "postgres did not become ready"
  said "kill -CONT $(postgres)"
  local -a before=("$(supervisor)" "$(broker)" "$(bridge)" "$(postgres)")
  kill -STOP "$(broker)"
  began=$SECONDS
  run 0 down
  ((SECONDS - began < 60)) || fail "down took $((SECONDS - began)) s"
  for process in "${before[@]}"; do ! lives "$process" || fail "process $process still runs after down"; done
}
status_is_well() { "$home/parley" status >/dev/null 2>&1; }

# Why a part does not come is in the last lines, not what asked whether it had.
test_says_why_it_does_not_start() {
  new_node why
  run 0 up
  run 0 down
  # Its data is damaged.
  mv "$PARLEY_VAR/pg/global" "$PARLEY_VAR/pg/global.away"
  PARLEY_WAIT_S=5 run 1 up
  said "postgres did not start"
  said "could not open file"
  mv "$PARLEY_VAR/pg/global.away" "$PARLEY_VAR/pg/global"
  run 0 down
  # A database that is away: the reason is told, and no probe of its health is shown.
  PARLEY_DATABASE_URL="postgresql:///parley?host=$work/nowhere" PARLEY_WAIT_S=2 run 1 up
  said "bridge did not become ready (it lacks postgres"
  said "No such file or directory"
  ! grep -q '/health/ready' "$work/output" || fail "health probes were shown"
  run 1 status
  said "It is not ready: it lacks postgres"
  said "No such file or directory"
  (($(grep -c '/health/ready' "$PARLEY_VAR/launcher/bridge.log") == 0)) || fail "health probes are in the log"
  run 0 down
}

# Ports that somebody else has, and what an operator includes in the broker's options.
test_checks_ports_and_includes_first() {
  new_node ports
  run 0 up
  helper_port=$(free_port)
  python3 -c 'import socket, sys, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("127.0.0.1", int(sys.argv[1]))); s.listen(); time.sleep(600)' "$helper_port" &
  helper=$!
  eventually listens "$helper_port"
  PARLEY_MQTT_PORT=$helper_port refused "port $helper_port is taken by another program" "process $helper" "PARLEY_MQTT_PORT=1884"
  PARLEY_HTTP_PORT=$helper_port refused "port $helper_port is taken by another program" "PARLEY_HTTP_PORT=8081"
  PARLEY_METRICS_PORT=$helper_port refused "port $helper_port is taken by another program" "PARLEY_METRICS_PORT=9465"
  # A copy of the launcher whose template includes a folder.
  local copy=$work/copy
  mkdir "$copy" "$work/include"
  chmod 0755 "$copy" "$work/include"
  cp -r "$home/parley" "$home/scripts" "$home/config" "$copy/"
  printf 'include_dir %s\n' "$work/include" >>"$copy/config/mosquitto.conf.in"
  local home=$copy
  printf '# ours\nmax_keepalive 600\n' >"$work/include/ours.conf"
  run 0 up
  local included
  for included in "no_such_option 1" "listener 99999" "max_keepalive" "listener $helper_port 127.0.0.1" "cafile /nonexistent.pem"; do
    printf '# ours\n%s\n' "$included" >"$work/include/ours.conf"
    sed -i 's/^max_pace_ms = .*/max_pace_ms = 19/' "$PARLEY_VAR/parley.toml"
    refused "include/ours.conf"
  done
  printf '# ours\nmax_keepalive 600\n' >"$work/include/ours.conf"
  run 0 up
  said "Restarting broker"
  run 0 down
}

# A pid file left from before a reboot names somebody else's process: it is left alone.
test_leaves_strangers_alone() {
  new_node stranger
  run 0 up
  local port=$PARLEY_MQTT_PORT
  run 0 down
  sleep 600 &
  helper=$!
  local name
  for name in broker bridge postgres supervisor; do printf '%s\n' "$helper" >"$PARLEY_VAR/launcher/$name.pid"; done
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
    [[ $(user_of "$(broker)") == mosquitto ]] || fail "the broker runs as $(user_of "$(broker)")"
    [[ $(user_of "$(postgres)") == postgres ]] || fail "PostgreSQL runs as $(user_of "$(postgres)")"
    [[ $(user_of "$(bridge)") == _parley ]] || fail "the bridge runs as $(user_of "$(bridge)")"
    local user secret
    for user in mosquitto postgres nobody; do
      for secret in keys/signing.pem keys/admin.password keys/admin.logins bridge.toml; do
        ! setpriv "--reuid=$user" --regid=nogroup --clear-groups cat "$PARLEY_VAR/$secret" 2>/dev/null ||
          fail "$user can read $secret"
      done
    done
    ! setpriv --reuid=nobody --regid=nogroup --clear-groups \
      psql -w -h "$PARLEY_VAR/pg-run" -U parley parley -c 'select 1' 2>/dev/null || fail "anybody gets into the database"
    local -a nobody=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
    if "${nobody[@]}" test -x "$home/parley"; then
      ! "${nobody[@]}" "$home/parley" status >"$work/output" 2>&1 || fail "nobody sees the state of root's node"
      said "is root's"
    fi
    ! (exec 3<>/dev/tcp/127.0.0.1/5432) 2>/dev/null || ! ss -Hltnp 'sport = :5432' | grep -q "pid=$(postgres)," ||
      fail "PostgreSQL listens on TCP"
    run 0 down
    as_nobody
  else
    local name
    for name in broker postgres bridge; do
      [[ $(stat -c %u "/proc/$($name)") == "$EUID" ]] || fail "$name does not run as the user"
    done
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
  [[ $(user_of "$(broker)") == mosquitto ]] || fail "the broker runs as $(user_of "$(broker)")"
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
  count=$(grep -c "started, process" "$PARLEY_VAR/launcher/supervisor.log")
  ((count == 3)) || fail "$count processes were started, not three"
  run 0 down
}

case ${1:-} in
  test_*) "$1" ;;
  *) fail "name a case: $(declare -F | sed -n 's/^declare -f test_/test_/p' | tr '\n' ' ')" ;;
esac
