#include "schemas/message_json.h"

#include <array>
#include <boost/json/basic_parser_impl.hpp>
#include <functional>
#include <limits>

#include "schemas/json_text.h"

namespace parley {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxDepth = 32;

enum class Type : std::uint8_t { string, id, number, kind, role, strings, attachments, object };

enum class Field : std::uint8_t {
  unknown,
  cid,
  kind,
  body,
  reply_to,
  mentions,
  attachments,
  meta,
  expires_in,
  target,
  emoji,  // of a Send
  room,
  seq,
  prev,
  id,
  from,
  device,
  ts,
  role,  // of an Event only
  attachment_id,
  attachment_name,
  attachment_type,
  attachment_size,
};

struct Spec {
  std::string_view name;
  Field field;
  Type type;
};
constexpr Spec kUnknown{"", Field::unknown, Type::object};
constexpr std::array<Spec, 10> kSendFields = {{{"body", Field::body, Type::string},
                                               {"cid", Field::cid, Type::string},
                                               {"kind", Field::kind, Type::kind},
                                               {"reply_to", Field::reply_to, Type::id},
                                               {"mentions", Field::mentions, Type::strings},
                                               {"attachments", Field::attachments, Type::attachments},
                                               {"meta", Field::meta, Type::object},
                                               {"expires_in", Field::expires_in, Type::number},
                                               {"target", Field::target, Type::id},
                                               {"emoji", Field::emoji, Type::string}}};
constexpr std::array<Spec, 8> kEventFields = {{{"room", Field::room, Type::string},
                                               {"seq", Field::seq, Type::number},
                                               {"prev", Field::prev, Type::number},
                                               {"id", Field::id, Type::id},
                                               {"from", Field::from, Type::string},
                                               {"device", Field::device, Type::string},
                                               {"ts", Field::ts, Type::number},
                                               {"role", Field::role, Type::role}}};
constexpr std::array<Spec, 4> kAttachmentFields = {{{"id", Field::attachment_id, Type::string},
                                                    {"name", Field::attachment_name, Type::string},
                                                    {"type", Field::attachment_type, Type::string},
                                                    {"size", Field::attachment_size, Type::number}}};

template <std::size_t N>
const Spec* find(const std::array<Spec, N>& specs, std::string_view name) {
  for (const Spec& spec : specs) {
    if (spec.name == name) return &spec;
  }
  return nullptr;
}

std::string_view expectation(Type type) {
  switch (type) {
    case Type::string:
      return "a string";
    case Type::id:
      return "a message id as a string of decimal digits";
    case Type::number:
      return "a whole number, not negative";
    case Type::kind:
      return "one of the kinds of message as a string";
    case Type::role:
      return "a role as a string";
    case Type::strings:
      return "an array of strings";
    case Type::attachments:
      return "an array of objects";
    case Type::object:
      return "an object";
  }
  return "of another type";
}

// Receives the parser's events (Boost.JSON's SAX interface: false from a callback would stop it; ours never
// do).
class Handler {
 public:
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  bool of_event = false;
  bool meta_only = false;
  std::size_t max_mentions = 0;
  std::size_t max_attachments = 0;

  Event event;
  std::vector<std::string_view> mentions;
  std::vector<Attachment> attachments;
  std::string meta;
  bool meta_type = false;
  bool is_object = false;
  std::string problem;

  void begin(std::string_view input) {
    input_ = input;
    event = Event{};
    mentions.clear();
    attachments.clear();
    meta.clear();
    meta_type = false;
    is_object = false;
    problem.clear();
    strings_.clear();
    // What is kept of strings and of meta is never longer than its source, so no view into them moves.
    if (strings_.capacity() < input.size()) strings_.reserve(input.size());
    if (meta.capacity() < input.size()) meta.reserve(input.size());
    part_begin_ = kNoPart;
    state_ = State::start;
    resume_ = State::start;
    depth_ = 0;
    spec_ = &kUnknown;
    meta_piece_ = 0;
    in_meta_string_ = false;
    meta_key_is_type_ = false;
  }

  void finish() {
    event.send.mentions = mentions;
    event.send.attachments = attachments;
    event.send.meta = meta;
  }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }

