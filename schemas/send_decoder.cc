// From the payload of rooms/{room}/send to a Send that may be stored: tell the form, parse, validate.
//
// A payload whose meaning is plain is taken although it is not spelled as protocol.md has it: a byte order
// mark before it, mentions as people type them, empty strings for what is left out.
//
// Server-made kinds are refused with bad_payload, not forbidden: no role could ever send one.
#include <algorithm>
#include <array>

#include "schemas/aligned.h"
#include "schemas/flatbuffer_fields.h"
#include "schemas/generated/send_generated.h"
#include "schemas/message.h"
#include "schemas/message_json.h"
#include "schemas/raw_json.h"
#include "schemas/text/emoji.h"
#include "schemas/text/field_text.h"
#include "schemas/utf8.h"

namespace parley {
namespace {

constexpr std::uint32_t kMaxExpiry = 10u * 365 * 24 * 3600;  // ten years, in seconds
constexpr std::size_t kMaxEmojiBytes = 64;
constexpr std::size_t kMaxAttachmentId = 128;    // bytes, like the next two
constexpr std::size_t kMaxAttachmentName = 255;  // what file systems take
constexpr std::size_t kMaxAttachmentType = 127;  // RFC 6838, 4.2 allows 127 for each half; nobody uses it
constexpr flatbuffers::uoffset_t kMaxDepth = 8;
constexpr flatbuffers::uoffset_t kMaxTables = 1024;

Refusal bad(std::string message) { return {Code::bad_payload, std::move(message)}; }
Refusal too_large(std::string message) { return {Code::too_large, std::move(message)}; }

bool is_json_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool looks_like_json(std::string_view text) {
  const auto first = std::find_if_not(text.begin(), text.end(), is_json_space);
  return first != text.end() && *first == '{';
}

bool is_text(std::string_view text) {
  const Utf8Scan scan = scan_utf8(text);
  return scan.valid && !scan.has_nul;
}

bool is_attachment_kind(Kind kind) {
  return kind == Kind::image || kind == Kind::file || kind == Kind::audio || kind == Kind::video;
}

using Check = std::optional<Refusal>;  // nothing: passed

Check check_body(const Send& send, const MessageLimits& limits) {
  const Utf8Scan scan = scan_utf8(send.body);
  if (!scan.valid) return bad("field \"body\" is not valid UTF-8; encode the text as UTF-8");
  if (scan.has_nul) return bad("field \"body\" holds the character U+0000; leave it out");
  if (scan.characters > limits.body_characters) {
    return too_large("field \"body\" has " + std::to_string(scan.characters) + " characters, at most " +
                     std::to_string(limits.body_characters) + " are allowed; split it or attach a file");
  }
  return std::nullopt;
}

Check check_short_text(std::string_view name, std::string_view text, std::size_t max_bytes) {
  if (text.size() > max_bytes) {
    return too_large("field \"" + std::string(name) + "\" has " + std::to_string(text.size()) +
                     " bytes, at most " + std::to_string(max_bytes) + " are allowed");
  }
  const Utf8Scan scan = scan_utf8(text);
  if (!scan.valid || scan.has_nul) {
    return bad("field \"" + std::string(name) + "\" must be UTF-8 without the character U+0000");
  }
  return std::nullopt;
}

// Of an attachment: what people see beside the message, outside of its body.
Check check_label(std::string_view name, std::string_view text, std::size_t max_bytes) {
  if (Check c = check_short_text(name, text, max_bytes)) return c;
  if (text::is_harmless(text)) return std::nullopt;
  return bad("field \"" + std::string(name) +
             "\" must hold no control characters, line breaks, or what turns the direction of text");
}

Check check_cid(const Send& send) {
  if (send.cid.empty() || is_cid(send.cid)) return std::nullopt;
  return bad("field \"cid\" must be 1 to 64 characters of UTF-8 without control characters; a UUID will do");
}

Check check_mentions(const Send& send, const MessageLimits& limits) {
  if (send.mentions.size() <= limits.mentions) return std::nullopt;
  return too_large("field \"mentions\" has more than " + std::to_string(limits.mentions) +
                   " names; name fewer people");
}

// Mentions as people type them: "@Bob" is bob. What can be nobody's name is left out, and so is a second bob:
// a message is worth more than a list of names in it.
class MentionReader {
 public:
  // At most as many as check_mentions lets pass. The result lives until the next call.
  std::span<const std::string_view> read(std::span<const std::string_view> given) {
    if (are_plain(given)) return given;
    std::size_t bytes = 0;
    for (const std::string_view name : given) bytes += name.size();
    text_.clear();
    text_.reserve(bytes);  // no view into it moves
    names_.clear();
    for (const std::string_view name : given) {
      const std::size_t begin = text_.size();
      for (const char c : bare(name)) text_ += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
      const std::string_view folded = std::string_view(text_).substr(begin);
      if (is_user_name(folded) && std::ranges::find(names_, folded) == names_.end()) names_.push_back(folded);
    }
    return names_;
  }

