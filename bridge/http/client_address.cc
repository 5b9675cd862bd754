#include "bridge/http/client_address.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <charconv>

#include "bridge/http/header_text.h"

namespace parley::http {
namespace {

namespace ip = boost::asio::ip;

constexpr std::size_t kMaxText = 128;    // of an entry; longer ones name no address
constexpr std::size_t kMaxEntries = 64;  // looked at, from the right; honest chains have a handful

// A port, or the name that a proxy gives instead of one (RFC 7239, section 6.2: "_" and letters).
bool is_port(std::string_view text) {
  if (text.starts_with('_')) return true;
  return text.size() <= 5 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// The address without brackets, port and zone; empty when it is not of this form.
std::string_view bare_address(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return {};
    const std::string_view port = text.substr(end + 1);
    if (!port.empty() && (port.front() != ':' || !is_port(port.substr(1)))) return {};
    text = text.substr(1, end - 1);
  } else if (const std::size_t colon = text.find(':');
             colon != std::string_view::npos && colon == text.rfind(':')) {  // one colon: IPv4 and a port
    if (!is_port(text.substr(colon + 1))) return {};
    text = text.substr(0, colon);
  }
  return text.substr(0, text.find('%'));
}

// The value of the parameter `for` in one element of Forwarded; empty when it has none.
std::string for_parameter(std::string_view element) {
  for (const std::string_view pair : split(element, ';')) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || !same_token(trim(pair.substr(0, equals)), "for")) continue;
    return unquote(trim(pair.substr(equals + 1)));
  }
  return {};
}

}  // namespace

std::optional<ClientAddress> ClientAddress::parse(std::string_view text) {
  if (text.size() > kMaxText || text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string unquoted = unquote(trim(text));
  const std::string bare(bare_address(trim(unquoted)));
  boost::system::error_code error;
  const ip::address address = ip::make_address(bare, error);
  if (error) return std::nullopt;
  ClientAddress out;
  const auto take_ipv4 = [&](const ip::address_v4& v4) {
    const auto bytes = v4.to_bytes();
    std::copy(bytes.begin(), bytes.end(), out.bytes_.begin());
  };
  if (address.is_v4()) {
    take_ipv4(address.to_v4());
  } else if (address.to_v6().is_v4_mapped()) {
    take_ipv4(ip::make_address_v4(ip::v4_mapped, address.to_v6()));
  } else {
    out.is_ipv4_ = false;
    const auto bytes = address.to_v6().to_bytes();
    std::copy(bytes.begin(), bytes.end(), out.bytes_.begin());
  }
  return out;
}

std::string ClientAddress::to_string() const {
  if (!is_ipv4_) return ip::address_v6(bytes_).to_string();
  return ip::address_v4({bytes_[0], bytes_[1], bytes_[2], bytes_[3]}).to_string();
}

std::string ClientAddress::network() const {
  if (is_ipv4_) return to_string();
  ClientAddress first = *this;
  std::fill(first.bytes_.begin() + 8, first.bytes_.end(), std::uint8_t{0});
  return first.to_string() + "/64";
}

std::optional<AddressRange> AddressRange::parse(std::string_view text) {
  text = trim(text);
  const std::size_t slash = text.find('/');
  const auto base = ClientAddress::parse(text.substr(0, slash));
  if (!base) return std::nullopt;
  AddressRange out;
  out.base_ = *base;
  const unsigned most = base->is_ipv4() ? 32 : 128;
  out.bits_ = most;
  if (slash == std::string_view::npos) return out;
  const std::string_view bits = text.substr(slash + 1);
  const auto [end, error] = std::from_chars(bits.data(), bits.data() + bits.size(), out.bits_);
  if (error != std::errc() || end != bits.data() + bits.size()) return std::nullopt;
  // The bits of an IPv4 address written as an IPv6 one (::ffff:10.0.0.0/104) count from the left of all 128.
  if (base->is_ipv4() && text.substr(0, slash).find(':') != std::string_view::npos) {
    if (out.bits_ < 96) return std::nullopt;
    out.bits_ -= 96;
  }
  if (out.bits_ > most) return std::nullopt;
  return out;
}

bool AddressRange::contains(const ClientAddress& address) const {
  if (address.is_ipv4_ != base_.is_ipv4_) return false;
  for (unsigned bit = 0; bit < bits_; bit += 8) {
    const unsigned used = std::min(8U, bits_ - bit);
    const auto mask = static_cast<std::uint8_t>(0xff00U >> used);
    if (((address.bytes_[bit / 8] ^ base_.bytes_[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

std::vector<std::optional<ClientAddress>> forwarded_for(const Request& request) {
  std::vector<std::optional<ClientAddress>> out;
  const auto take = [&](std::string_view name, const auto& address_of) {
    for (const Parameter& header : request.headers) {
      if (!same_token(header.name, name)) continue;
      for (const std::string_view entry : split(header.value, ',')) {
        if (!trim(entry).empty())
          out.push_back(address_of(entry));  // an empty one is no entry (RFC 9110, 5.6.1)
      }
    }
  };
  take("X-Forwarded-For", &ClientAddress::parse);
  if (out.empty() && !request.header("X-Forwarded-For")) {
    take("Forwarded", [](std::string_view element) { return ClientAddress::parse(for_parameter(element)); });
  }
  if (out.size() > kMaxEntries) out.erase(out.begin(), out.end() - kMaxEntries);
  return out;
}

ClientAddress client_address(const Request& request, const ClientAddress& peer,
                             const std::vector<AddressRange>& trusted) {
  const auto is_trusted = [&](const ClientAddress& address) {
    return std::any_of(trusted.begin(), trusted.end(),
                       [&](const AddressRange& range) { return range.contains(address); });
  };
  if (!trusted.empty() && !is_trusted(peer)) return peer;
  ClientAddress nearest = peer;
  const auto chain = forwarded_for(request);
  for (auto entry = chain.rbegin(); entry != chain.rend(); ++entry) {
    if (!*entry) break;
    nearest = **entry;
    if (!is_trusted(nearest)) break;
  }
  return nearest;
}

}  // namespace parley::http
