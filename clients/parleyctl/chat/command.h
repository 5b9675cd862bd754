// What a line typed into the chat means. Pure.
#ifndef PARLEY_CLIENTS_PARLEYCTL_CHAT_COMMAND_H_
#define PARLEY_CLIENTS_PARLEYCTL_CHAT_COMMAND_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/ids.h"

namespace parley::chat {

struct Command {
  enum class Kind : std::uint8_t {
    nothing,  // an empty line
    say,
    reply,
    edit,
    remove,
    react,
    unreact,
    numbers,
    help,
    quit,
    wrong,  // `text` says what is wrong
  };
  Kind kind = Kind::nothing;
  std::optional<Seq> target{};  // as in /edit #42; none: the obvious one
  std::string text{};           // body or emoji
};

// "/me waves" is said as it stands: whoever shows it knows what it means. "//x" says "/x".
Command parse_command(std::string_view line);

// "+1", ":tada:" and the like as emoji; anything else as it is.
std::string emoji_of(std::string_view text);

// The names after @ in a body, each once, in order, at most 50.
std::vector<std::string> mentions_in(std::string_view body);

// All commands, for completion; and how each is used, with what it does.
const std::vector<std::string>& command_names();
const std::vector<std::pair<std::string, std::string>>& command_help();
// The line of help for what is being typed; empty if it is no command.
std::string hint_for(std::string_view typed);

}  // namespace parley::chat

#endif