 private:
  static bool are_plain(std::span<const std::string_view> given) {
    for (std::size_t i = 0; i < given.size(); ++i) {
      if (!is_user_name(given[i]) || std::ranges::find(given.first(i), given[i]) != given.first(i).end())
        return false;
    }
    return true;
  }
  static std::string_view bare(std::string_view name) {
    while (!name.empty() && is_json_space(name.front())) name.remove_prefix(1);
    while (!name.empty() && is_json_space(name.back())) name.remove_suffix(1);
    if (name.starts_with('@')) name.remove_prefix(1);
    return name;
  }

  std::string text_;
  std::vector<std::string_view> names_;
};

Check check_attachments(const Send& send, const MessageLimits& limits) {
  if (send.attachments.size() > limits.attachments) {
    return too_large("field \"attachments\" has more than " + std::to_string(limits.attachments) +
                     " entries");
  }
  for (const Attachment& a : send.attachments) {
    if (a.id.empty())
      return bad("field \"attachments.id\" is missing; upload the file first and give its id");
    if (Check c = check_label("attachments.id", a.id, kMaxAttachmentId)) return c;
    if (Check c = check_label("attachments.name", a.name, kMaxAttachmentName)) return c;
    if (Check c = check_label("attachments.type", a.type, kMaxAttachmentType)) return c;
    if (a.size >= kSeqLimit) return bad("field \"attachments.size\" must be below 2^53 bytes");
  }
  return std::nullopt;
}

Check check_meta(const Send& send, const MessageLimits& limits) {
  if (send.meta.size() <= limits.meta_bytes) return std::nullopt;
  return too_large("field \"meta\" has " + std::to_string(send.meta.size()) + " bytes, at most " +
                   std::to_string(limits.meta_bytes) + " are allowed; attach a file instead");
}

Check check_operation(const Send& send) {
  if (is_operation(send.kind)) {
    if (raw(send.target) == 0) {
      return bad("field \"target\" is missing; give the id of the message that \"" +
                 std::string(to_string(send.kind)) + "\" is about");
    }
  } else if (raw(send.target) != 0) {
    return bad("field \"target\" belongs to operations only; use \"reply_to\" to answer a message");
  }
  const bool reaction = send.kind == Kind::react || send.kind == Kind::unreact;
  if (reaction && send.emoji.empty()) return bad("field \"emoji\" is missing; give the emoji to react with");
  if (!reaction && !send.emoji.empty()) return bad("field \"emoji\" belongs to react and unreact only");
  return check_short_text("emoji", send.emoji, kMaxEmojiBytes);
}

// What the kind cannot do without.
Check check_kind(const Send& send, bool meta_type) {
  const auto missing = [&](const char* what) {
    return bad("a message of kind \"" + std::string(to_string(send.kind)) + "\" needs " + what);
  };
  if (is_server_made(send.kind)) {
    return bad("field \"kind\": \"" + std::string(to_string(send.kind)) + "\" is made by the server only");
  }
  const bool needs_body = send.kind == Kind::text || send.kind == Kind::edit || send.kind == Kind::encrypted;
  if (needs_body && send.body.empty()) return missing("a field \"body\" that is not empty");
  if (is_attachment_kind(send.kind) && send.attachments.empty() && send.body.empty()) {
    return missing("at least one entry in \"attachments\", or a \"body\"");
  }
  if (send.kind == Kind::location && send.body.empty() && send.meta.empty()) {
    return missing("a \"body\" or a \"meta\" with the place");
  }
  if (send.kind == Kind::custom && !meta_type) return missing("a string \"type\" inside \"meta\"");
  return check_operation(send);
}

Check validate(const Send& send, bool meta_type, const MessageLimits& limits) {
  if (Check c = check_cid(send)) return c;
  if (Check c = check_kind(send, meta_type)) return c;
  if (Check c = check_body(send, limits)) return c;
  if (Check c = check_mentions(send, limits)) return c;
  if (Check c = check_attachments(send, limits)) return c;
  if (Check c = check_meta(send, limits)) return c;
  if (send.expires_in_s > kMaxExpiry) return bad("field \"expires_in\" must be at most ten years in seconds");
  return std::nullopt;
}

}  // namespace

struct SendDecoder::Impl {
  explicit Impl(MessageLimits given) : limits(given), json(MessageJsonReader::Fields::of_send, given) {}

