#include "schemas/message_fields.h"

#include <array>

namespace parley {
namespace {

constexpr std::array<FieldSpec, 10> kSendFields = {
    {{"body", MessageField::body, FieldType::string},
     {"cid", MessageField::cid, FieldType::string},
     {"kind", MessageField::kind, FieldType::kind},
     {"reply_to", MessageField::reply_to, FieldType::id},
     {"mentions", MessageField::mentions, FieldType::strings},
     {"attachments", MessageField::attachments, FieldType::attachments},
     {"meta", MessageField::meta, FieldType::object},
     {"expires_in", MessageField::expires_in, FieldType::number},
     {"target", MessageField::target, FieldType::id},
     {"emoji", MessageField::emoji, FieldType::string}}};
constexpr std::array<FieldSpec, 8> kEventFields = {{{"room", MessageField::room, FieldType::string},
                                                    {"seq", MessageField::seq, FieldType::number},
                                                    {"prev", MessageField::prev, FieldType::number},
                                                    {"id", MessageField::id, FieldType::id},
                                                    {"from", MessageField::from, FieldType::string},
                                                    {"device", MessageField::device, FieldType::string},
                                                    {"ts", MessageField::ts, FieldType::number},
                                                    {"role", MessageField::role, FieldType::role}}};
constexpr std::array<FieldSpec, 4> kAttachmentFields = {
    {{"id", MessageField::attachment_id, FieldType::string},
     {"name", MessageField::attachment_name, FieldType::string},
     {"type", MessageField::attachment_type, FieldType::string},
     {"size", MessageField::attachment_size, FieldType::number}}};

template <std::size_t N>
const FieldSpec& find(const std::array<FieldSpec, N>& specs, std::string_view name) {
  for (const FieldSpec& spec : specs) {
    if (spec.name == name) return spec;
  }
  return kUnknownField;
}

}  // namespace

const FieldSpec kAttachmentsField{"attachments", MessageField::attachments, FieldType::attachments};

const FieldSpec& find_send_field(std::string_view name) { return find(kSendFields, name); }

const FieldSpec& find_event_field(std::string_view name) {
  const FieldSpec& spec = find(kSendFields, name);
  return spec.field != MessageField::unknown ? spec : find(kEventFields, name);
}

const FieldSpec& find_attachment_field(std::string_view name) { return find(kAttachmentFields, name); }

std::string_view expectation(FieldType type) {
  switch (type) {
    case FieldType::string:
      return "a string";
    case FieldType::id:
      return "a message id as a string of decimal digits";
    case FieldType::number:
      return "a whole number, not negative";
    case FieldType::kind:
      return "one of the kinds of message as a string";
    case FieldType::role:
      return "a role as a string";
    case FieldType::strings:
      return "an array of strings";
    case FieldType::attachments:
      return "an array of objects";
    case FieldType::object:
      return "an object";
  }
  return "of another type";
}

}  // namespace parley
