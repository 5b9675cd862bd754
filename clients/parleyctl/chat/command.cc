#include "clients/parleyctl/chat/command.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace parley::chat {
namespace {

constexpr std::size_t kMaxMentions = 50;  // protocol.md, "Sending"

struct Entry {
  std::string_view name;
  Command::Kind kind;
  bool takes_target;
  bool needs_text;
  std::string_view usage;
  std::string_view meaning;
};

constexpr std::array kEntries = {
    Entry{"/me", Command::Kind::say, false, true, "/me waves", "say what you do"},
    Entry{"/reply", Command::Kind::reply, true, true, "/reply [#N] TEXT", "answer the latest message, or #N"},
    Entry{"/edit", Command::Kind::edit, true, false, "/edit [#N] [TEXT]",
          "change your latest message, or #N"},
    Entry{"/delete", Command::Kind::remove, true, false, "/delete [#N]", "delete your latest message, or #N"},
    Entry{"/react", Command::Kind::react, true, true, "/react [#N] EMOJI",
          "react to the latest message; +1, heart, joy, tada..."},
    Entry{"/unreact", Command::Kind::unreact, true, true, "/unreact [#N] EMOJI", "take a reaction back"},
    Entry{"/numbers", Command::Kind::numbers, false, false, "/numbers",
          "show or hide the messages' numbers #N"},
    Entry{"/help", Command::Kind::help, false, false, "/help", "this list"},
    Entry{"/quit", Command::Kind::quit, false, false, "/quit", "leave (also Ctrl-C)"},
};

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \n") - begin + 1);
}

Command wrong(std::string text) { return {Command::Kind::wrong, std::nullopt, std::move(text)}; }

}  // namespace

Command parse_command(std::string_view line) {
  line = trim(line);
  if (line.empty()) return {};
  if (line[0] != '/') return {Command::Kind::say, std::nullopt, std::string(line)};
  if (line.starts_with("//")) return {Command::Kind::say, std::nullopt, std::string(line.substr(1))};

  const std::size_t space = line.find_first_of(" \n");
  const std::string_view name = line.substr(0, space);
  std::string_view rest = space == std::string_view::npos ? std::string_view() : trim(line.substr(space));
  const auto entry =
      std::find_if(kEntries.begin(), kEntries.end(), [&](const Entry& e) { return e.name == name; });
  if (entry == kEntries.end()) {
    return wrong("there is no command " + std::string(name) + "; /help lists them, and //text says /text");
  }
  if (name == "/me") {
    if (rest.empty()) return wrong("usage: " + std::string(entry->usage));
    return {Command::Kind::say, std::nullopt, "/me " + std::string(rest)};
  }
  Command command{entry->kind};
  if (entry->takes_target && rest.starts_with('#')) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), number);
    const bool whole = end == rest.data() + rest.size() || *end == ' ' || *end == '\n';
    if (error == std::errc{} && whole && number > 0 && number < kSeqLimit) {
      command.target = Seq{number};
      rest = trim(rest.substr(static_cast<std::size_t>(end - rest.data())));
    }
  }
  if (entry->needs_text && rest.empty()) return wrong("usage: " + std::string(entry->usage));
  command.text = rest;
  if (command.kind == Command::Kind::react || command.kind == Command::Kind::unreact)
    command.text = emoji_of(rest);
  return command;
}

std::string emoji_of(std::string_view text) {
  static constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"+1", "👍"},   {"-1", "👎"},    {"heart", "❤️"}, {"joy", "😂"}, {"tada", "🎉"}, {"fire", "🔥"},
      {"eyes", "👀"}, {"check", "✅"}, {"think", "🤔"},   {"cry", "😢"}, {"wow", "😮"},  {"thanks", "🙏"}};
  std::string_view name = text;
  if (name.size() > 2 && name.front() == ':' && name.back() == ':') name = name.substr(1, name.size() - 2);
  for (const auto& [known, emoji] : kNames) {
    if (known == name) return std::string(emoji);
  }
  return std::string(text);
}

std::vector<std::string> mentions_in(std::string_view body) {
  std::vector<std::string> out;
  for (std::size_t at = body.find('@'); at != std::string_view::npos; at = body.find('@', at + 1)) {
    const bool at_start = at == 0 || body[at - 1] == ' ' || body[at - 1] == '\n' || body[at - 1] == '(';
    std::size_t end = at + 1;
    while (end < body.size() && (std::isalnum(static_cast<unsigned char>(body[end])) != 0 ||
                                 body[end] == '_' || body[end] == '.' || body[end] == '-')) {
      ++end;
    }
    // A full stop after a name ends the sentence.
    while (end > at + 1 && (body[end - 1] == '.' || body[end - 1] == '-')) --end;
    const std::string name(body.substr(at + 1, end - at - 1));
    if (!at_start || !is_user_name(name) || std::find(out.begin(), out.end(), name) != out.end()) continue;
    out.push_back(name);
    if (out.size() == kMaxMentions) break;
  }
  return out;
}

const std::vector<std::string>& command_names() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    names.reserve(kEntries.size());
    for (const Entry& entry : kEntries) names.emplace_back(entry.name);
    return names;
  }();
  return kNames;
}

const std::vector<std::pair<std::string, std::string>>& command_help() {
  static const std::vector<std::pair<std::string, std::string>> kLines = [] {
    std::vector<std::pair<std::string, std::string>> lines;
    lines.reserve(kEntries.size() + 4);
    for (const Entry& entry : kEntries) lines.emplace_back(entry.usage, entry.meaning);
    lines.emplace_back("Up, Down", "earlier lines");
    lines.emplace_back("Tab", "complete a command or a name");
    lines.emplace_back("PgUp, PgDn", "scroll");
    lines.emplace_back("Alt-Enter", "a line break");
    return lines;
  }();
  return kLines;
}

std::string hint_for(std::string_view typed) {
  if (typed.empty() || typed[0] != '/' || typed.starts_with("//")) return "";
  const std::string_view name = typed.substr(0, typed.find(' '));
  std::string matching;
  for (const Entry& entry : kEntries) {
    if (entry.name == name) return std::string(entry.usage) + " — " + std::string(entry.meaning);
    if (entry.name.starts_with(name)) matching += (matching.empty() ? "" : "  ") + std::string(entry.name);
  }
  return matching;
}

}  // namespace parley::chat
