# What is told of options and surroundings that are wrong. Cases of launcher_test.sh.

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
  # Nor must losing it.
  cp -p "$PARLEY_VAR/bridge.toml" "$work/bridge.toml"
  local emptied before
  before="$(broker) $(bridge)"
  for emptied in 's/.*//' 's/^url = .*//'; do
    sed -i "$emptied" "$PARLEY_VAR/bridge.toml"
    run 1 up
    said "database.url is gone from"
    said "PARLEY_DATABASE_URL="
    said "nothing was stopped"
    [[ "$(broker) $(bridge)" == "$before" ]] || fail "something was restarted"
    [[ ! -e $PARLEY_VAR/pg ]] || fail "a database was made although one was given before"
    cp -p "$work/bridge.toml" "$PARLEY_VAR/bridge.toml"
  done
  run 0 down
  # A database that is away does not keep people from chatting.
  PARLEY_DATABASE_URL="postgresql:///parley?host=$work/nowhere" PARLEY_WAIT_S=1 run 1 up
  said "bridge did not become ready"
  said "postgres"
  "$home/parley" ctl stats >/dev/null || fail "the broker does not answer"
  run 0 down
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
  PARLEY_MQTT_BIND=192.0.2.1 refused "this machine does not have that address" "PARLEY_MQTT_BIND=127.0.0.1 ./parley up"
  PARLEY_ROLES=control,apl run 1 up
  said "apl"
  run 0 check
  run 0 status
  # All is as it was.
  run 0 up
  said "nothing has changed"
  run 0 down
}

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

# A check leaves alone what others, or another check, write meanwhile.
test_check_changes_nothing() {
  new_broker looked_at
  run 0 up
  local file time
  local -a checks=()
  for file in lib/.check launcher/mosquitto.conf; do printf 'somebody else'"'"'s' >"$PARLEY_VAR/$file"; done
  find "$PARLEY_VAR/lib" "$PARLEY_VAR/launcher" -type f ! -name '*.log' | sort >"$work/before"
  for time in 1 2 3 4; do
    "$home/parley" check >"$work/check.$time" 2>&1 </dev/null &
    checks+=("$!")
  done
  for time in 1 2 3 4; do wait "${checks[time - 1]}" || fail "a check beside others failed: $(<"$work/check.$time")"; done
  for file in lib/.check launcher/mosquitto.conf; do
    [[ $(cat "$PARLEY_VAR/$file" 2>&1) == "somebody else's" ]] || fail "check touched $file"
  done
  find "$PARLEY_VAR/lib" "$PARLEY_VAR/launcher" -type f ! -name '*.log' | sort | diff "$work/before" - || fail "check left something"
  run 0 down
}

# Zeros in front of a number, and the language of whoever calls.
test_takes_the_environment_as_it_is() {
  new_broker environment
  local wait
  LC_ALL=de_DE.UTF-8 LANGUAGE=de PARLEY_WAIT_S=08 run 0 up
  for wait in 09 0099 0000000030 30; do
    sed -i "s/^max_pace_ms = .*/max_pace_ms = $((10#$wait % 50 + 1))/" "$PARLEY_VAR/parley.toml"
    PARLEY_WAIT_S=$wait run 0 up
  done
  local process
  for process in "$(supervisor)" "$(broker)"; do
    tr '\0' '\n' <"/proc/$process/environ" | grep -qxF LC_ALL=C.UTF-8 || fail "process $process speaks another language"
  done
  run 0 down
}

