// Keeps what others can cause from filling a log: of each kind of line the first few are written, then so
// many a second, and the next one that is written says how many were left out before it. Not thread-safe; no
// clock of its own.
#ifndef PARLEY_SCHEMAS_LOG_LIMITER_H_
#define PARLEY_SCHEMAS_LOG_LIMITER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace parley {

class LogLimiter {
 public:
  struct Rate {
    double burst = 10;
    double per_second = 1;
  };
  struct Verdict {
    bool write = false;
    std::uint64_t left_out = 0;  // before this one, since the last that was written
  };
  // Whether a line of this kind may be written now. `now_ns` never goes back. There are never more than
  // kKinds: what comes then is of one kind with the others.
  Verdict ask(std::string_view kind, std::uint64_t now_ns, Rate rate);
  Verdict ask(std::string_view kind, std::uint64_t now_ns) { return ask(kind, now_ns, Rate{}); }

  // What was left out and is still to be told of, for the end of a flood, after which no line comes that
  // could say it. Each kind at most as often as its lines.
  struct LeftOut {
    std::string kind;
    std::uint64_t lines = 0;
  };
  std::vector<LeftOut> take_left_out(std::uint64_t now_ns);

  std::uint64_t total_left_out() const { return total_left_out_; }

  static constexpr std::size_t kKinds = 128;

 private:
  struct Kind {
    std::string name;
    Rate rate;
    double tokens = 0;
    std::uint64_t at_ns = 0;
    std::uint64_t left_out = 0;
  };
  Kind& find(std::string_view name, std::uint64_t now_ns, Rate rate);
  static void refill(Kind& kind, std::uint64_t now_ns);

  std::vector<Kind> kinds_;
  std::uint64_t total_left_out_ = 0;
};

}  // namespace parley

#endif