  bool on_object_begin(json::error_code&) {
    switch (state_) {
      case State::start:
        is_object = true;
        if (meta_only) {
          open_meta();
        } else {
          state_ = State::top;
        }
        break;
      case State::top:
        if (spec_->field == Field::meta) {
          open_meta();
        } else {
          skip_container();
        }
        break;
      case State::attachments:
        state_ = State::attachment;
        current_ = Attachment{};
        break;
      case State::mentions:
      case State::attachment:
        skip_container();
        break;
      case State::meta:
        meta_open('{');
        break;
      case State::skip:
        ++depth_;
        break;
    }
    return true;
  }

  bool on_object_end(std::size_t, json::error_code&) {
    switch (state_) {
      case State::attachment:
        if (attachments.size() <= max_attachments) attachments.push_back(current_);
        state_ = State::attachments;
        spec_ = find(kSendFields, "attachments");
        break;
      case State::meta:
        meta_close('}');
        break;
      case State::skip:
        leave_skipped();
        break;
      default:
        break;
    }
    return true;
  }

  bool on_array_begin(json::error_code&) {
    if (state_ == State::meta) {
      meta_open('[');
    } else if (state_ == State::skip) {
      ++depth_;
    } else if (state_ == State::top && spec_->field == Field::mentions) {
      mentions.clear();
      state_ = State::mentions;
    } else if (state_ == State::top && spec_->field == Field::attachments) {
      attachments.clear();
      state_ = State::attachments;
    } else {
      skip_container();
    }
    return true;
  }

  bool on_array_end(std::size_t, json::error_code&) {
    switch (state_) {
      case State::mentions:
      case State::attachments:
        state_ = State::top;
        break;
      case State::meta:
        meta_close(']');
        break;
      case State::skip:
        leave_skipped();
        break;
      default:
        break;
    }
    return true;
  }

  bool on_key_part(json::string_view s, std::size_t, json::error_code&) { return part(s); }
  bool on_key(json::string_view s, std::size_t, json::error_code&) {
    if (state_ == State::meta) {
      end_meta_string(s);
      if (depth_ == 1) meta_key_is_type_ = std::string_view(meta).substr(meta_piece_) == "\"type\"";
      meta += ':';
    } else if (state_ != State::skip) {
      spec_ = look_up(whole(s));
    }
    return true;
  }
  bool on_string_part(json::string_view s, std::size_t, json::error_code&) { return part(s); }
  bool on_string(json::string_view s, std::size_t, json::error_code&) {
    if (state_ == State::meta) {
      end_meta_string(s);
      note_meta_value(std::string_view(meta).substr(meta_piece_) != "\"\"");
    } else if (state_ != State::skip) {
      string_value(whole(s));
    }
    return true;
  }
  bool on_number_part(json::string_view s, json::error_code&) {
    number_.append(s.data(), s.size());
    return true;
  }
  bool on_int64(std::int64_t i, json::string_view s, json::error_code&) {
    return number_value(s, i >= 0, static_cast<std::uint64_t>(i));
  }
  bool on_uint64(std::uint64_t u, json::string_view s, json::error_code&) { return number_value(s, true, u); }
  bool on_double(double, json::string_view s, json::error_code&) { return number_value(s, false, 0); }
  bool on_bool(bool b, json::error_code&) {
    if (state_ == State::meta) {
      meta_literal(b ? "true" : "false");
    } else {
      refuse_scalar();
    }
    return true;
  }
  bool on_null(json::error_code&) {
    if (state_ == State::meta) {
      meta_literal("null");
    } else if (state_ == State::top || state_ == State::attachment) {
      reset();
    } else {
      refuse_scalar();
    }
    return true;
  }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  enum class State : std::uint8_t { start, top, mentions, attachments, attachment, meta, skip };
  static constexpr std::size_t kNoPart = static_cast<std::size_t>(-1);

  const Spec* look_up(std::string_view name) const {
    const Spec* found = nullptr;
    if (state_ == State::attachment) {
      found = find(kAttachmentFields, name);
    } else {
      found = find(kSendFields, name);
      if (found == nullptr && of_event) found = find(kEventFields, name);
    }
    return found != nullptr ? found : &kUnknown;
  }

