# What `up` leaves running: starts the processes of a node, and starts again what dies. Sourced by ./parley.

# A log is put aside at this size; one older is kept.
readonly log_limit_bytes=$((64 << 20))

# What runs, in the order of starting; launcher/plan says it. State by name: the process, when it began, how long to wait
# before the next start (ms), when that is, and how many lives in a row have failed soon after they began.
services=()
declare -A child=() began_ms=() pause_ms=() due_ms=() failures=()

# Nothing here that runs once the traps are set substitutes a command, $(...): bash 5.2 loses its way when a trapped signal
# comes while it does, and ends. What is asked for is left in `now` and `reply` instead.
now=0 reply=

supervise() {
  (($# == 1)) || die "__supervise is for ./parley up"
  var=$1
  stopping=no
  # Mosquitto's configuration names its files from here, so that a path may hold spaces.
  cd "$var"
  read_plan launcher/plan
  trap 'stopping=yes' TERM INT
  trap 'tell broker HUP; tell bridge HUP; tell postgres HUP' HUP
  trap forgive USR1
  open_clock
  local name
  forgive
  while [[ $stopping == no ]]; do
    for name in "${services[@]}"; do
      read_clock
      [[ -n ${child[$name]:-} ]] || ((now < due_ms[$name])) || start_service "$name"
    done
    if ((ticks++ % 50 == 0)); then rotate_logs; fi
    tick
    bury
  done
  trap '' TERM INT HUP USR1  # it is ending already
  note "stopping"
  # In the order opposite to starting: nobody loses what it still needs.
  local i
  for ((i = ${#services[@]} - 1; i >= 0; i--)); do stop_service "${services[i]}"; done
  note "stopped"
}

# `up` has changed something: what died before may be started at once, and has not failed yet with what is new.
forgive() {
  local name
  for name in "${services[@]}"; do
    due_ms[$name]=0 pause_ms[$name]=200
    set_failures "$name" 0
  done
}
set_failures() {  # NAME NUMBER
  failures[$1]=$2
  write_down "$1.failures" "$2"
}

read_clock() { now=$((${EPOCHREALTIME/[.,]/} / 1000)); }  # ms
note() { printf '%(%Y-%m-%dT%H:%M:%S)T: %s\n' -1 "$*" 2>/dev/null || true; }
# A disk that is full or read-only must not end who starts things again; what is not written down is found by itself.
write_down() { { printf '%s\n' "$2" >"launcher/$1"; } 2>/dev/null || true; }
tell() { [[ -z ${child[$1]:-} ]] || kill -s "$2" "${child[$1]}" 2>/dev/null || true; }

# A pipe that nobody writes to: waiting for it with a limit sleeps without a process, is ended by a signal's trap at once,
# and has no moment in which a child's end could be missed.
open_clock() {
  ticks=0
  rm -f launcher/clock
  mkfifo -m 0600 launcher/clock
  exec 7<>launcher/clock
  rm -f launcher/clock
}
tick() { read -rt 0.2 -u 7 || true; }

# read_plan FILE: names and values that the commands need.
read_plan() {
  local key value
  while IFS='=' read -r key value; do
    case $key in
      services) read -ra services <<<"$value" ;;
      pg_bin | pg_socket | roles) printf -v "$key" '%s' "$value" ;;
    esac
  done <"$1"
}

# service_log NAME: where it writes, as seen from var.
service_log() {
  case $1 in
    broker) reply=log/mosquitto.log ;;
    *) reply=launcher/$1.log ;;
  esac
}

start_service() {
  local name=$1 user=
  local -a argv=()
  case $name in
    postgres) pg_command && user=$pg_user ;;
    broker)
      set_damaged_sessions_aside
      argv=(mosquitto -c "$var/mosquitto.conf")  # drops to its user by itself
      ;;
    bridge) bridge_command && user=$bridge_user ;;
    *) die "launcher/plan names an unknown service: $name" ;;
  esac
  if [[ -n $user ]] && is_root; then argv=(setpriv "--reuid=$user" "--regid=$user" --init-groups -- "${argv[@]}"); fi
  service_log "$name"
  local log=$reply
  { : >>"$log"; } 2>/dev/null || log=/dev/null
  "${argv[@]}" >>"$log" 2>&1 7>&- &
  child[$name]=$!
  read_clock
  began_ms[$name]=$now
  write_down "$name.pid" "${child[$name]}"
  note "$name started, process ${child[$name]}"
}

