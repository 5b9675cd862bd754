// What counts as one place that requests come from.
#ifndef PARLEY_BRIDGE_API_NETWORKS_H_
#define PARLEY_BRIDGE_API_NETWORKS_H_

#include <string>
#include <string_view>

namespace parley::api {

// An IPv4 address, or the /64 of an IPv6 one: who has one of those addresses has 2^64.
std::string place_of(std::string_view remote);
// The /24 of an IPv4 address, the /64 of an IPv6 one: what a provider gives to one customer, about. What is
// no address is itself.
std::string network_of(std::string_view remote);

}  // namespace parley::api

#endif
