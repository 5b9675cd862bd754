// The one vocabulary of refusals: what a client is told, what the log says and what the metric is labelled
// with.
#ifndef PARLEY_SCHEMAS_ERRORS_H_
#define PARLEY_SCHEMAS_ERRORS_H_

#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace parley {

// Codes of protocol.md, "Events and frames". The spelling in JSON is the enumerator's.
enum class Code : std::uint8_t {
  not_member,
  forbidden,
  rate_limited,
  too_large,
  bad_payload,
  room_not_found,
  blocked,
  read_only,
  target_not_found,
  unavailable,
};
inline constexpr std::size_t kCodeCount = 10;

std::string_view to_string(Code code);

// Why something was refused. `message` is for people and says what to do; `retry_after` is zero when trying
// again would not help.
struct Refusal {
  Code code;
  std::string message;
  std::chrono::milliseconds retry_after{0};
};

template <class T>
using Result = boost::system::result<T, Refusal>;

// Lets boost::system::result::value() throw for a Refusal; our code asks has_value() first.
[[noreturn]] void throw_exception_from_error(const Refusal& refusal, const boost::source_location&);

}  // namespace parley

#endif
