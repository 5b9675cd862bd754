#include "bridge/api/networks.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>
#include <optional>

namespace parley::api {
namespace {

// Of an address of either kind; IPv4 within IPv6 counts as IPv4.
struct Address {
  std::optional<in_addr> v4;
  std::optional<in6_addr> v6;
};

Address parse(const std::string& text) {
  in_addr v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) return {v4, {}};
  in6_addr v6{};
  if (::inet_pton(AF_INET6, text.c_str(), &v6) != 1) return {};
  if (!IN6_IS_ADDR_V4MAPPED(&v6)) return {{}, v6};
  std::memcpy(&v4, &v6.s6_addr[12], sizeof v4);
  return {v4, {}};
}

std::string text_of(in_addr v4, bool network) {
  if (network) v4.s_addr &= htonl(0xffffff00);
  char text[INET_ADDRSTRLEN];
  return ::inet_ntop(AF_INET, &v4, text, sizeof text) + std::string(network ? "/24" : "");
}

std::string text_of(in6_addr v6) {
  std::memset(&v6.s6_addr[8], 0, 8);
  char text[INET6_ADDRSTRLEN];
  return ::inet_ntop(AF_INET6, &v6, text, sizeof text) + std::string("/64");
}

std::string shortened(std::string_view remote, bool network) {
  std::string text(remote);
  const Address address = parse(text);
  if (address.v4) return text_of(*address.v4, network);
  if (address.v6) return text_of(*address.v6);
  return text;
}

}  // namespace

std::string place_of(std::string_view remote) { return shortened(remote, false); }
std::string network_of(std::string_view remote) { return shortened(remote, true); }

}  // namespace parley::api
