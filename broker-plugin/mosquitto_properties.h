// MQTT 5 properties of a message between Mosquitto's list and the bytes of a packet (schemas/mqtt_packet.h).
#ifndef PARLEY_BROKER_PLUGIN_MOSQUITTO_PROPERTIES_H_
#define PARLEY_BROKER_PLUGIN_MOSQUITTO_PROPERTIES_H_

#include <mosquitto.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace parley::plugin {

// Writes over `out`. The broker takes the expiry out before it shows us a message, so there is none.
void encode_properties(const mosquitto_property* list, std::string& out);

// A list for mosquitto_broker_publish(), which takes it over; nullptr when there is nothing to say.
// `expires_in_s` 0: never.
mosquitto_property* decode_properties(std::string_view encoded, std::uint32_t expires_in_s);

}  // namespace parley::plugin

#endif
