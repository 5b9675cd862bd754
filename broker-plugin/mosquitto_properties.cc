#include "broker-plugin/mosquitto_properties.h"

#include <mosquitto_broker.h>
#include <mqtt_protocol.h>

#include <cstdlib>

#include "schemas/mqtt_packet.h"

namespace parley::plugin {
namespace {

using mqtt::PropertyId;

std::string_view take(char*& text) { return text == nullptr ? std::string_view() : std::string_view(text); }

void encode(const mosquitto_property* property, std::string& out) {
  const int id = mosquitto_property_identifier(property);
  const auto as = static_cast<PropertyId>(id);
  char* first = nullptr;
  char* second = nullptr;
  switch (id) {
    case MQTT_PROP_PAYLOAD_FORMAT_INDICATOR: {
      std::uint8_t value = 0;
      if (mosquitto_property_read_byte(property, id, &value, false) != nullptr)
        mqtt::append_property(out, as, std::uint32_t{value});
      break;
    }
    case MQTT_PROP_CONTENT_TYPE:
    case MQTT_PROP_RESPONSE_TOPIC:
      if (mosquitto_property_read_string(property, id, &first, false) != nullptr)
        mqtt::append_property(out, as, take(first));
      break;
    case MQTT_PROP_CORRELATION_DATA: {
      void* bytes = nullptr;
      std::uint16_t size = 0;
      if (mosquitto_property_read_binary(property, id, &bytes, &size, false) != nullptr)
        mqtt::append_property(out, as, std::string_view(static_cast<const char*>(bytes), size));
      std::free(bytes);
      break;
    }
    case MQTT_PROP_USER_PROPERTY:
      if (mosquitto_property_read_string_pair(property, id, &first, &second, false) != nullptr)
        mqtt::append_user_property(out, take(first), take(second));
      break;
    default:
      break;
  }
  std::free(first);
  std::free(second);
}

void add(mosquitto_property** list, const mqtt::Property& property) {
  const int id = static_cast<int>(property.id);
  const std::string text(property.text);
  switch (property.id) {
    case PropertyId::payload_format:
      mosquitto_property_add_byte(list, id, static_cast<std::uint8_t>(property.number));
      break;
    case PropertyId::content_type:
    case PropertyId::response_topic:
      mosquitto_property_add_string(list, id, text.c_str());
      break;
    case PropertyId::correlation_data:
      mosquitto_property_add_binary(list, id, text.data(), static_cast<std::uint16_t>(text.size()));
      break;
    case PropertyId::user_property:
      mosquitto_property_add_string_pair(list, id, text.c_str(), std::string(property.value).c_str());
      break;
    default:
      break;
  }
}

}  // namespace

void encode_properties(const mosquitto_property* list, std::string& out) {
  out.clear();
  for (; list != nullptr; list = mosquitto_property_next(list)) encode(list, out);
}

mosquitto_property* decode_properties(std::string_view encoded, std::uint32_t expires_in_s) {
  mosquitto_property* list = nullptr;
  while (const auto property = mqtt::next_property(encoded)) add(&list, *property);
  if (expires_in_s > 0) mosquitto_property_add_int32(&list, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, expires_in_s);
  return list;
}

}  // namespace parley::plugin
