#include "clients/parleyctl/chat/view.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "clients/parleyctl/chat/text.h"

namespace parley::chat {
namespace {

// Narrower windows have no column for the time.
constexpr int kWideColumns = 56;
constexpr int kMaxNameWidth = 14;
constexpr int kMinNameWidth = 5;
// Somebody who goes on within this long is not named again.
constexpr std::uint64_t kSameBreathMs = 5 * 60 * 1000;

// SGR parameters. Names take colours that read well on dark and on light ground (of the 256-colour cube).
constexpr std::string_view kDim = "2";
constexpr std::string_view kBold = "1";
constexpr std::string_view kRed = "31";
constexpr std::string_view kGreen = "32";
constexpr std::string_view kYellow = "33";
constexpr std::string_view kCyan = "36";
constexpr std::string_view kReverse = "7";
constexpr std::array<std::string_view, 12> kNameColours = {"38;5;67",  "38;5;71",  "38;5;132", "38;5;136",
                                                           "38;5;73",  "38;5;167", "38;5;103", "38;5;107",
                                                           "38;5;172", "38;5;98",  "38;5;37",  "38;5;169"};

std::string_view colour_of(std::string_view name) {
  std::uint32_t hash = 2166136261u;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return kNameColours[(hash ^ hash >> 16) % kNameColours.size()];
}

class Pen {
 public:
  explicit Pen(bool colours) : colours_(colours) {}
  std::string operator()(std::string_view sgr, std::string_view text) const {
    if (!colours_ || sgr.empty() || text.empty()) return std::string(text);
    return "\x1b[" + std::string(sgr) + "m" + std::string(text) + "\x1b[0m";
  }

 private:
  bool colours_;
};

std::tm local(std::uint64_t ts_ms, int utc_offset_s) {
  const std::time_t seconds = static_cast<std::time_t>(ts_ms / 1000) + utc_offset_s;
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  return tm;
}

std::string date_of(std::uint64_t ts_ms, int utc_offset_s) {
  const std::tm tm = local(ts_ms, utc_offset_s);
  char text[64];
  std::strftime(text, sizeof text, "%A, %e %B %Y", &tm);
  std::string out(text);
  if (const std::size_t two = out.find(",  "); two != std::string::npos) out.erase(two + 1, 1);
  return out;
}

std::string joined(const std::vector<std::string>& names, std::size_t most) {
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < most; ++i) {
    if (i > 0) out += i + 1 == names.size() ? " and " : ", ";
    out += names[i];
  }
  if (names.size() > most) out += " and " + std::to_string(names.size() - most) + " more";
  return out;
}

// Lays the transcript out for one width.
class Page {
 public:
  Page(const Model& model, const Transcript& transcript, int columns, const Pen& pen)
      : model_(model), transcript_(transcript), columns_(columns), pen_(pen), wide_(columns >= kWideColumns) {
    int widest = kMinNameWidth;
    for (const Item& item : transcript.items()) widest = std::max(widest, width_of(item.from));
    name_width_ = std::min({widest, kMaxNameWidth, columns / 4});
    number_width_ = model.numbers ? 1 + static_cast<int>(std::to_string(highest_seq()).size()) : 0;
    indent_ = 1 + (wide_ ? 7 : 0) + (model.numbers ? number_width_ + 1 : 0) + name_width_ + 2;
    text_width_ = std::max(columns - indent_ - 1, 8);
  }

  std::vector<std::string> rows() {
    const Item* before = nullptr;
    for (const Item& item : transcript_.items()) {
      add_day(item, before);
      if (item.kind == Item::Kind::message) {
        add_message(item, before);
      } else {
        add_note(item);
      }
      before = &item;
    }
    return std::move(rows_);
  }

 private:
  std::uint64_t highest_seq() const {
    std::uint64_t highest = 1;
    for (const Item& item : transcript_.items()) highest = std::max(highest, raw(item.seq));
    return highest;
  }

  void add_day(const Item& item, const Item* before) {
    const std::string day = date_of(item.ts_ms, model_.utc_offset_s);
    if (before != nullptr && day == date_of(before->ts_ms, model_.utc_offset_s)) return;
    const std::string label = fit(" " + day + " ", columns_ - 4);
    const int rest = columns_ - 2 - width_of(label);
    std::string line = " ";
    for (int i = 0; i < rest / 2; ++i) line += "─";
    line += label;
    for (int i = rest / 2; i < rest; ++i) line += "─";
    rows_.push_back(pen_(kDim, line));
  }

  void add_note(const Item& item) {
    const bool warning = item.kind == Item::Kind::warning;
    if (!item.note.empty()) return add_explanation(item);
    std::string_view lead = "· ";
    for (const std::string& line : wrap(item.body, std::max(columns_ - 5, 8))) {
      rows_.push_back(" " + pen_(warning ? kYellow : kDim, std::string(lead) + line));
      lead = "  ";
    }
  }

