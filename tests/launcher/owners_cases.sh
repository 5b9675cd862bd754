# Whose files and processes they are. Cases of launcher_test.sh.

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
  # It has an end in bytes, and a letter may have several.
  new_broker "$(printf '\u00e4%.0s' {1..45})"
  run 0 up
  bell=$(sed -nE 's/^socket = "([^"]*)".*/\1/p' "$PARLEY_VAR/parley.toml")
  short_folders+=("${bell%/*}")
  [[ $bell == /*/parley-*-bell/doorbell.sock ]] || fail "the socket is in $bell"
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

# Anybody may call a program mosquitto and give it the node's file to read; that makes it none of the node's.
test_knows_its_own_by_their_user() {
  if ((EUID != 0)); then
    printf 'only root can be somebody else\n'
    return
  fi
  new_broker impostor
  run 0 up
  run 0 down
  mkdir -m 0755 "$work/bin"
  cp "$(readlink -f "$BASH")" "$work/bin/mosquitto"
  mkfifo "$work/pipe"
  chmod 0666 "$work/pipe"
  # shellcheck disable=SC2016
  setpriv --reuid=nobody --regid=nogroup --clear-groups "$work/bin/mosquitto" -c 'read -rt 600 <>"$2"' \
    -c "$PARLEY_VAR/mosquitto.conf" "$work/pipe" &
  helper=$!
  named() { [[ $(cat "/proc/$helper/comm") == mosquitto ]]; }
  eventually named
  run 3 status
  run 0 down
  said "not running"
  run 0 up
  [[ $(broker) != "$helper" ]] || fail "a stranger was taken for the broker"
  run 0 down
  printf '%s\n' "$helper" >"$PARLEY_VAR/launcher/broker.pid"
  run 0 down
  lives "$helper" || fail "down killed somebody else's process"
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

# What the broker's user may put into its folders is not root's to follow.
test_follows_nothing_of_the_brokers() {
  if ((EUID != 0)); then
    printf 'only root has this problem\n'
    return
  fi
  local -a mosquitto=(setpriv --reuid=mosquitto --regid=mosquitto --clear-groups)
  local log victim=$work/victim place
  new_broker links
  log=$PARLEY_VAR/log
  run 0 up
  [[ -s $log/mosquitto.log ]] || fail "no log is written"
  ! "${mosquitto[@]}" touch "$log/mine" 2>/dev/null || fail "the broker's user can write to log/"
  ! "${mosquitto[@]}" ln -sf "$victim" "$log/mosquitto.log" 2>/dev/null || fail "the broker's user can replace its log"
  # A folder from before, where somebody has been busy: refused while it runs, and when it does not.
  local run
  for run in yes no; do
    [[ $run == yes ]] || run 0 down
    for place in mosquitto.log.1 more; do
      chown mosquitto: "$log"
      for way in -s ''; do
        printf 'kept' >"$victim"
        chown mosquitto: "$victim"
        ln $way "$victim" "$log/$place" 2>/dev/null || continue
        run 1 up
        said "log/$place is a link"
        if [[ $run == yes ]]; then lives "$(broker)" || fail "the broker was stopped"; fi
        [[ $(<"$victim") == kept && $(stat -c %U "$victim") == mosquitto ]] || fail "root followed a link"
        rm -f "$log/$place"
      done
    done
  done
  chown -R mosquitto: "$log"
  # Sessions that look damaged are moved, not into a folder that a link names.
  mkdir -m 0700 "$work/theirs"
  printf rubbish | "${mosquitto[@]}" tee "$PARLEY_VAR/data/mosquitto.db" >/dev/null
  "${mosquitto[@]}" ln -s "$work/theirs" "$PARLEY_VAR/data/mosquitto.db.damaged"
  run 0 up
  [[ $(stat -c '%U %a' "$log") == "root 700" && $(stat -c %U "$log/mosquitto.log") == root ]] || fail "log/ is not root's again"
  [[ -z $(ls -A "$work/theirs") ]] || fail "root moved a file through a link"
  [[ -f $PARLEY_VAR/data/mosquitto.db.damaged && ! -L $PARLEY_VAR/data/mosquitto.db.damaged ]] || fail "the damaged file was not put aside"
  run 0 down
}

# The same as an ordinary user, when this copy can be read by one.
as_nobody() {
  local -a nobody=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
  if ! "${nobody[@]}" test -x "$home/parley" -a -r "$PARLEY_BUILD_DIR/broker-plugin/libparley_plugin.so"; then
    printf 'this copy is closed to other users; the part as an ordinary user is left to them\n'
    return
  fi
  mkdir -m 0777 "$work/nobody"
  PARLEY_VAR='' TMPDIR="$work/nobody" HOME="$work/nobody" "${nobody[@]}" "$home/tests/launcher/launcher_test.sh" test_whose_it_is
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
