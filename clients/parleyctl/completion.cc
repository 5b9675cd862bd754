// completion bash, completion zsh: scripts for shells, made from the commands themselves.
#include <cstdio>
#include <set>
#include <string>
#include <utility>

#include "clients/parleyctl/command_line.h"
#include "clients/parleyctl/context.h"

namespace parley::ctl {
namespace {

// "parleyctl user put" -> its subcommands and flags, one case of the script.
void add_cases(const Command& app, const std::string& path, std::string& out) {
  std::string words;
  for (const Command& sub : app.subcommands()) words += sub.name() + " ";
  for (const std::string& flag : app.flags()) words += flag + " ";
  if (!words.empty()) words.pop_back();
  out += "      '" + path + "') found='" + words + "' ;;\n";
  for (const Command& sub : app.subcommands()) {
    add_cases(sub, path.empty() ? sub.name() : path + " " + sub.name(), out);
  }
}

// Flags whose next word is their value: "--host | --port".
void gather_valued(const Command& app, std::set<std::string>& out) {
  for (std::string& flag : app.flags_with_value()) out.insert(std::move(flag));
  for (const Command& sub : app.subcommands()) gather_valued(sub, out);
}

struct Parts {
  std::string cases;
  std::string valued;
};

Parts parts_of(const Command& app) {
  Parts parts;
  add_cases(app, "", parts.cases);
  std::set<std::string> valued;
  gather_valued(app, valued);
  for (const std::string& name : valued) parts.valued += (parts.valued.empty() ? "" : " | ") + name;
  return parts;
}

// Both shells: the words before the cursor, flags and their values aside, are a command and perhaps its
// arguments; what is known of the longest beginning of them that is a command is offered.
constexpr char kBash[] =
    R"(# Completion of parleyctl for bash: source this, or: source <(parleyctl completion bash)
_parleyctl() {
  local word path='' found='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    case $word in
      %s) ((i++)) ;;
      -*) ;;
      *) path+=${path:+ }$word ;;
    esac
  done
  while :; do
    case $path in
%s      *) if [[ $path == *' '* ]]; then path=${path%% *}; continue; fi ;;
    esac
    break
  done
  mapfile -t COMPREPLY < <(compgen -W "$found" -- "${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _parleyctl parleyctl
)";

constexpr char kZsh[] = R"(#compdef parleyctl
# Completion of parleyctl for zsh, after compinit: source <(parleyctl completion zsh)
_parleyctl() {
  local word where='' found='' i
  for ((i = 2; i < CURRENT; i++)); do
    word=${words[i]}
    case $word in
      (%s) ((i++)) ;;
      (-*) ;;
      (*) where+=${where:+ }$word ;;
    esac
  done
  while :; do
    case $where in
%s      *) if [[ $where == *' '* ]]; then where=${where%% *}; continue; fi ;;
    esac
    break
  done
  compadd -- ${=found} || _files
}
compdef _parleyctl parleyctl
)";

void print(const Command& app, bool zsh) {
  const Parts parts = parts_of(app);
  if (zsh) {
    std::printf(kZsh, parts.valued.c_str(), parts.cases.c_str());
  } else {
    std::printf(kBash, parts.valued.c_str(), parts.cases.c_str());
  }
}

}  // namespace

void add_completion_command(Command app, Context&) {
  Command completion = app.subcommand("completion", "Print a completion script for a shell");
  completion.require_subcommand();
  completion.subcommand("bash", "source <(parleyctl completion bash)").run([app] { print(app, false); });
  completion.subcommand("zsh", "source <(parleyctl completion zsh)").run([app] { print(app, true); });
}

}  // namespace parley::ctl
