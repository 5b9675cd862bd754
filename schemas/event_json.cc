#include "schemas/aligned.h"
#include "schemas/flatbuffer_fields.h"
#include "schemas/generated/event_generated.h"
#include "schemas/json_text.h"
#include "schemas/message.h"

namespace parley {
namespace {

void write_attachment(const Attachment& a, std::string& out) {
  JsonObjectWriter object(out);
  object.text_if("id", a.id);
  object.text_if("name", a.name);
  object.text_if("type", a.type);
  object.number_if("size", a.size);
  object.close();
}

template <class List, class Write>
void write_list(JsonObjectWriter& object, std::string_view name, const List& list, std::string& out,
                Write write) {
  if (list.size() == 0) return;
  object.key(name);
  char separator = '[';
  for (const auto& item : list) {
    out += separator;
    write(item);
    separator = ',';
  }
  out += ']';
}

void write_event(const fb::Event& event, std::string& out) {
  JsonObjectWriter object(out);
  object.text("room", view(event.room()));
  object.number("seq", event.seq());
  object.number("prev", event.prev());
  object.id_if("id", event.id());
  object.text_if("cid", view(event.cid()));
  object.text_if("from", view(event.from()));
  object.text_if("device", view(event.device()));
  object.number("ts", event.ts());
  object.text("kind", to_string(static_cast<Kind>(event.kind())));
  object.text_if("body", view(event.body()));
  object.id_if("reply_to", event.reply_to());
  if (const auto* mentions = event.mentions()) {
    write_list(object, "mentions", *mentions, out,
               [&](const flatbuffers::String* name) { append_json_string(view(name), out); });
  }
  if (const auto* attachments = event.attachments()) {
    write_list(object, "attachments", *attachments, out, [&](const fb::Attachment* a) {
      write_attachment({view(a->id()), view(a->name()), view(a->type()), a->size()}, out);
    });
  }
  object.json_if("meta", view(event.meta()));
  object.number_if("expires_in", event.expires_in());
  object.id_if("target", event.target());
  object.text_if("emoji", view(event.emoji()));
  object.text_if("role", to_string(static_cast<MemberRole>(event.role())));
  object.close();
}

}  // namespace

void append_event_json(Bytes event_bytes, std::string& out) {
  thread_local AlignedBytes aligned;
  write_event(*fb::GetEvent(aligned.of(event_bytes).data()), out);
}

std::string send_to_json(const Send& send) {
  std::string out;
  JsonObjectWriter object(out);
  object.text_if("cid", send.cid);
  if (send.kind != Kind::text) object.text("kind", to_string(send.kind));
  object.text_if("body", send.body);
  object.id_if("reply_to", raw(send.reply_to));
  write_list(object, "mentions", send.mentions, out,
             [&](std::string_view name) { append_json_string(name, out); });
  write_list(object, "attachments", send.attachments, out,
             [&](const Attachment& a) { write_attachment(a, out); });
  object.json_if("meta", send.meta);
  object.number_if("expires_in", send.expires_in_s);
  object.id_if("target", raw(send.target));
  object.text_if("emoji", send.emoji);
  object.close();
  return out;
}

}  // namespace parley
