// Internal to schemas: what Send and Event tables have in common, taken out of verified FlatBuffers.
#ifndef PARLEY_SCHEMAS_FLATBUFFER_FIELDS_H_
#define PARLEY_SCHEMAS_FLATBUFFER_FIELDS_H_

#include <string_view>
#include <vector>

#include "schemas/generated/types_generated.h"
#include "schemas/message.h"

namespace parley {

inline std::string_view view(const flatbuffers::String* text) {
  return text == nullptr ? std::string_view() : std::string_view(text->c_str(), text->size());
}

struct ListStore {
  std::vector<std::string_view> mentions;
  std::vector<Attachment> attachments;
};

// Table: fb::Send or fb::Event. The result points into the table and into `store`.
template <class Table>
void read_send_fields(const Table& table, ListStore& store, Send& send) {
  send.cid = view(table.cid());
  send.kind = static_cast<Kind>(table.kind());
  send.body = view(table.body());
  send.reply_to = MessageId{table.reply_to()};
  send.meta = view(table.meta());
  send.expires_in_s = table.expires_in();
  send.target = MessageId{table.target()};
  send.emoji = view(table.emoji());
  store.mentions.clear();
  if (const auto* mentions = table.mentions()) {
    for (const flatbuffers::String* name : *mentions) store.mentions.push_back(view(name));
  }
  store.attachments.clear();
  if (const auto* attachments = table.attachments()) {
    for (const fb::Attachment* a : *attachments) {
      store.attachments.push_back({view(a->id()), view(a->name()), view(a->type()), a->size()});
    }
  }
  send.mentions = store.mentions;
  send.attachments = store.attachments;
}

}  // namespace parley

#endif
