# Messages and processes. Sourced by ./parley.

say() { printf '%s\n' "$*"; }
warn() { printf 'parley: %s\n' "$*" >&2; }
die() {
  warn "$*"
  exit 1
}

is_root() { ((EUID == 0)); }

# as_user USER COMMAND...: as that user when we are root, else as we are.
as_user() {
  local user=$1
  shift
  # Not from a folder that the other may be unable to read.
  if is_root; then (cd / && exec setpriv "--reuid=$user" "--regid=$user" --init-groups -- "$@"); else "$@"; fi
}

# absolute_path PATH: without links followed, so that messages show what the user typed.
absolute_path() { realpath -ms -- "$1"; }

# process_has PID WORD...: whether PID lives and its command line holds these words beside each other. A pid file may
# be older than the process that has its number now; this tells them apart.
process_has() {
  local pid=$1 line
  shift
  [[ $pid =~ ^[1-9][0-9]*$ && -r /proc/$pid/cmdline ]] || return 1
  # Words end in a newline here instead of a zero byte, which bash cannot hold.
  line=$(tr '\0\n' '\n ' <"/proc/$pid/cmdline" 2>/dev/null) || return 1
  [[ $'\n'$line$'\n' == *$'\n'"$(printf '%s\n' "$@")"$'\n'* ]]
}

# wait_gone PID SECONDS: until the process has ended (a zombie has).
wait_gone() {
  local pid=$1 tenths=$(($2 * 10)) state
  while ((tenths-- > 0)); do
    state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$pid/status" 2>/dev/null) || return 0
    [[ -n $state && $state != Z ]] || return 0
    sleep 0.1
  done
  return 1
}

# stop_process PID SECONDS NAME [SIGNAL]: asks it to end, and insists after that time. False, with words, when it stays.
stop_process() {
  local pid=$1 seconds=$2 name=$3
  kill -s "${4:-TERM}" "$pid" 2>/dev/null || return 0
  # What is frozen hears nothing but KILL, and would leave its children behind.
  if is_frozen "$pid"; then warn "$name (process $pid) was frozen (SIGSTOP); it goes on now, to end"; fi
  thaw "$pid"
  wait_gone "$pid" "$seconds" && return 0
  warn "$name (process $pid) did not end within $seconds s; killing it"
  kill -KILL "$pid" 2>/dev/null || true
  wait_gone "$pid" 5 && return 0
  warn "$name (process $pid) cannot be killed; it waits for a disk or a network that does not answer (see dmesg)"
  return 1
}

port_listens() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

check_port() {  # NAME VALUE
  [[ $2 =~ ^[1-9][0-9]{0,4}$ ]] && (($2 <= 65535)) || die "$1 is '$2': set it to a port, 1 to 65535"
}

# run_logged LOG WHAT COMMAND...: quiet unless it fails; then the end of its output.
run_logged() {
  local log=$1 what=$2
  shift 2
  if ! "$@" >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    die "$what failed; all of its output is in $log"
  fi
}

# toml_get FILE SECTION KEY: the value as it is written, a comment after it left out; nothing when it is not set. An array
# may go over several lines, and then comes as one.
toml_get() { toml_edit "$1" "$2" "$3"; }

# toml_text FILE SECTION KEY: the same for a text of one line, without its quotes.
toml_text() {
  local value
  value=$(toml_get "$@")
  value=${value#\"}
  value=${value%\"}
  value=${value//\\\"/\"}
  printf '%s' "${value//\\\\/\\}"
}

# toml_set FILE SECTION KEY VALUE: in its place when it has one (a comment after it stays), else below the section's
# name. The file keeps its owner and mode.
toml_set() {
  local text
  text=$(toml_edit "$@")
  [[ $text == "$(<"$1")" ]] || write_file "$1" "$text"
}

# put_in_place FILE: FILE.new takes its name, once what is in it is on disk. A file system may keep the name first, and a
# power failure then leaves an empty file where a good one was.
put_in_place() { sync -- "$1.new" && mv -f -- "$1.new" "$1"; }
copy_in_place() { cp -- "$1" "$2.new" && put_in_place "$2"; }

# write_file FILE TEXT: by a file beside it, so that a disk that is full takes nothing away; with its owner and mode.
write_file() {
  local file
  file=$(realpath -m -- "$1")
  if [[ -e $file ]]; then
    cp -p "$file" "$file.new" || die "cannot write to $file"
  fi
  if ! printf '%s\n' "$2" >"$file.new" || ! put_in_place "$file"; then
    rm -f "$file.new"
    die "cannot write to $file"
  fi
}

# toml_edit FILE SECTION KEY [VALUE]: prints the value, or the file with this one instead.
toml_edit() {
  section=$2 key=$3 value=${4-} editing=$(($# > 3)) awk '
    BEGIN { section = ENVIRON["section"]; key = ENVIRON["key"]; value = ENVIRON["value"]; editing = ENVIRON["editing"] }
    function finish(rest) {
      open = 0
      done = 1
      if (editing) print key " = " value (rest == "" ? "" : " " rest)
      else print found
    }
    open {  # within an array of several lines
      sub(/^[[:space:]]+/, "")
      found = found (found ~ /\[$/ || /^\]/ ? "" : " ") $0
      if (/^\]/) finish(substr($0, 2))
      next
    }
    /^[[:space:]]*\[/ {
      if (here && !done && editing) { print key " = " value; done = 1 }
      here = ($0 ~ "^[[:space:]]*\\[" section "\\]")
      seen = seen || here
    }
    here && !done && $0 ~ "^[[:space:]]*" key "[[:space:]]*=" {
      rest = $0
      sub(/^[^=]*=[[:space:]]*/, "", rest)
      if (rest ~ /^"/) match(rest, /^"([^"\\]|\\.)*"/); else match(rest, /^[^#]*/)
      found = substr(rest, 1, RLENGTH)
      rest = substr(rest, RLENGTH + 1)
      sub(/[[:space:]]+$/, "", found)
      sub(/^[[:space:]]+/, "", rest)
      if (found ~ /^\[/ && found !~ /\]$/) { open = 1; next }
      finish(rest)
      next
    }
    editing { print }
    END {
      if (!editing || done) exit
      if (!seen) print "\n[" section "]"
      print key " = " value
    }' "$1"
}

# TEXT as a TOML string.
toml_string() {
  local text=${1//\\/\\\\}
  printf '"%s"' "${text//\"/\\\"}"
}

# percent_encode TEXT: all but what stands for itself anywhere in a URL (RFC 3986, 2.3).
percent_encode() {
  local LC_ALL=C text=$1 out='' char i
  for ((i = 0; i < ${#text}; i++)); do
    char=${text:i:1}
    case $char in
      [A-Za-z0-9._~-]) out+=$char ;;
      *) printf -v char '%%%02X' "'$char" && out+=$char ;;
    esac
  done
  printf '%s' "$out"
}
