// completion bash: a script for bash, made from the commands themselves.
#include <cstdio>

#include "clients/parleyctl/context.h"

namespace parley::ctl {
namespace {

// "parleyctl user put" -> its subcommands and flags, one case of the script.
void add_cases(const CLI::App& app, const std::string& path, std::string& out) {
  std::string words;
  for (const CLI::App* sub : app.get_subcommands({})) words += sub->get_name() + " ";
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) words += "--" + name + " ";
  }
  if (!words.empty()) words.pop_back();
  out += "    '" + path + "') words='" + words + "' ;;\n";
  for (const CLI::App* sub : app.get_subcommands({})) {
    add_cases(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name(), out);
  }
}

void print_bash(const CLI::App& app) {
  std::string cases;
  add_cases(app, "", cases);
  std::printf(R"(# Completion of parleyctl for bash: source this, or: source <(parleyctl completion bash)
_parleyctl() {
  local word path='' words='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    case $word in
      --var | --host | --port) ((i++)) ;;
      -*) ;;
      *) path+=${path:+ }$word ;;
    esac
  done
  # Arguments follow the command: what is known of the longest path that is one.
  while :; do
    case $path in
%s    *) if [[ $path == *' '* ]]; then path=${path%% *}; continue; fi ;;
    esac
    break
  done
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _parleyctl parleyctl
)",
              cases.c_str());
}

}  // namespace

void add_completion_command(CLI::App& app, Context&) {
  CLI::App* completion = app.add_subcommand("completion", "Print a completion script for a shell");
  completion->require_subcommand(1);
  completion->add_subcommand("bash", "source <(parleyctl completion bash)")->callback([&app] {
    print_bash(app);
  });
}

}  // namespace parley::ctl
