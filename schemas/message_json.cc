#include "schemas/message_json.h"

#include <boost/json/basic_parser_impl.hpp>
#include <functional>
#include <limits>

#include "schemas/message_fields.h"
#include "schemas/raw_json.h"
#include "schemas/whole_number.h"

namespace parley {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxDepth = 32;

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
  bool meta_type = false;  // the last `meta` has a member "type" that is a string and not empty
  bool is_object = false;
  std::string problem;

  void begin(std::string_view input) {
    input_ = input;
    event = Event{};
    mentions.clear();
    attachments.clear();
    forget_meta();
    is_object = false;
    problem.clear();
    strings_.clear();
    number_.clear();
    // What is kept of strings is never longer than its source, so no view into them moves.
    if (strings_.capacity() < input.size()) strings_.reserve(input.size());
    part_begin_ = kNoPart;
    member_ = 0;
    state_ = State::start;
    resume_ = State::start;
    depth_ = 0;
    spec_ = &kUnknownField;
  }

  // `valid`: the whole input is one JSON object.
  void finish(bool valid) {
    event.send.mentions = mentions;
    event.send.attachments = attachments;
    if (valid && (meta_only || meta_member_ != 0)) event.send.meta = compact(source_of_meta());
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
        if (spec_->field == MessageField::meta) {
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
        note_type(false);
        ++depth_;
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
        spec_ = &kAttachmentsField;
        break;
      case State::meta:
        close_meta();
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
      note_type(false);
      ++depth_;
    } else if (state_ == State::skip) {
      ++depth_;
    } else if (state_ == State::top && spec_->field == MessageField::mentions) {
      mentions.clear();
      state_ = State::mentions;
    } else if (state_ == State::top && spec_->field == MessageField::attachments) {
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
        close_meta();
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
    if (state_ == State::skip) return true;
    const std::string_view name = whole(s);
    if (state_ == State::meta) {
      // A key further down says nothing about the value that comes at the top.
      if (depth_ == 1) key_is_type_ = name == "type";
    } else {
      if (state_ == State::top) ++member_;
      spec_ = &look_up(name);
    }
    return true;
  }
  bool on_string_part(json::string_view s, std::size_t, json::error_code&) { return part(s); }
  bool on_string(json::string_view s, std::size_t, json::error_code&) {
    if (state_ == State::skip) return true;
    const std::string_view text = whole(s);
    if (state_ == State::meta) {
      note_type(!text.empty());
    } else {
      string_value(text);
    }
    return true;
  }
  bool on_number_part(json::string_view s, json::error_code&) {
    number_.append(s.data(), s.size());
    return true;
  }
  bool on_int64(std::int64_t, json::string_view s, json::error_code&) { return number_value(s); }
  bool on_uint64(std::uint64_t, json::string_view s, json::error_code&) { return number_value(s); }
  bool on_double(double, json::string_view s, json::error_code&) { return number_value(s); }
  bool on_bool(bool, json::error_code&) {
    if (state_ == State::meta) {
      note_type(false);
    } else {
      refuse_scalar();
    }
    return true;
  }
  bool on_null(json::error_code&) {
    if (state_ == State::meta) {
      note_type(false);
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

  static std::string_view view(json::string_view s) { return {s.data(), s.size()}; }

  const FieldSpec& look_up(std::string_view name) const {
    if (state_ == State::attachment) return find_attachment_field(name);
    return of_event ? find_event_field(name) : find_send_field(name);
  }

  // --- strings: in one piece they stay where they are, in parts they are put together.
  bool part(json::string_view s) {
    if (state_ != State::skip) {
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

  void open_meta() {
    state_ = State::meta;
    depth_ = 1;
    meta_member_ = member_;
    meta_type = false;
    key_is_type_ = false;
  }
  void close_meta() {
    if (--depth_ == 0) state_ = meta_only ? State::start : State::top;
  }
  void forget_meta() {
    meta_member_ = 0;
    meta_type = false;
  }
  void note_type(bool is_useful) {
    if (depth_ == 1 && key_is_type_) meta_type = is_useful;
  }
  std::string_view source_of_meta() const {
    if (meta_only) return input_;
    RawMembers members(input_);
    for (std::size_t i = 1; i < meta_member_; ++i) members.next();
    const auto member = members.next();
    return member ? member->value : std::string_view();
  }
  // As it was sent, but for the white space outside of strings.
  std::string_view compact(std::string_view json) {
    if (is_compact_json(json)) return json;
    meta_.clear();
    append_compact_json(json, meta_);
    return meta_;
  }

  // --- values
  void string_value(std::string_view text) {
    if (state_ == State::mentions) {
      if (mentions.size() <= max_mentions) mentions.push_back(text);
      return;
    }
    if (state_ != State::top && state_ != State::attachment) return refuse_scalar();
    switch (spec_->type) {
      case FieldType::strings:  // of one
        mentions.assign(text.empty() ? 0 : 1, text);
        break;
      case FieldType::string:
        set_string(text);
        break;
      case FieldType::id:
        if (text.empty()) return reset();
        if (const auto id = parse_message_id(text)) {
          set_number(raw(*id));
        } else {
          wrong();
        }
        break;
      case FieldType::number:  // of shells, forms and templates, whose values are all strings
        if (text.empty()) return reset();
        set_whole_number(text);
        break;
      case FieldType::kind:
        if (text.empty() && !of_event) return reset();
        if (const auto kind = parse_kind(text)) {
          event.send.kind = *kind;
        } else if (of_event) {
          event.send.kind = kUnknownKind;
        } else {
          wrong();
        }
        break;
      case FieldType::role:
        event.stamp.role = parse_member_role(text).value_or(MemberRole::none);
        break;
      default:
        refuse_scalar();
        break;
    }
  }

  bool number_value(json::string_view last_part) {
    if (state_ == State::meta) {
      note_type(false);
    } else if ((state_ == State::top || state_ == State::attachment) &&
               (spec_->type == FieldType::number || spec_->type == FieldType::id)) {
      number_.append(last_part.data(), last_part.size());
      set_whole_number(number_);
    } else {
      refuse_scalar();
    }
    number_.clear();
    return true;
  }

  void set_whole_number(std::string_view spelling) {
    const auto number = parse_whole_number(spelling);
    if (const auto value = number ? number->as<std::uint64_t>() : std::nullopt) {
      set_number(*value);
    } else {
      wrong();
    }
  }

  void set_string(std::string_view text) {
    switch (spec_->field) {
      case MessageField::cid:
        event.send.cid = text;
        break;
      case MessageField::body:
        event.send.body = text;
        break;
      case MessageField::emoji:
        event.send.emoji = text;
        break;
      case MessageField::room:
        event.stamp.room = text;
        break;
      case MessageField::from:
        event.stamp.from = text;
        break;
      case MessageField::device:
        event.stamp.device = text;
        break;
      case MessageField::attachment_id:
        current_.id = text;
        break;
      case MessageField::attachment_name:
        current_.name = text;
        break;
      case MessageField::attachment_type:
        current_.type = text;
        break;
      default:
        break;
    }
  }

  void set_number(std::uint64_t value) {
    switch (spec_->field) {
      case MessageField::reply_to:
        event.send.reply_to = MessageId{value};
        break;
      case MessageField::target:
        event.send.target = MessageId{value};
        break;
      case MessageField::expires_in:
        if (value > std::numeric_limits<std::uint32_t>::max()) return wrong();
        event.send.expires_in_s = static_cast<std::uint32_t>(value);
        break;
      case MessageField::seq:
        event.stamp.seq = Seq{value};
        break;
      case MessageField::prev:
        event.stamp.prev = Seq{value};
        break;
      case MessageField::id:
        event.stamp.id = MessageId{value};
        break;
      case MessageField::ts:
        event.stamp.ts_ms = value;
        break;
      case MessageField::attachment_size:
        current_.size = value;
        break;
      default:
        break;
    }
  }

  // null: as if the field had not been given.
  void reset() {
    switch (spec_->type) {
      case FieldType::string:
        set_string({});
        break;
      case FieldType::id:
      case FieldType::number:
        set_number(0);
        break;
      case FieldType::kind:
        event.send.kind = Kind::text;
        break;
      case FieldType::role:
        event.stamp.role = MemberRole::none;
        break;
      case FieldType::strings:
        mentions.clear();
        break;
      case FieldType::attachments:
        attachments.clear();
        break;
      case FieldType::object:
        if (spec_->field == MessageField::meta) forget_meta();
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
    if (state_ == State::mentions) return;  // nobody's name, and left out like others that are none
    if ((state_ == State::top || state_ == State::attachment) && spec_->field == MessageField::unknown)
      return;
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
  std::string number_;  // the parts of a number so far; short ones need no allocation
  std::string meta_;
  std::size_t part_begin_ = kNoPart;
  State state_ = State::start;
  State resume_ = State::start;  // where a skipped value began
  std::size_t depth_ = 0;        // open brackets of the skipped value, or of meta
  std::size_t member_ = 0;       // of the input's object: which is being read, from 1 on
  std::size_t meta_member_ = 0;  // the one that is `meta`; 0: none
  bool key_is_type_ = false;
  const FieldSpec* spec_ = &kUnknownField;
  Attachment current_;
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
    bool valid = !error && used == text.size() && handler.is_object;
    // Alone it must not be deeper than inside of the message that it belongs to.
    if (valid && meta_only && is_json_deeper_than(text, kMaxDepth - 1)) {
      error = json::error::too_deep;
      valid = false;
    }
    handler.finish(valid);
    if (!valid) {
      handler.problem =
          error == json::error::too_deep ? "it is nested more than 32 levels deep" : error.message();
      if (!error) handler.problem = "something comes after its end";
      return Outcome::not_json;
    }
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
