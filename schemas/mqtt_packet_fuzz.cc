// The packet reader on arbitrary bytes in arbitrary pieces: it must neither crash nor read outside its
// buffer, cutting the input elsewhere must not change what comes out, and what reads as a PUBLISH must encode
// back.
#include <cstdlib>
#include <string>

#include "schemas/mqtt_packet.h"

namespace {

using parley::mqtt::Packet;
using parley::mqtt::PacketReader;
using parley::mqtt::ReadStatus;
using parley::mqtt::Version;

void check_publish(Version version, const Packet& packet) {
  std::string bytes;
  if (!parley::mqtt::append_publish(bytes, version,
                                    {.topic = packet.topic,
                                     .payload = packet.payload,
                                     .qos = packet.qos,
                                     .retain = packet.retain,
                                     .dup = packet.dup,
                                     .packet_id = packet.packet_id,
                                     .properties = packet.properties})) {
    std::abort();
  }
  PacketReader reader(version);
  reader.feed(bytes);
  Packet again;
  if (reader.next(again) != ReadStatus::packet || again.topic != packet.topic ||
      again.payload != packet.payload || again.properties != packet.properties ||
      again.packet_id != packet.packet_id || again.flags != packet.flags) {
    std::abort();
  }
}

// Type, flags and body of every packet, and how it ended.
std::string digest(Version version, std::string_view bytes, std::size_t piece) {
  PacketReader reader(version, 1 << 16);
  std::string seen;
  Packet packet;
  ReadStatus status = ReadStatus::need_more;
  for (std::size_t at = 0; at < bytes.size() && status != ReadStatus::malformed; at += piece) {
    reader.feed(bytes.substr(at, piece));
    while ((status = reader.next(packet)) == ReadStatus::packet) {
      seen.push_back(static_cast<char>(packet.type));
      seen.push_back(static_cast<char>(packet.flags));
      seen.append(packet.body);
      if (packet.type == parley::mqtt::PacketType::publish) check_publish(version, packet);
    }
  }
  return seen + reader.error();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 2) return 0;
  const Version version = (data[0] & 1) != 0 ? Version::v5 : Version::v311;
  const std::size_t piece = 1 + data[1] % 32;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  if (digest(version, bytes, piece) != digest(version, bytes, bytes.size() + 1)) std::abort();
  return 0;
}
