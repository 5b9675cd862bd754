// How a retained message is stored. Internal to storage/.
//
//   key   = topic
//   value = version:u8 (1)  qos:u8  expires_s:fixed64  owner-size:fixed64  properties-size:fixed64
//           owner  properties  payload
#ifndef PARLEY_STORAGE_RETAINED_BYTES_H_
#define PARLEY_STORAGE_RETAINED_BYTES_H_

#include <optional>
#include <string>
#include <string_view>

#include "storage/retained_store.h"

namespace parley::storage {

// Writes the value over `out`, whose memory is reused.
void make_retained_value(const RetainedMessage& message, std::string& out);
// Views into both; nothing when the value is damaged.
std::optional<RetainedMessage> parse_retained(std::string_view topic, std::string_view value);

}  // namespace parley::storage

#endif
