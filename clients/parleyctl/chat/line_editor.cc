#include "clients/parleyctl/chat/line_editor.h"

#include <algorithm>
#include <utility>

#include "clients/parleyctl/chat/text.h"

namespace parley::chat {
namespace {

constexpr std::size_t kHistory = 500;
// The server takes 100,000 characters; a line editor that holds more helps nobody.
constexpr std::size_t kMaxBytes = 400'000;

bool is_space(char c) { return c == ' ' || c == '\n'; }

}  // namespace

bool LineEditor::apply(const Key& key) {
  if (key.kind != KeyKind::tab) completing_.clear();
  switch (key.kind) {
    case KeyKind::text:
      insert(clean(key.text));
      return true;
    case KeyKind::newline:
      insert("\n");
      return true;
    case KeyKind::backspace:
      erase(left_of(cursor_), cursor_);
      return true;
    case KeyKind::del:
      erase(cursor_, right_of(cursor_));
      return true;
    case KeyKind::left:
      cursor_ = left_of(cursor_);
      return true;
    case KeyKind::right:
      cursor_ = right_of(cursor_);
      return true;
    case KeyKind::word_left:
      cursor_ = word_left_of(cursor_);
      return true;
    case KeyKind::word_right:
      cursor_ = word_right_of(cursor_);
      return true;
    case KeyKind::home:
      cursor_ = 0;
      return true;
    case KeyKind::end:
      cursor_ = text_.size();
      return true;
    case KeyKind::kill_word:
      kill(word_left_of(cursor_), cursor_);
      return true;
    case KeyKind::kill_to_start:
      kill(0, cursor_);
      return true;
    case KeyKind::kill_to_end:
      kill(cursor_, text_.size());
      return true;
    case KeyKind::yank:
      insert(killed_);
      return true;
    case KeyKind::up:
      if (recalled_ > 0) recall(recalled_ - 1);
      return true;
    case KeyKind::down:
      if (recalled_ < history_.size()) recall(recalled_ + 1);
      return true;
    default:
      return false;
  }
}

void LineEditor::set(std::string text) {
  text_ = std::move(text);
  cursor_ = text_.size();
  recalled_ = history_.size();
}

std::string LineEditor::take() {
  std::string taken = std::exchange(text_, {});
  cursor_ = 0;
  if (!taken.empty() && (history_.empty() || history_.back() != taken)) history_.push_back(taken);
  if (history_.size() > kHistory) history_.erase(history_.begin());
  recalled_ = history_.size();
  draft_.clear();
  completing_.clear();
  return taken;
}

bool LineEditor::complete(const std::vector<std::string>& candidates) {
  if (completing_.empty()) {
    completed_from_ = cursor_;
    while (completed_from_ > 0 && !is_space(text_[completed_from_ - 1])) --completed_from_;
    completing_ = text_.substr(completed_from_, cursor_ - completed_from_);
    candidate_ = candidates.size() - 1;
  }
  if (completing_.empty() || candidates.empty()) return false;
  for (std::size_t tried = 0; tried < candidates.size(); ++tried) {
    candidate_ = (candidate_ + 1) % candidates.size();
    const std::string& word = candidates[candidate_];
    if (!word.starts_with(completing_)) continue;
    text_.replace(completed_from_, cursor_ - completed_from_, word + " ");
    cursor_ = completed_from_ + word.size() + 1;
    return true;
  }
  return false;
}

LineEditor::View LineEditor::view(int width) const {
  const std::string_view text = text_;
  // A line break is shown as one column.
  const auto columns = [](const Cluster& cluster) { return cluster.bytes == "\n" ? 1 : cluster.width; };
  const auto all_fits = [&] {
    int used = 0;
    for (std::size_t at = 0; at < text.size();) {
      const Cluster cluster = first_cluster(text.substr(at));
      used += columns(cluster);
      if (used >= width) return false;
      at += cluster.bytes.size();
    }
    return true;
  };
  // Begin so far left that the cursor, and a little of what follows it, is within the width. Only what is
  // shown is looked at: a line may be long, and this is done for every key.
  const int room_after = std::min(8, width / 4);
  const int room_before = all_fits() ? width - 1 : width - 1 - room_after;
  std::size_t begin = cursor_ == 0 ? 0 : right_of(left_of(cursor_));
  int before = 0;
  while (begin > 0) {
    const Cluster cluster = last_cluster(text.substr(0, begin));
    if (before + columns(cluster) > room_before) break;
    before += columns(cluster);
    begin -= cluster.bytes.size();
  }

  View view;
  view.cursor_column = std::clamp(before, 0, std::max(width - 1, 0));
  for (int used = 0; begin < text.size();) {
    const Cluster cluster = first_cluster(text.substr(begin));
    used += columns(cluster);
    if (used > width) break;
    view.text += cluster.bytes == "\n" ? "↵" : cluster.bytes;
    begin += cluster.bytes.size();
  }
  return view;
}

void LineEditor::insert(std::string_view text) {
  if (text_.size() + text.size() > kMaxBytes) return;
  text_.insert(cursor_, text);
  cursor_ += text.size();
}

void LineEditor::erase(std::size_t from, std::size_t to) {
  text_.erase(from, to - from);
  cursor_ = from;
}

void LineEditor::kill(std::size_t from, std::size_t to) {
  if (from == to) return;
  killed_ = text_.substr(from, to - from);
  erase(from, to);
}

std::size_t LineEditor::left_of(std::size_t at) const {
  return at - last_cluster(std::string_view(text_).substr(0, at)).bytes.size();
}

std::size_t LineEditor::right_of(std::size_t at) const {
  return at + first_cluster(std::string_view(text_).substr(at)).bytes.size();
}

std::size_t LineEditor::word_left_of(std::size_t at) const {
  while (at > 0 && is_space(text_[at - 1])) --at;
  while (at > 0 && !is_space(text_[at - 1])) --at;
  return at;
}

std::size_t LineEditor::word_right_of(std::size_t at) const {
  while (at < text_.size() && is_space(text_[at])) ++at;
  while (at < text_.size() && !is_space(text_[at])) ++at;
  return at;
}

void LineEditor::recall(std::size_t index) {
  if (recalled_ == history_.size()) draft_ = text_;
  recalled_ = index;
  text_ = index == history_.size() ? draft_ : history_[index];
  cursor_ = text_.size();
}

}  // namespace parley::chat