  // --- strings outside of meta: in one piece they stay where they are, in parts they are put together.
  bool part(json::string_view s) {
    if (state_ == State::meta) {
      meta_string_part(s);
    } else if (state_ != State::skip) {
      if (part_begin_ == kNoPart) part_begin_ = strings_.size();
      strings_.append(s.data(), s.size());
    }
    return true;
  }
  std::string_view whole(json::string_view s) {
    const std::less_equal<const char*> le;
    if (part_begin_ == kNoPart && le(input_.data(), s.data()) &&
        le(s.data() + s.size(), input_.data() + input_.size())) {
      return {s.data(), s.size()};
    }
    const std::size_t begin = part_begin_ == kNoPart ? strings_.size() : part_begin_;
    part_begin_ = kNoPart;
    strings_.append(s.data(), s.size());
    return std::string_view(strings_).substr(begin);
  }

  // --- meta is written again as it is read, compactly; numbers keep their spelling.
  void open_meta() {
    state_ = State::meta;
    meta.assign(1, '{');
    depth_ = 1;
    meta_type = false;
  }
  void meta_comma() {
    const char last = meta.back();
    if (last != '{' && last != '[' && last != ':') meta += ',';
  }
  void meta_open(char bracket) {
    note_meta_value(false);
    meta_comma();
    meta += bracket;
    ++depth_;
  }
  void meta_close(char bracket) {
    meta += bracket;
    if (--depth_ == 0) state_ = meta_only ? State::start : State::top;
  }
  void meta_literal(std::string_view text) {
    note_meta_value(false);
    meta_comma();
    meta += text;
  }
  void meta_string_part(json::string_view s) {
    if (!in_meta_string_) {
      in_meta_string_ = true;
      meta_comma();
      meta_piece_ = meta.size();
      meta += '"';
    }
    append_json_escaped({s.data(), s.size()}, meta);
  }
  void end_meta_string(json::string_view s) {
    meta_string_part(s);
    meta += '"';
    in_meta_string_ = false;
  }
  void note_meta_value(bool is_useful_string) {
    if (depth_ == 1 && meta_key_is_type_) meta_type = is_useful_string;
  }

  // --- values
  void string_value(std::string_view text) {
    if (state_ == State::mentions) {
      if (mentions.size() <= max_mentions) mentions.push_back(text);
      return;
    }
    if (state_ != State::top && state_ != State::attachment) return refuse_scalar();
    switch (spec_->type) {
      case Type::string:
        set_string(text);
        break;
      case Type::id:
        if (const auto id = parse_message_id(text)) {
          set_number(raw(*id));
        } else {
          wrong();
        }
        break;
      case Type::kind:
        if (const auto kind = parse_kind(text)) {
          event.send.kind = *kind;
        } else if (of_event) {
          event.send.kind = kUnknownKind;
        } else {
          wrong();
        }
        break;
      case Type::role:
        event.stamp.role = parse_member_role(text).value_or(MemberRole::none);
        break;
      default:
        refuse_scalar();
        break;
    }
  }

  bool number_value(json::string_view s, bool fits, std::uint64_t value) {
    if (state_ == State::meta) {
      note_meta_value(false);
      meta_comma();
      meta += number_;
      meta.append(s.data(), s.size());
    } else if ((state_ == State::top || state_ == State::attachment) && fits &&
               (spec_->type == Type::number || spec_->type == Type::id)) {
      set_number(value);
    } else {
      refuse_scalar();
    }
    number_.clear();
    return true;
  }

  void set_string(std::string_view text) {
    switch (spec_->field) {
      case Field::cid:
        event.send.cid = text;
        break;
      case Field::body:
        event.send.body = text;
        break;
      case Field::emoji:
        event.send.emoji = text;
        break;
      case Field::room:
        event.stamp.room = text;
        break;
      case Field::from:
        event.stamp.from = text;
        break;
      case Field::device:
        event.stamp.device = text;
        break;
      case Field::attachment_id:
        current_.id = text;
        break;
      case Field::attachment_name:
        current_.name = text;
        break;
      case Field::attachment_type:
        current_.type = text;
        break;
      default:
        break;
    }
  }

