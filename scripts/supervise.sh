# What `up` leaves running: starts the broker again when it dies. Sourced by ./parley.

# A log of the broker is put aside at this size; one older is kept.
readonly log_limit_bytes=$((64 << 20))

supervise() {
  (($# == 1)) || die "__supervise is for ./parley up"
  local var=$1 pause=0.2 starts=0 began status
  broker=
  stopping=no
  # Mosquitto's configuration names its files from here, so that a path may hold spaces.
  cd "$var"
  trap 'stopping=yes; tell_broker TERM' TERM INT
  trap 'tell_broker HUP' HUP
  while [[ $stopping == no ]]; do
    began=$SECONDS
    rotate_log
    mosquitto -c "$var/mosquitto.conf" &
    broker=$!
    printf '%s\n' "$broker" >launcher/broker.pid
    printf '%s\n' "$((++starts))" >launcher/starts
    note "broker started, process $broker"
    # A signal that came before there was a broker to tell.
    [[ $stopping == no ]] || tell_broker TERM
    status=0
    watch_broker || status=$?
    [[ $stopping == no ]] || break
    note "broker ended by itself ($(ending "$status")); starting it again in $pause s"
    # What ran for a while gets a quick start again; what dies at once is not hurried.
    ((SECONDS - began < 30)) || pause=0.2
    sleep "$pause" &
    wait $! || true
    pause=$(next_pause "$pause")
  done
  note "stopping"
  if [[ -n $broker ]] && ! wait_gone "$broker" 30; then
    note "broker did not end within 30 s; killing it"
    kill -KILL "$broker" 2>/dev/null || true
  fi
  note "stopped"
}

tell_broker() { [[ -z $broker ]] || kill -s "$1" "$broker" 2>/dev/null || true; }

note() { printf '%s: %s\n' "$(date +%Y-%m-%dT%H:%M:%S)" "$*"; }

# Until the broker ends, or we shall; its status.
watch_broker() {
  local timer status ended
  while [[ $stopping == no ]]; do
    sleep 60 &
    timer=$!
    status=0
    ended=
    wait -n -p ended "$broker" "$timer" || status=$?  # a signal to us ends it too, and unsets the name
    kill "$timer" 2>/dev/null || true
    if [[ ${ended:-} == "$broker" ]]; then return "$status"; fi
    rotate_log
  done
}

ending() {
  if (($1 > 128)); then printf 'signal %s' "$(kill -l "$1" 2>/dev/null || printf '%s' "$(($1 - 128))")"; else printf 'status %s' "$1"; fi
}

next_pause() {
  case $1 in
    0.2) printf 1 ;;
    1) printf 3 ;;
    3) printf 10 ;;
    *) printf 30 ;;
  esac
}

rotate_log() {
  local size
  size=$(stat -c %s log/mosquitto.log 2>/dev/null) || return 0
  ((size > log_limit_bytes)) || return 0
  mv -f log/mosquitto.log log/mosquitto.log.1
  # At SIGHUP Mosquitto opens its log file anew (and reads its configuration again, which has not changed).
  tell_broker HUP
}