  void add_explanation(const Item& item) {
    const int first = std::min(22, columns_ / 2);
    const auto left = wrap(item.body, first - 2);
    const auto right = wrap(item.note, std::max(columns_ - first - 4, 4));
    for (std::size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
      rows_.push_back("   " + pen_(kCyan, pad(i < left.size() ? left[i] : "", first)) +
                      pen_(kDim, i < right.size() ? right[i] : ""));
    }
  }

  // Time, number and name, or as much room left empty.
  std::string margin(const Item& item, const Item* before) const {
    const bool message_before = before != nullptr && before->kind == Item::Kind::message;
    const bool same_breath = message_before && before->from == item.from && item.reply_to == MessageId{0} &&
                             item.ts_ms - before->ts_ms < kSameBreathMs && !is_action(item) &&
                             !is_action(*before);
    const std::string time = clock_time(item.ts_ms, model_.utc_offset_s);
    const bool same_minute = same_breath && time == clock_time(before->ts_ms, model_.utc_offset_s);
    std::string out = " ";
    if (wide_) out += pen_(kDim, same_minute ? "     " : time) + "  ";
    if (model_.numbers) {
      const std::string number = item.seq != Seq{0} ? "#" + std::to_string(raw(item.seq)) : "";
      out += pen_(kDim, std::string(static_cast<std::size_t>(number_width_) - number.size(), ' ') + number) +
             " ";
    }
    const std::string name = is_action(item) ? "*" : item.from;
    const int fill = name_width_ - std::min(width_of(name), name_width_);
    out += std::string(static_cast<std::size_t>(fill), ' ');
    if (same_breath) {
      out += std::string(static_cast<std::size_t>(name_width_ - fill), ' ');
    } else {
      const std::string sgr = std::string(item.own ? "1;" : "") + std::string(colour_of(item.from));
      out += pen_(sgr, fit(name, name_width_));
    }
    return out + "  ";
  }

  static bool is_action(const Item& item) { return item.body.starts_with("/me ") && !item.deleted; }

  void add_message(const Item& item, const Item* before) {
    const std::string blank(static_cast<std::size_t>(indent_), ' ');
    std::string margin_text = margin(item, before);
    const auto add = [&](const std::string& text) {
      rows_.push_back((margin_text.empty() ? blank : margin_text) + text);
      margin_text.clear();
    };
    if (item.reply_to != MessageId{0}) add(pen_(kDim, quoted(item.reply_to)));
    add_body(item, add);
    if (!item.reactions.empty()) {
      for (const std::string& line : wrap(reactions(item), text_width_)) add(pen_(kDim, line));
    }
    if (item.delivery == Delivery::failed) {
      for (const std::string& line : wrap("not sent: " + item.note, text_width_)) add(pen_(kRed, line));
    } else if (item.delivery == Delivery::pending && !item.note.empty()) {
      for (const std::string& line : wrap(item.note, text_width_)) add(pen_(kYellow, line));
    }
  }

  template <class Add>
  void add_body(const Item& item, Add&& add) {
    std::string body = is_action(item) ? item.from + item.body.substr(3) : item.body;
    std::string_view sgr;
    if (item.deleted) {
      body = "message deleted";
      sgr = kDim;
    } else if (item.delivery == Delivery::pending) {
      sgr = kDim;
    } else if (item.mentions_me) {
      sgr = kBold;
    }
    if (!item.deleted) {
      for (const std::string& name : item.attachments)
        body += (body.empty() ? "" : "\n") + ("[" + name + "]");
    }
    // Room for the mark is kept on every line, so that it never falls off the last one.
    const std::string mark = mark_of(item);
    const auto lines = wrap(body, text_width_ - (mark.empty() ? 0 : 1 + width_of(mark)));
    for (std::size_t i = 0; i < lines.size(); ++i) {
      std::string line = pen_(sgr, lines[i]);
      if (i + 1 == lines.size() && !mark.empty()) line += " " + pen_(mark_colour(item), mark);
      add(line);
    }
  }

  static std::string mark_of(const Item& item) {
    std::string mark;
    if (item.edited && !item.deleted) mark = "(edited)";
    if (item.pinned && !item.deleted) mark += mark.empty() ? "(pinned)" : " (pinned)";
    if (!item.own || item.deleted) return mark;
    const std::string_view state = item.delivery == Delivery::stored   ? "✓"
                                   : item.delivery == Delivery::failed ? "✗"
                                                                       : "…";
    return mark.empty() ? std::string(state) : mark + " " + std::string(state);
  }

  static std::string_view mark_colour(const Item& item) {
    if (item.delivery == Delivery::failed) return kRed;
    return item.own && item.delivery == Delivery::stored && !item.edited ? kGreen : kDim;
  }

  std::string quoted(MessageId id) const {
    const Item* original = transcript_.find(id);
    if (original == nullptr) return fit("↪ an earlier message", text_width_);
    std::string body = original->deleted ? "message deleted" : original->body;
    std::replace(body.begin(), body.end(), '\n', ' ');
    return fit("↪ " + original->from + ": " + body, text_width_);
  }