  void set_number(std::uint64_t value) {
    switch (spec_->field) {
      case Field::reply_to:
        event.send.reply_to = MessageId{value};
        break;
      case Field::target:
        event.send.target = MessageId{value};
        break;
      case Field::expires_in:
        if (value > std::numeric_limits<std::uint32_t>::max()) return wrong();
        event.send.expires_in_s = static_cast<std::uint32_t>(value);
        break;
      case Field::seq:
        event.stamp.seq = Seq{value};
        break;
      case Field::prev:
        event.stamp.prev = Seq{value};
        break;
      case Field::id:
        event.stamp.id = MessageId{value};
        break;
      case Field::ts:
        event.stamp.ts_ms = value;
        break;
      case Field::attachment_size:
        current_.size = value;
        break;
      default:
        break;
    }
  }

  // null: as if the field had not been given.
  void reset() {
    switch (spec_->type) {
      case Type::string:
        set_string({});
        break;
      case Type::id:
      case Type::number:
        set_number(0);
        break;
      case Type::kind:
        event.send.kind = Kind::text;
        break;
      case Type::role:
        event.stamp.role = MemberRole::none;
        break;
      case Type::strings:
        mentions.clear();
        break;
      case Type::attachments:
        attachments.clear();
        break;
      case Type::object:
        if (spec_->field == Field::meta) {
          meta.clear();
          meta_type = false;
        }
        break;
    }
  }

  // --- what does not belong
  void skip_container() {
    if (state_ != State::start) refuse_scalar();
    resume_ = state_;
    state_ = State::skip;
    depth_ = 1;
  }
  void leave_skipped() {
    if (--depth_ == 0) state_ = resume_;
  }
  void refuse_scalar() {
    if (state_ == State::skip || state_ == State::start) return;
    if ((state_ == State::top || state_ == State::attachment) && spec_->field == Field::unknown) return;
    wrong();
  }
  void wrong() {
    if (!problem.empty()) return;
    const bool in_attachment = state_ == State::attachment;
    problem.append("field \"").append(in_attachment ? "attachments." : "").append(spec_->name);
    problem.append("\" must be ").append(expectation(spec_->type));
  }

  std::string_view input_;
  std::string strings_;
  std::string number_;
  std::size_t part_begin_ = kNoPart;
  State state_ = State::start;
  State resume_ = State::start;  // where a skipped value began
  std::size_t depth_ = 0;        // open brackets of meta or of the skipped value
  const Spec* spec_ = &kUnknown;
  Attachment current_;
  std::size_t meta_piece_ = 0;  // where the last string in `meta` begins
  bool in_meta_string_ = false;
  bool meta_key_is_type_ = false;
};

json::parse_options parser_options() {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  return options;
}

}  // namespace

struct MessageJsonReader::Impl {
  json::basic_parser<Handler> parser{parser_options()};

  Outcome run(std::string_view text, bool meta_only) {
    Handler& handler = parser.handler();
    handler.meta_only = meta_only;
    handler.begin(text);
    parser.reset();
    json::error_code error;
    const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
    handler.finish();
    if (error || used != text.size() || !handler.is_object) return Outcome::not_json;
    return handler.problem.empty() ? Outcome::ok : Outcome::wrong_type;
  }
};

MessageJsonReader::MessageJsonReader(Fields fields, const MessageLimits& limits)
    : impl_(std::make_unique<Impl>()) {
  Handler& handler = impl_->parser.handler();
  handler.of_event = fields == Fields::of_event;
  handler.max_mentions = limits.mentions;
  handler.max_attachments = limits.attachments;
}
MessageJsonReader::~MessageJsonReader() = default;

MessageJsonReader::Outcome MessageJsonReader::read(std::string_view json) { return impl_->run(json, false); }
MessageJsonReader::Outcome MessageJsonReader::read_meta(std::string_view json) {
  return impl_->run(json, true);
}
const Event& MessageJsonReader::event() const { return impl_->parser.handler().event; }
bool MessageJsonReader::meta_type() const { return impl_->parser.handler().meta_type; }
const std::string& MessageJsonReader::problem() const { return impl_->parser.handler().problem; }

}  // namespace parley
