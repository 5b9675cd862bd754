# What is wrong with a part of the node, and what to do about it, in words. Sourced by ./parley.

# reason_of NAME: why it did not start, does not answer or has died: of its log, what complains; then what is wrong around it.
reason_of() {
  local name=$1 words pid
  if pid=$(service_pid "$name") && is_frozen "$pid"; then
    printf 'process %s is frozen: somebody has stopped it (SIGSTOP); kill -CONT %s lets it go on\n' "$pid" "$pid"
    return
  fi
  words=$(complaints "$name")
  [[ -n $words ]] || words=$(last_words "$name" | tail -n 3)
  [[ -n $words ]] || words=$(tail -n 2 "$var/launcher/supervisor.log" 2>/dev/null) || true
  [[ -z $words ]] || printf '%s\n' "$words"
  what_to_do "$words"
}

# The lines of its last start that say what went wrong; the last three.
complaints() {
  case $1 in
    # What Mosquitto and the plugin say of a start that goes well is left out.
    broker)
      last_words "$1" | sed -E 's/^[0-9T:-]+: //' |
        grep -vE '^(mosquitto version|Config loaded|Loading plugin|Opening (ipv|unix|websockets)|event=(node_started|node_stopped|keys_read|request)|Saving in-memory|Warning: Mosquitto should not be run as root)' || true
      ;;
    postgres) last_words "$1" | grep -E '(FATAL|PANIC|ERROR|HINT|DETAIL|WARNING):' | grep -vE 'the database system is (starting up|not yet accepting)' || true ;;
    # Its lines are JSON, but for what comes before its log: options, a library that is not there.
    bridge)
      last_words "$1" | grep -vE '"level":"(debug|info)"' | sed -E \
        's/^\{.*"msg":"(([^"\\]|\\.)*)".*"(reason|error|missing|detail)":"(([^"\\]|\\.)*)".*/\1: \4/; s/\\"/"/g' || true
      ;;
  esac | awk '!seen[$0]++' | tail -n 3
}

# what_to_do WORDS: for what these words and the disk say.
what_to_do() {
  local advice=
  case $1 in
    *"No space left"* | *"disk is full"* | *"quota"*) ;;  # disk_trouble tells
    *"Read-only file system"*) ;;
    *"Address already in use"*) advice="another program has the port: stop that one, or choose another port" ;;
    *"cannot open the log"*lock* | *"cannot open the replica"*lock* | *"LOCK"*) advice="another broker has var/data open: ./parley down stops all that belong to this folder" ;;
    *signing.pem* | *jwks.json* | *"signing key"*) advice=$(key_advice) ;;
    *"error while loading shared libraries"*) advice="a library is missing: ./parley build installs what is needed" ;;
    *"Permission denied"* | *"permission denied"*) advice="a file belongs to somebody else: was this node run by another user? (try sudo)" ;;
    *"could not create shared memory"* | *"out of memory"* | *"Cannot allocate memory"*) advice="the machine has no memory left for it" ;;
    *"invalid checkpoint"* | *"invalid page"* | *"could not locate a valid checkpoint"* | *Corruption*) advice="its data is damaged: restore a backup (docs/operating.md, 5), and look at the disk (dmesg)" ;;
  esac
  disk_trouble
  [[ -z $advice ]] || printf '%s\n' "$advice"
}

key_advice() {
  printf '%s' "a key in $var/keys is damaged. Put back a copy (docs/operating.md, 6). jwks.json can be moved away, ./parley up makes it anew;
  without a copy of signing.pem move that and jwks.json away: ./parley up makes new ones, and people sign in again"
}

# What is wrong with the disk that the node is on; nothing when all is well.
disk_trouble() {
  local folder=$var/launcher words
  [[ -d $folder ]] || folder=$var
  [[ -d $folder ]] || return 0
  words=$( (: >"$folder/.probe" && head -c 65536 /dev/zero >"$folder/.probe") 2>&1) || true
  rm -f "$folder/.probe" 2>/dev/null || true
  case $words in
    *"No space left"*) printf 'the disk of %s is full (%s): make room\n' "$var_shown" "$(free_space)" ;;
    *quota*) printf 'the quota on the disk of %s is used up: make room\n' "$var_shown" ;;
    *"Read-only file system"*) printf 'the disk of %s is mounted read-only: see dmesg, and mount it for writing\n' "$var_shown" ;;
    *"Input/output error"*) printf 'the disk of %s fails (input/output error): see dmesg\n' "$var_shown" ;;
    *) ;;
  esac
}
free_space() { df -Ph "$var" 2>/dev/null | awk 'NR == 2 { print $4 " of " $2 " free" }'; }

# is_frozen PID: stopped by a signal or a debugger.
is_frozen() { [[ $(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) == [Tt] ]]; }

# thaw PID: it and all that it has started, so that they hear the signal that ends them.
thaw() {
  local child
  kill -CONT "$1" 2>/dev/null || true
  for child in $(ps -o pid= --ppid "$1" 2>/dev/null || true); do thaw "$child"; done
}

# find_processes PROGRAM WORD...: the processes of that name whose command line holds these words beside each other, one a
# line: those whose pid file is lost. Not in another container, whose paths mean something else.
find_processes() {
  local program=$1 pid here
  shift
  here=$(readlink /proc/self/ns/mnt 2>/dev/null) || here=
  grep -lzxF -- "${!#}" /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3 | sort -n | while read -r pid; do
    [[ $pid != "$$" && $pid != "$BASHPID" ]] || continue
    [[ $(cat "/proc/$pid/comm" 2>/dev/null) == "$program" ]] || continue
    [[ $(readlink "/proc/$pid/ns/mnt" 2>/dev/null) == "$here" ]] || continue
    process_has "$pid" "$@" || continue
    is_of_node "$pid" || continue
    ! process_has "$pid" --check || continue
    printf '%s\n' "$pid"
  done
  return 0
}

# is_of_node PID: whether its user is one that runs nodes here. Anybody may call a program as they like; whose it is they
# cannot choose.
is_of_node() {
  local owner user
  owner=$(ps -o euid= -p "$1" 2>/dev/null) && owner=${owner// /} || return 1
  ((owner != 0 && owner != EUID)) || return 0
  for user in "$broker_user" "$bridge_user" "$pg_user"; do [[ $owner != "$(id -u "$user" 2>/dev/null)" ]] || return 0; done
  # Root looks at what a user has run before, too.
  is_root && [[ $owner == "$(stat -c %u "$var" 2>/dev/null)" ]]
}

# marks_of NAME: sets program and marks, by which a process of this node is known.
marks_of() {
  case $1 in
    supervisor) program=bash marks=(__supervise "$var") ;;
    postgres) program=postgres marks=(-D "$var/pg") ;;
    broker) program=mosquitto marks=(-c "$var/mosquitto.conf") ;;
    bridge) program=parley-bridge marks=(--config "$var/bridge.toml") ;;
  esac
}

# process_of NAME: by its pid file, or else by looking at all processes.
process_of() {
  local pid program
  local -a marks
  marks_of "$1"
  pid=
  { read -r pid <"$var/launcher/$1.pid"; } 2>/dev/null || true  # it may be gone, or hold zeros after a power failure
  if process_has "$pid" "${marks[@]}" && is_of_node "$pid"; then
    printf '%s' "$pid"
    return
  fi
  pid=$(find_processes "$program" "${marks[@]}" | head -n 1) || true
  [[ -n $pid ]] && printf '%s' "$pid"
}
