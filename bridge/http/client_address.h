// The address that a request counts as coming from: what limits, logs and the audit log know a client by.
// Plain values and pure functions.
#ifndef PARLEY_BRIDGE_HTTP_CLIENT_ADDRESS_H_
#define PARLEY_BRIDGE_HTTP_CLIENT_ADDRESS_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bridge/http/request.h"

namespace parley::http {

// An IPv4 or IPv6 address in the one spelling that each has: no port, no zone; an IPv4 address mapped into
// IPv6 (::ffff:a.b.c.d) is the IPv4 address.
class ClientAddress {
 public:
  ClientAddress() = default;  // 0.0.0.0: nobody

  // As proxies write it (RFC 7239, section 6, and the looser X-Forwarded-For): 203.0.113.9,
  // 203.0.113.9:4711, 2001:db8::1, [2001:db8::1], [2001:db8::1]:4711, with a zone (fe80::1%eth0), in quotes,
  // with spaces around. Nothing for what names no address: "unknown", "_hidden", host names.
  static std::optional<ClientAddress> parse(std::string_view text);

  bool is_ipv4() const { return is_ipv4_; }
  std::string to_string() const;  // "203.0.113.9", "2001:db8::1" (RFC 5952)
  // What one customer of a provider usually has, so what a limit for strangers should count: an IPv4 address
  // itself, "203.0.113.9", or the /64 of an IPv6 address, "2001:db8:1:2::/64".
  std::string network() const;

  friend bool operator==(const ClientAddress&, const ClientAddress&) = default;

 private:
  friend class AddressRange;
  bool is_ipv4_ = true;
  std::array<std::uint8_t, 16> bytes_{};  // in network order; of IPv4 the first four
};

// "10.0.0.0/8", "2001:db8::/32", or one address.
class AddressRange {
 public:
  static std::optional<AddressRange> parse(std::string_view text);
  bool contains(const ClientAddress& address) const;

 private:
  ClientAddress base_;
  unsigned bits_ = 0;
};

// The addresses that X-Forwarded-For names, or Forwarded (RFC 7239, `for`) when there is no X-Forwarded-For,
// from left to right through all headers of the name. Nothing in place of an entry that names no address.
std::vector<std::optional<ClientAddress>> forwarded_for(const Request& request);

// Whom the request comes from. `peer` is who connected. Without `trusted`, the peer is taken for a proxy that
// adds what it saw at the end. With them, only a trusted peer is believed, and the list is followed from its
// end through trusted proxies to the first address that is none. What stands further left is the client's to
// say and never counts; where an entry names no address, the proxy that wrote it does.
ClientAddress client_address(const Request& request, const ClientAddress& peer,
                             const std::vector<AddressRange>& trusted);

}  // namespace parley::http

#endif
