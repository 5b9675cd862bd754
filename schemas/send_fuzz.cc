// Any payload of rooms/{room}/send. What is accepted must hold its limits, and must survive every encoding.
#include <cstdlib>
#include <string>

#include "schemas/message.h"
#include "schemas/test_messages.h"
#include "schemas/utf8.h"

namespace {
void require(bool holds) {
  if (!holds) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace parley;
  using testing::describe;
  static SendDecoder decoder;
  static SendDecoder second;
  static EventBuilder builder;
  static EventReader reader;
  const auto send = decoder.decode({data, size});
  require(decoder.cid().empty() || is_cid(decoder.cid()));
  if (!send) {
    require(send.error().code == Code::bad_payload || send.error().code == Code::too_large);
    require(!send.error().message.empty());
    return 0;
  }
  const std::string given = describe(*send);
  require(scan_utf8(send->body).valid && scan_utf8(send->body).characters <= 100'000);
  require(send->mentions.size() <= 50 && send->attachments.size() <= 20 && send->meta.size() <= 16 * 1024);
  require(!is_server_made(send->kind));
  // The escapes of JSON may push a payload over the size limit; then it is refused for that alone.
  const std::string json = send_to_json(*send);
  const auto from_json = second.decode(testing::bytes_of(json));
  require(from_json ? describe(*from_json) == given : from_json.error().code == Code::too_large);
  const auto flat = send_to_flatbuffer(*send);
  const auto from_flat = second.decode(flat);
  require(from_flat ? describe(*from_flat) == given : from_flat.error().code == Code::too_large);

  const Stamp stamp{"general", Seq{2}, Seq{1}, MessageId{3}, "alice", "phone", MemberRole::admin, 4};
  const Bytes event = builder.build(stamp, *send);
  const auto read = reader.read(event);
  require(read && describe(read->send) == given);
  std::string text;
  append_event_json(event, text);
  const auto again = reader.read_json(text);
  require(again && describe(again->send) == given);
  return 0;
}
