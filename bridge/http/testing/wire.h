// One end of a TCP connection that speaks in exact bytes: for tests of what honest HTTP clients never send.
#ifndef PARLEY_BRIDGE_HTTP_TESTING_WIRE_H_
#define PARLEY_BRIDGE_HTTP_TESTING_WIRE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/deadline.h"
#include "tests/support/unique_fd.h"

namespace parley::http {

struct WireAnswer {
  unsigned status = 0;
  std::map<std::string, std::string> headers;  // names in lower case; of a name that is there twice the last
  std::string head;                            // as it came
  std::string body;
};

// One thread. Throws std::runtime_error when the server cannot be reached.
class Wire {
 public:
  explicit Wire(std::uint16_t port, int receive_buffer = 0);

  // False when the server has closed its side so hard that nothing goes out any more.
  bool send(std::string_view bytes);
  void finish_sending();  // half-close
  // The next answer; nothing when the connection ends, or the deadline passes, before it is whole. `no_body`:
  // to HEAD.
  std::optional<WireAnswer> answer(test::Deadline deadline = test::kPatience, bool no_body = false);
  // Did the server end the connection by then, without another byte?
  bool ended(test::Deadline deadline = test::kPatience);
  // What is there until the server ends the connection or the deadline passes.
  std::string rest(test::Deadline deadline = test::kPatience);

 private:
  enum class Got { bytes, end, nothing };
  Got receive(const test::Deadline& deadline);

  test::UniqueFd fd_;
  std::string input_;
};

}  // namespace parley::http

#endif
