// Readers of events, frames, log pages and event JSON: bytes from the network.
#include <string>

#include "schemas/message.h"
#include "schemas/test_messages.h"

namespace {

using namespace parley;

void read_event(Bytes bytes) {
  static EventReader reader;
  const auto event = reader.read(bytes);
  if (!event) return;
  (void)testing::describe(*event);  // touches every field
  std::string json;
  append_event_json(bytes, json);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static EventReader json_reader;
  const Bytes bytes(data, size);
  read_event(bytes);
  if (const auto frame = read_frame(bytes)) {
    for (const Bytes event : frame->events) read_event(event);
  }
  if (const auto page = read_log_page(bytes)) {
    for (const LogEntry& record : page->records) read_event(record.event);
  }
  const auto event = json_reader.read_json({reinterpret_cast<const char*>(data), size});
  if (event) (void)testing::describe(*event);
  return 0;
}
