#include "schemas/message_json.h"

#include <boost/json/basic_parser_impl.hpp>
#include <functional>
#include <limits>

#include "schemas/message_fields.h"
#include "schemas/meta_writer.h"

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
  MetaWriter meta;
  bool is_object = false;
  std::string problem;

  void begin(std::string_view input) {
    input_ = input;
    event = Event{};
    mentions.clear();
    attachments.clear();
    meta.clear();
    is_object = false;
    problem.clear();
    strings_.clear();
    // What is kept of strings and of meta is never longer than its source, so no view into them moves.
    if (strings_.capacity() < input.size()) strings_.reserve(input.size());
    meta.reserve(input.size());
    part_begin_ = kNoPart;
    state_ = State::start;
    resume_ = State::start;
    depth_ = 0;
    spec_ = &kUnknownField;
  }

  void finish() {
    event.send.mentions = mentions;
    event.send.attachments = attachments;
    event.send.meta = meta.text();
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
        meta.open('{');
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
        close_meta('}');
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
      meta.open('[');
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
        close_meta(']');
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
      meta.key(view(s));
    } else if (state_ != State::skip) {
      spec_ = &look_up(whole(s));
    }
    return true;
  }
  bool on_string_part(json::string_view s, std::size_t, json::error_code&) { return part(s); }
  bool on_string(json::string_view s, std::size_t, json::error_code&) {
    if (state_ == State::meta) {
      meta.string(view(s));
    } else if (state_ != State::skip) {
      string_value(whole(s));
    }
    return true;
  }
  bool on_number_part(json::string_view s, json::error_code&) {
    if (state_ == State::meta) meta.number_part(view(s));
    return true;
  }
  bool on_int64(std::int64_t i, json::string_view s, json::error_code&) {
    return number_value(s, i >= 0, static_cast<std::uint64_t>(i));
  }
  bool on_uint64(std::uint64_t u, json::string_view s, json::error_code&) { return number_value(s, true, u); }
  bool on_double(double, json::string_view s, json::error_code&) { return number_value(s, false, 0); }
  bool on_bool(bool b, json::error_code&) {
    if (state_ == State::meta) {
      meta.value(b ? "true" : "false");
    } else {
      refuse_scalar();
    }
    return true;
  }
  bool on_null(json::error_code&) {
    if (state_ == State::meta) {
      meta.value("null");
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

  // --- strings outside of meta: in one piece they stay where they are, in parts they are put together.
  bool part(json::string_view s) {
    if (state_ == State::meta) {
      meta.string_part(view(s));
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

  void open_meta() {
    state_ = State::meta;
    meta.begin();
  }
  void close_meta(char bracket) {
    if (meta.close(bracket)) state_ = meta_only ? State::start : State::top;
  }

  // --- values
  void string_value(std::string_view text) {
    if (state_ == State::mentions) {
      if (mentions.size() <= max_mentions) mentions.push_back(text);
      return;
    }
    if (state_ != State::top && state_ != State::attachment) return refuse_scalar();
    switch (spec_->type) {
      case FieldType::string:
        set_string(text);
        break;
      case FieldType::id:
        if (const auto id = parse_message_id(text)) {
          set_number(raw(*id));
        } else {
          wrong();
        }
        break;
      case FieldType::kind:
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

  bool number_value(json::string_view s, bool fits, std::uint64_t value) {
    if (state_ == State::meta) {
      meta.number(view(s));
    } else if ((state_ == State::top || state_ == State::attachment) && fits &&
               (spec_->type == FieldType::number || spec_->type == FieldType::id)) {
      set_number(value);
    } else {
      refuse_scalar();
    }
    return true;
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
        if (spec_->field == MessageField::meta) {
          meta.clear();
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
  std::size_t part_begin_ = kNoPart;
  State state_ = State::start;
  State resume_ = State::start;  // where a skipped value began
  std::size_t depth_ = 0;        // open brackets of the skipped value
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
bool MessageJsonReader::meta_type() const { return impl_->parser.handler().meta.has_type(); }
const std::string& MessageJsonReader::problem() const { return impl_->parser.handler().problem; }

}  // namespace parley