# What the broker wrote of its sessions when it last ended. Mosquitto does not start on a file that is damaged, and takes
# half of one that is cut short for the whole; so it gets only the file that the plugin has looked through and sealed. One
# on which it has failed to start twice is not tried again. The folder is the broker's: what is in it is read and moved as
# the broker's user, and not root's to follow.
set_damaged_sessions_aside() {
  local file=data/mosquitto.db
  [[ -e $file || -L $file ]] || return 0
  if ((failures[broker] < 2)) && sessions_are_sealed 2>/dev/null; then return 0; fi
  if as_user "$broker_user" mv -fT "$var/$file" "$var/$file.damaged"; then
    note "$file, the sessions kept from before, is damaged or was left by a crash: it is $file.damaged now, and clients begin new sessions"
  else
    note "$file, the sessions kept from before, is damaged or was left by a crash, and cannot be moved away"
  fi
  as_user "$broker_user" rm -f "$var/$file.sha256" || true
}
# Within a limit: a pipe in their place would never end.
sessions_are_sealed() {
  as_user "$broker_user" timeout 120 sh -c 'cd "$1" && sha256sum --check --status mosquitto.db.sha256' sh "$var/data"
}

# What has ended by itself.
bury() {
  local name status
  for name in "${services[@]}"; do
    if [[ -z ${child[$name]:-} ]] || kill -0 "${child[$name]}" 2>/dev/null; then continue; fi
    status=0
    wait "${child[$name]}" 2>/dev/null || status=$?  # not its own words on how it ended
    service_ended "$name" "$status"
  done
}

service_ended() {
  local name=$1 pause=${pause_ms[$1]}
  # What ran for a while gets a quick start again; what dies at once is not hurried. One that was asked to end, for a start
  # with other options, has not failed.
  read_clock
  local lived=$((now - began_ms[$name]))
  if ((lived >= 30000)); then pause=200; fi
  if ((lived >= 30000 || $2 == 0)); then
    set_failures "$name" 0
  else
    set_failures "$name" "$((failures[$name] + 1))"
  fi
  ending "$2"
  note "$name ended by itself ($reply); starting it again in $pause ms"
  write_down "$name.ended" "$EPOCHSECONDS $reply"
  child[$name]=
  due_ms[$name]=$((now + pause))
  next_pause "$pause"
  pause_ms[$name]=$reply
}

stop_service() {
  local name=$1 seconds=30
  [[ -n ${child[$name]:-} ]] || return 0
  tell "$name" "$(stop_signal "$name")"
  thaw "${child[$name]}"
  if ! wait_gone "${child[$name]}" "$seconds"; then
    note "$name did not end within $seconds s; killing it"
    tell "$name" KILL
  fi
}

ending() {
  local -A of_signal=([1]=HUP [2]=INT [3]=QUIT [4]=ILL [6]=ABRT [7]=BUS [8]=FPE [9]=KILL [11]=SEGV [13]=PIPE [15]=TERM [24]=XCPU [25]=XFSZ [31]=SYS)
  local number=$(($1 - 128))
  if ((number > 0)); then reply="signal ${of_signal[$number]:-$number}"; else reply="status $1"; fi
}

next_pause() {
  case $1 in
    200) reply=1000 ;;
    1000) reply=3000 ;;
    3000) reply=10000 ;;
    *) reply=30000 ;;
  esac
}

test_larger() { find "$1" -size "+$((log_limit_bytes / 512))" -print 2>/dev/null | read -r _; }

rotate_logs() {
  local file
  # We opened them, for appending: what is written while one is copied is lost, nothing else.
  for file in log/mosquitto.log launcher/*.log; do
    [[ -f $file ]] && test_larger "$file" || continue
    cp "$file" "$file.1" && truncate -s 0 "$file" || true
  done
}
