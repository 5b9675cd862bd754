#include "clients/parleyctl/chat/keys.h"

#include <algorithm>
#include <optional>

namespace parley::chat {
namespace {

constexpr std::string_view kPasteBegin = "200";
constexpr std::string_view kPasteEnd = "\x1b[201~";

std::optional<KeyKind> control_key(unsigned char c) {
  switch (c) {
    case '\r':
    case '\n':
      return KeyKind::enter;
    case '\t':
      return KeyKind::tab;
    case 0x7f:
    case 0x08:
      return KeyKind::backspace;
    case 0x01:
      return KeyKind::home;
    case 0x02:
      return KeyKind::left;
    case 0x03:
      return KeyKind::interrupt;
    case 0x04:
      return KeyKind::eof;
    case 0x05:
      return KeyKind::end;
    case 0x06:
      return KeyKind::right;
    case 0x0b:
      return KeyKind::kill_to_end;
    case 0x0c:
      return KeyKind::redraw;
    case 0x0e:
      return KeyKind::down;
    case 0x10:
      return KeyKind::up;
    case 0x15:
      return KeyKind::kill_to_start;
    case 0x17:
      return KeyKind::kill_word;
    case 0x19:
      return KeyKind::yank;
    default:
      return std::nullopt;
  }
}

// ESC [ parameters final, or ESC O final (xterm, "PC-style function keys").
std::optional<KeyKind> sequence_key(std::string_view parameters, char final) {
  const bool modified = parameters.find(';') != std::string_view::npos;
  switch (final) {
    case 'A':
      return modified ? KeyKind::page_up : KeyKind::up;
    case 'B':
      return modified ? KeyKind::page_down : KeyKind::down;
    case 'C':
      return modified ? KeyKind::word_right : KeyKind::right;
    case 'D':
      return modified ? KeyKind::word_left : KeyKind::left;
    case 'H':
      return KeyKind::home;
    case 'F':
      return KeyKind::end;
    case '~':
      break;
    default:
      return std::nullopt;
  }
  const std::string_view number = parameters.substr(0, parameters.find(';'));
  if (number == "1" || number == "7") return KeyKind::home;
  if (number == "4" || number == "8") return KeyKind::end;
  if (number == "3") return KeyKind::del;
  if (number == "5") return KeyKind::page_up;
  if (number == "6") return KeyKind::page_down;
  return std::nullopt;
}

// Bytes of the UTF-8 character that begins with `lead`; 1 for what cannot begin one.
std::size_t utf8_length(unsigned char lead) {
  if (lead >= 0xf0 && lead < 0xf8) return 4;
  if (lead >= 0xe0) return lead < 0xf0 ? 3 : 1;
  if (lead >= 0xc0) return 2;
  return 1;
}

}  // namespace

std::vector<Key> KeyReader::feed(std::string_view bytes) {
  pending_ += bytes;
  std::vector<Key> keys;
  while (!pending_.empty() && take(keys)) {
  }
  return keys;
}

std::vector<Key> KeyReader::flush() {
  std::vector<Key> keys;
  if (!waiting()) return keys;
  if (pending_[0] == '\x1b') keys.push_back({KeyKind::escape});
  pending_.clear();  // an escape sequence or a character that was never finished
  return keys;
}

bool KeyReader::take(std::vector<Key>& keys) {
  if (pasting_) return take_paste(keys);
  const auto first = static_cast<unsigned char>(pending_[0]);
  if (first == 0x1b) return take_escape(keys);
  if (first < 0x20 || first == 0x7f) {
    if (const auto kind = control_key(first)) keys.push_back({*kind});
    pending_.erase(0, 1);
    return true;
  }
  const std::size_t length = utf8_length(first);
  if (pending_.size() < length) return false;
  const std::string character = pending_.substr(0, length);
  pending_.erase(0, length);
  if (!keys.empty() && keys.back().kind == KeyKind::text) {
    keys.back().text += character;
  } else {
    keys.push_back({KeyKind::text, character});
  }
  return true;
}

bool KeyReader::take_escape(std::vector<Key>& keys) {
  if (pending_.size() < 2) return false;
  const char second = pending_[1];
  if (second != '[' && second != 'O') {
    // Alt and a key arrive as ESC and the key.
    static constexpr std::pair<char, KeyKind> kAlt[] = {
        {'\r', KeyKind::newline},   {'\n', KeyKind::newline},   {'b', KeyKind::word_left},
        {'f', KeyKind::word_right}, {0x7f, KeyKind::kill_word}, {0x08, KeyKind::kill_word}};
    const auto* alt =
        std::find_if(std::begin(kAlt), std::end(kAlt), [&](const auto& a) { return a.first == second; });
    if (alt != std::end(kAlt)) {
      keys.push_back({alt->second});
      pending_.erase(0, 2);
    } else {
      keys.push_back({KeyKind::escape});
      pending_.erase(0, 1);
    }
    return true;
  }
  std::size_t end = 2;
  while (end < pending_.size() && (pending_[end] < 0x40 || pending_[end] > 0x7e)) ++end;
  if (end == pending_.size()) {
    if (pending_.size() > 64) pending_.clear();  // no terminal sends such a thing
    return false;
  }
  const std::string parameters = pending_.substr(2, end - 2);
  const char final = pending_[end];
  pending_.erase(0, end + 1);
  if (final == '~' && parameters == kPasteBegin) {
    pasting_ = true;
  } else if (const auto kind = sequence_key(parameters, final)) {
    keys.push_back({*kind});
  }
  return true;
}

bool KeyReader::take_paste(std::vector<Key>& keys) {
  const std::size_t end = pending_.find(kPasteEnd);
  if (end == std::string::npos) return false;
  std::string text = pending_.substr(0, end);
  std::replace(text.begin(), text.end(), '\r', '\n');
  pending_.erase(0, end + kPasteEnd.size());
  pasting_ = false;
  if (!text.empty()) keys.push_back({KeyKind::text, std::move(text)});
  return true;
}

}  // namespace parley::chat