# A database that would never let the bridge in is told before the bridge that works is stopped; one that is away for a
# moment is waited for.
test_asks_the_database_first() {
  new_node theirs
  run 0 up
  local url started
  url=$(sed -nE 's/^url = "([^"]*)".*/\1/p' "$PARLEY_VAR/bridge.toml" | head -n 1)
  local server=$PARLEY_VAR database
  database=$(postgres)
  kill -TERM "$(bridge)"
  new_node asked
  run 0 up
  # From the node's own to one that is wrong.
  with bridge.toml 'url =' 'url = "postgresql:///nope?host=/nowhere"' "database.url: no server takes a connection" "No such file or directory"
  PARLEY_DATABASE_URL=${url/\/parley?//nope?} refused "database.url: the server does not let the bridge in" 'database "nope" does not exist'
  PARLEY_DATABASE_URL=$url run 0 up
  postgres() { echo "$database"; }  # this node has none from here on
  # What is left of a password that ends too soon is shown as no host and no port.
  PARLEY_DATABASE_URL='postgresql://par:se@hidden@127.0.0.1:1/x' refused "database.url" "write %40 for @"
  ! grep -q hidden "$work/output" || fail "a part of a password was shown"
  PARLEY_DATABASE_URL='postgresql://par:hidden/x@127.0.0.1:1/x' refused "database.url" "%2F for /"
  ! grep -q hidden "$work/output" || fail "a part of a password was shown"
  PARLEY_DATABASE_URL=$url$'\r' refused "PARLEY_DATABASE_URL holds a line end"
  # An older launcher has not written down which it was.
  cp -p "$PARLEY_VAR/launcher/started" "$work/started"
  sed -i '/^database=/d' "$PARLEY_VAR/launcher/started"
  PARLEY_DATABASE_URL="postgresql://127.0.0.1:1/x" refused "database.url: no server takes a connection"
  cp -p "$work/started" "$PARLEY_VAR/launcher/started"
  # From one that is right to one that is wrong.
  with bridge.toml 'url =' "url = \"${url/\/parley?//nope?}\"" "bridge.toml:$(grep -n '^url =' "$PARLEY_VAR/bridge.toml" | cut -d: -f1):7: database.url: the server does not let the bridge in" 'database "nope" does not exist'
  with bridge.toml 'url =' "url = \"${url/user=parley/user=stranger}&password=hidden\"" "the server does not let the bridge in" "stranger"
  ! grep -q hidden "$work/output" || fail "a password was shown"
  with bridge.toml 'url =' "url = \"${url/port=/port=1}\"" "no server takes a connection"
  with bridge.toml 'url =' 'url = "postgresql://127.0.0.1:1/parley"' "no server takes a connection" "Connection refused"
  [[ $(rest /health/ready) == '{"status":"ready"'* ]] || fail "the bridge is not well"
  # The same one, away for a moment.
  sed -i 's/^login_window_s = .*/login_window_s = 299/' "$PARLEY_VAR/bridge.toml"
  kill -STOP "$database"
  started=$SECONDS
  PARLEY_WAIT_S=1 run 1 up
  ((SECONDS - started < 60)) || fail "up waited for a database that hangs"
  said "bridge did not become ready"
  kill -CONT "$database"
  run 0 up
  run 0 check
  run 0 down
  PARLEY_VAR=$server run 0 down
}

# TOML may be written in more than one way; what is set is used as it is, and not replaced by a default.
test_reads_every_spelling() {
  new_node spelled
  run 0 up
  unset PARLEY_HTTP_PORT PARLEY_METRICS_PORT
  local file=$PARLEY_VAR/bridge.toml spelling port metrics
  # What stays as it is, without the sections that are written anew.
  awk '/^\[/ { within = /^\[(http|broker|endpoints)\]/ } !within { print }' "$file" >"$work/rest"
  for spelling in "[ http ]\nlisten = 'HERE' # ours" '["http"]\n\t"listen"\t="HERE"' "['http'] # ours\n'listen' = \"\"\"HERE\"\"\"\nworkers = 4" \
    "[http]\r\nlisten='HERE'\r" "[http]\nlisten = '''\nHERE'''" "TOP\nhttp . listen = 'HERE'\nhttp.workers = 4" \
    "TOP\nhttp = {workers = 4, listen = 'HERE'}\nbroker = {nodes = [{port = 1}]} # ours" \
    "[http]\nlisten = 'HERE'\n[[broker.nodes]]\nhost = '127.0.0.1'\nport = 1 # ours" "[http]\nlisten = 'HERE'\n[endpoints] # ours"; do
    port=$(free_port)
    spelling=${spelling//HERE/127.0.0.1:$port}
    case $spelling in
      TOP*) { printf '%b\n' "${spelling#TOP}" && cat "$work/rest"; } >"$file" ;;
      *) { cat "$work/rest" && printf '%b\n' "$spelling"; } >"$file" ;;
    esac
    run 0 up
    said "REST on http://127.0.0.1:$port/"
    [[ $(PARLEY_HTTP_PORT=$port rest /health/ready) == '{"status":"ready"'* ]] || fail "nothing is well where '$spelling' says"
    (($(grep -cF "127.0.0.1:$port" "$file") == 1)) || fail "it is set twice, or not at all: $spelling"
    (($(grep -cE '^[[:space:]]*\[[^]]*http|^http' "$file") == $(printf '%b\n' "$spelling" | grep -cE '^\[[^]]*http|^http'))) ||
      fail "there is a second [http]: $spelling"
    [[ $spelling != *'# ours'* ]] || grep -q '# ours' "$file" || fail "a comment is gone: $spelling"
  done
  run 0 up
  said "nothing has changed"
  # Set as asked for, in its place.
  port=$(free_port)
  PARLEY_HTTP_PORT=$port run 0 up
  said "REST on http://127.0.0.1:$port/"
  (($(grep -c '^listen' "$file") == 1)) || fail "it is set twice"
  metrics=$(free_port)
  sed -i "s/^listen = \"127.0.0.1:[^\"]*\"/  'listen'='127.0.0.1:$metrics'/; s/^\[metrics\]/[ metrics ]/" "$PARLEY_VAR/parley.toml"
  run 0 up
  said "metrics on http://127.0.0.1:$metrics/metrics"
  [[ $(curl -sS --max-time 5 "http://127.0.0.1:$metrics/metrics") == *parley_* ]] || fail "no metrics where they are set"
  metrics=$(free_port)
  PARLEY_METRICS_PORT=$metrics run 0 up
  said "metrics on http://127.0.0.1:$metrics/metrics"
  grep -q "^  'listen'=\"127.0.0.1:$metrics\" *# Prometheus" "$PARLEY_VAR/parley.toml" || fail "not set in its place"
  sed -i "s/^  'listen'=.*/listen = ''/" "$PARLEY_VAR/parley.toml"
  PARLEY_METRICS_PORT=$metrics run 0 up
  said "PARLEY_METRICS_PORT=$metrics changes nothing: metrics.listen"
  # What is no address is told with its line.
  local line
  line=$(grep -n '^listen' "$file" | cut -d: -f1)
  with bridge.toml 'listen = ' "listen = ':$port'" "$file:$line:10: http.listen: expected host:port"
  with bridge.toml 'listen = ' "listen = $port" "$file:$line:10: http.listen: expected a string"
  with bridge.toml 'listen = ' 'listen = "127.0.0.1:0"' "the port of http.listen in $file is '0': set it to a port"
  run 0 down
}