  static bool is_flatbuffer(Bytes payload);
  Result<Send> decode_flatbuffer(Bytes payload);
  Result<Send> decode_json(std::string_view text);
  Result<Send> decode_text(std::string_view text) const;
  Result<Send> finish(Send send, bool meta_type) {
    if (Check refused = validate(send, meta_type, limits)) return std::move(*refused);
    send.mentions = mentions.read(send.mentions);
    if (!send.emoji.empty()) {
      const std::string_view given = send.emoji;
      send.emoji = text::qualified_emoji(given, emoji);
      // What was stored before this was asked for is no emoji, and can be taken back all the same.
      if (send.emoji.empty() && send.kind == Kind::unreact && text::is_harmless(given)) send.emoji = given;
      if (send.emoji.empty())
        return bad("field \"emoji\" must be one emoji, such as \U0001F44D; text, or two, is none");
    }
    return send;
  }
  void note_cid(std::string_view given) {
    if (is_cid(given)) cid = given;
  }

  MessageLimits limits;
  MessageJsonReader json;
  AlignedBytes aligned;
  ListStore lists;
  MentionReader mentions;
  text::EmojiBuffer emoji{};  // of the latest Send
  std::string_view cid;
};

// Text may have PRLY in this place too. It is no FlatBuffer by that: the offset in the first four bytes of
// one has zeros in it, which text has not.
bool SendDecoder::Impl::is_flatbuffer(Bytes payload) {
  const std::string_view text(reinterpret_cast<const char*>(payload.data()), payload.size());
  if (payload.size() < 8 || text.substr(4, 4) != fb::SendIdentifier()) return false;
  return std::find(payload.begin(), payload.begin() + 4, 0) != payload.begin() + 4 || !is_text(text);
}

Result<Send> SendDecoder::Impl::decode_flatbuffer(Bytes payload) {
  const Bytes bytes = aligned.of(payload);
  flatbuffers::Verifier verifier(bytes.data(), bytes.size(), kMaxDepth, kMaxTables);
  if (!fb::VerifySendBuffer(verifier)) {
    return bad("the payload has the identifier PRLY but is no valid FlatBuffers Send; see send.fbs");
  }
  const fb::Send& table = *fb::GetSend(bytes.data());
  Send send;
  read_send_fields(table, lists, send);
  note_cid(send.cid);
  if (!parse_kind(to_string(send.kind))) return bad("field \"kind\" is no kind of message; see types.fbs");
  bool meta_type = false;
  if (!send.meta.empty()) {
    if (send.meta.size() > limits.meta_bytes) return *check_meta(send, limits);
    if (json.read_meta(send.meta) != MessageJsonReader::Outcome::ok) {
      return bad("field \"meta\" must be the text of a JSON object");
    }
    send.meta = json.event().send.meta;
    meta_type = json.meta_type();
  }
  return finish(send, meta_type);
}

Result<Send> SendDecoder::Impl::decode_json(std::string_view text) {
  const MessageJsonReader::Outcome outcome = json.read(text);
  note_cid(json.event().send.cid);
  switch (outcome) {
    case MessageJsonReader::Outcome::ok:
      break;
    case MessageJsonReader::Outcome::wrong_type:
      return bad(json.problem());
    case MessageJsonReader::Outcome::not_json:
      return bad("the payload begins with '{' but is not one JSON object (" + json.problem() +
                 "); to send such text, wrap it: {\"body\":\"...\"}");
  }
  return finish(json.event().send, json.meta_type());
}

Result<Send> SendDecoder::Impl::decode_text(std::string_view text) const {
  Send send;
  send.body = text;
  const Check refused = check_body(send, limits);
  if (!refused) return send;
  if (refused->code == Code::too_large) return *refused;
  return bad(
      "the payload is neither FlatBuffers (identifier PRLY), nor a JSON object, nor UTF-8 text without the "
      "character U+0000");
}

SendDecoder::SendDecoder(MessageLimits limits) : impl_(std::make_unique<Impl>(limits)) {}
SendDecoder::~SendDecoder() = default;

Result<Send> SendDecoder::decode(Bytes payload) {
  impl_->cid = {};
  if (payload.empty()) return bad("the payload is empty; send text, a JSON object or FlatBuffers");
  const std::string_view text(reinterpret_cast<const char*>(payload.data()), payload.size());
  if (payload.size() > impl_->limits.payload_bytes) {
    return too_large("the payload has " + std::to_string(payload.size()) + " bytes, at most " +
                     std::to_string(impl_->limits.payload_bytes) + " are allowed");
  }
  if (Impl::is_flatbuffer(payload)) return impl_->decode_flatbuffer(payload);
  std::string_view content = skip_byte_order_mark(text);
  if (content.ends_with('\0')) content.remove_suffix(1);  // of programs in C that send one byte too many
  if (content.empty()) return bad("the payload holds no text: only a byte order mark or U+0000");
  return looks_like_json(content) ? impl_->decode_json(content) : impl_->decode_text(content);
}

std::string_view SendDecoder::cid() const { return impl_->cid; }

}  // namespace parley