  static std::string reactions(const Item& item) {
    std::string out;
    for (const auto& [emoji, users] : item.reactions) {
      out += (out.empty() ? "" : "   ") + emoji + " " + joined(users, 3);
    }
    return out;
  }

  const Model& model_;
  const Transcript& transcript_;
  int columns_;
  const Pen& pen_;
  bool wide_;
  int name_width_ = 0;
  int number_width_ = 0;
  int indent_ = 0;
  int text_width_ = 0;
  std::vector<std::string> rows_;
};

// Left: the room. Right: how the line is. The right part gives way first.
std::string header(const Model& model, int columns, const Pen& pen) {
  std::string state;
  std::string_view sgr = kYellow;
  switch (model.state) {
    case client::State::online:
      state = model.unsettled == 0 ? "● online" : "● sending " + std::to_string(model.unsettled);
      sgr = kGreen;
      break;
    case client::State::connecting:
      state = "○ connecting…";
      break;
    case client::State::waiting:
      state = "○ offline, again in " + std::to_string(std::max(model.retry_in_s, 1)) + " s";
      sgr = kRed;
      break;
    case client::State::replaced:
      state = "○ connected elsewhere";
      sgr = kRed;
      break;
    case client::State::offline:
      state = "○ offline";
      sgr = kRed;
      break;
  }
  if (model.unsettled > 0 && model.state != client::State::online) {
    state += " · " + std::to_string(model.unsettled) + " waiting";
  }
  state = fit(state, columns - 4);
  const int left = columns - 3 - width_of(state);
  const std::string name = "#" + model.room;
  const std::string who = " · " + model.me;
  std::string title = pen(kBold, fit(name, left));
  const int rest = left - width_of(fit(name, left));
  title += pen(kDim, pad(who, rest));
  return " " + title + " " + pen(sgr, state);
}

std::string rule(int columns, const Pen& pen) {
  std::string line;
  for (int i = 0; i < columns; ++i) line += "─";
  return pen(kDim, line);
}

std::string status_row(const Model& model, int columns, const Pen& pen) {
  if (!model.hint.empty()) return " " + pen(kCyan, fit(model.hint, columns - 2));
  if (model.scrolled > 0) return " " + pen(kReverse, fit(" ↓ newer messages below · PgDn ", columns - 2));
  if (!model.reason.empty() && model.state != client::State::online) {
    return " " + pen(kDim, fit(model.reason, columns - 2));
  }
  if (model.typing.empty()) return "";
  return " " +
         pen(kDim, fit(joined(model.typing, 3) + (model.typing.size() == 1 ? " is typing…" : " are typing…"),
                       columns - 2));
}

}  // namespace

std::string clock_time(std::uint64_t ts_ms, int utc_offset_s) {
  const std::tm tm = local(ts_ms, utc_offset_s);
  char text[16];
  std::snprintf(text, sizeof text, "%02d:%02d", tm.tm_hour, tm.tm_min);
  return text;
}

Picture draw(const Model& model, const Transcript& transcript, const LineEditor& editor, int columns,
             int rows, bool colours) {
  const Pen pen(colours);
  columns = std::max(columns, 16);
  rows = std::max(rows, 5);
  Picture picture;
  picture.rows.push_back(header(model, columns, pen));
  picture.rows.push_back(rule(columns, pen));

  const int space = rows - 4;  // header, its rule, status, input
  const std::vector<std::string> page = Page(model, transcript, columns, pen).rows();
  const int height = static_cast<int>(page.size());
  picture.most_scrolled = std::max(0, height - space);
  const int last = height - std::min(model.scrolled, picture.most_scrolled);
  const int first = std::max(0, last - space);
  for (int i = last - first; i < space; ++i) picture.rows.emplace_back();
  for (int i = first; i < last; ++i) picture.rows.push_back(page[static_cast<std::size_t>(i)]);

  picture.rows.push_back(status_row(model, columns, pen));
  const LineEditor::View view = editor.view(columns - 4);
  picture.rows.push_back(" " + pen(kCyan, "›") + " " +
                         (editor.empty() ? pen(kDim, fit("message, or /help", columns - 4)) : view.text));
  picture.cursor_row = rows - 1;
  picture.cursor_column = 3 + view.cursor_column;
  return picture;
}

std::string plain_line(const Item& item, int utc_offset_s) {
  const std::string time = clock_time(item.ts_ms, utc_offset_s);
  if (item.kind != Item::Kind::message) return time + " -- " + item.body;
  std::string body = item.body;
  for (const std::string& name : item.attachments) body += (body.empty() ? "" : " ") + ("[" + name + "]");
  // One message is one line, whatever it holds.
  for (std::size_t at = body.find('\n'); at != std::string::npos; at = body.find('\n', at))
    body.replace(at, 1, "\\n");
  if (body.starts_with("/me ")) return time + " * " + item.from + body.substr(3);
  return time + " " + item.from + ": " + body;
}

}  // namespace parley::chat
