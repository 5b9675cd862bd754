// Internal to schemas: the fields of a message in JSON, and what each must be.
#ifndef PARLEY_SCHEMAS_MESSAGE_FIELDS_H_
#define PARLEY_SCHEMAS_MESSAGE_FIELDS_H_

#include <cstdint>
#include <string_view>

namespace parley {

enum class FieldType : std::uint8_t { string, id, number, kind, role, strings, attachments, object };

enum class MessageField : std::uint8_t {
  unknown,
  // Of a Send.
  cid,
  kind,
  body,
  reply_to,
  mentions,
  attachments,
  meta,
  expires_in,
  target,
  emoji,
  // Of an Event only.
  room,
  seq,
  prev,
  id,
  from,
  device,
  ts,
  role,
  // Inside of attachments.
  attachment_id,
  attachment_name,
  attachment_type,
  attachment_size,
};

struct FieldSpec {
  std::string_view name;
  MessageField field;
  FieldType type;
};
inline constexpr FieldSpec kUnknownField{"", MessageField::unknown, FieldType::object};
extern const FieldSpec kAttachmentsField;

// kUnknownField when there is no such field.
const FieldSpec& find_send_field(std::string_view name);
const FieldSpec& find_event_field(std::string_view name);  // those of a Send among them
const FieldSpec& find_attachment_field(std::string_view name);

std::string_view expectation(FieldType type);  // "a string", "an object", ...

}  // namespace parley

#endif
