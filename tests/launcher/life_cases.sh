# How a node starts, keeps what it should, and comes back. Cases of launcher_test.sh.

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

# Starts that were asked for are no failures: sessions outlive as many changes of options as there are, also after a crash.
test_keeps_sessions_over_changes() {
  new_broker changes
  run 0 up
  run 0 ctl user put alice
  local token time killed
  token=$("$home/parley" ctl token alice)
  keeping() {
    mosquitto_sub -p "$PARLEY_MQTT_PORT" -u alice -P "$token" -i archive-1 -c -q 1 -t devices/alice/lamp "$@"
  }
  keeping -E || fail "alice cannot subscribe"
  for time in 1 2 3 4 5; do
    mosquitto_pub -p "$PARLEY_MQTT_PORT" -u alice -P "$token" -q 1 -t devices/alice/lamp -m "at $time" || fail "alice cannot write"
    sed -i "s/^max_pace_ms = .*/max_pace_ms = 1$time/" "$PARLEY_VAR/parley.toml"
    run 0 up
    said "Restarting broker"
    keeping -C 1 -W 10 >"$work/output" 2>&1 || fail "after change $time what was queued is gone"
    said "at $time"
    [[ ! -e $PARLEY_VAR/data/mosquitto.db.damaged ]] || fail "change $time took the sessions for damaged"
    # Ends that were not asked for do not count either, once a start has gone well.
    ((time == 3 || time == 4)) || continue
    killed=$(broker)
    kill -KILL "$killed"
    another_broker() { [[ $(broker) != "$killed" ]] && "$home/parley" status >/dev/null 2>&1; }
    eventually another_broker
    rm -f "$PARLEY_VAR/data/mosquitto.db.damaged"
    keeping -E || fail "alice cannot subscribe again"
  done
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
  # A check takes what is left for as long as it lasts, also when it is ended.
  copies() { compgen -G "$PARLEY_VAR/lib/.check.*" >/dev/null; }
  run 0 up
  "$home/parley" check >/dev/null 2>&1 &
  helper=$!
  eventually copies
  kill -TERM "$helper" 2>/dev/null || true
  none_left() { ! copies; }
  eventually none_left
  helper=
  head -c "$((($(df -k --output=avail "$PARLEY_VAR" | tail -n 1) - 1000) * 1024))" /dev/zero >"$PARLEY_VAR/fill"
  run 1 check
  said "is full"
  ! copies || fail "a part of a copy was left"
  printf 'there is room\n' >"$PARLEY_VAR/fill3" || fail "the check took what was left"
  rm "$PARLEY_VAR"/fill*
  run 0 down
  # From the beginning on a full disk: said at once.
  dd if=/dev/zero of="$PARLEY_VAR/fill" bs=1M 2>/dev/null || true
  run 1 up
  said "is full"
  run 3 status
  said "is full"
  rm "$PARLEY_VAR/fill"
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
    if [[ $name == bridge ]]; then
      # Each question takes its time, and they count.
      began=$SECONDS
      PARLEY_WAIT_S=5 run 1 up
      said "process $process is frozen"
      ((SECONDS - began < 60)) || fail "up waited $((SECONDS - began)) s, not 5"
    fi
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

# What a power failure makes of the launcher's own files: those that count are on disk before they have their names, and
# the others may have anything in them.
test_power_failure() {
  new_node power
  local program real
  mkdir "$work/bin"
  for program in sync mv; do
    real=$(command -v "$program")
    printf '#!/bin/sh\nprintf "%%s\\n" "%s $*" >>"%s"\nexec "%s" "$@"\n' "$program" "$work/asked" "$real" >"$work/bin/$program"
    chmod +x "$work/bin/$program"
  done
  PATH="$work/bin:$PATH" run 0 up
  local file moved synced
  for file in parley.toml bridge.toml; do
    file=$PARLEY_VAR/$file
    moved=$(grep -cF -- "mv -f -- $file.new $file" "$work/asked") || fail "$file was not put in place as a whole"
    synced=$(grep -F -B1 -- "mv -f -- $file.new $file" "$work/asked" | grep -cxF -- "sync -- $file.new") || synced=0
    ((moved == synced)) || fail "$file got its name $moved times, and was synced before $synced times"
  done
  grep -qxF -- "sync -- $PARLEY_VAR" "$work/asked" || fail "the name of PostgreSQL's folder was not synced"

  local token
  token=$(register alice)
  [[ -n $token ]] || fail "alice could not register"
  kill -KILL "$(supervisor)" "$(broker)" "$(bridge)" "$(postgres)"
  rm -f "$work/bin/"*
  # Whatever is written anew at each start.
  for file in "$PARLEY_VAR"/launcher/*.{pid,mark,failures,ended} "$PARLEY_VAR"/{launcher/plan,launcher/started,mosquitto.conf,url}; do
    [[ ! -f $file ]] || head -c 100 /dev/zero >"$file"
  done
  run 0 up
  said "MQTT on 127.0.0.1:$PARLEY_MQTT_PORT"
  if grep -qF warning "$work/output"; then fail "it speaks of what nobody need know"; fi
  [[ $(curl -sS -o "$work/answer" -w '%{http_code}' --max-time 5 "http://127.0.0.1:$PARLEY_HTTP_PORT/api/v1/users/me" \
    -H "Authorization: Bearer $token") == 200 ]] || fail "alice's token is not taken"
  run 0 down
}
