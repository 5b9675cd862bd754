#include "tests/bench/wrk.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <stdexcept>

namespace parley::bench {
namespace {

// As a Lua string, whatever is in it.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, "\\%03d", static_cast<unsigned char>(c));
    out += escaped;
  }
  return out + '"';
}

std::string script_of(const std::vector<HttpRequest>& requests, int pause_ms) {
  std::string script;
  if (pause_ms > 0) script = "function delay() return " + std::to_string(pause_ms) + " end\n";
  script += "local requests = {}\nfunction init(args)\n";
  for (const HttpRequest& request : requests) {
    script += "  requests[#requests + 1] = wrk.format(" + quoted(request.method) + ", " +
              quoted(request.path) + ", {[\"Host\"] = \"127.0.0.1\"";
    if (!request.token.empty()) script += ", [\"Authorization\"] = " + quoted("Bearer " + request.token);
    if (!request.body.empty()) script += ", [\"Content-Type\"] = \"application/json\"";
    script += "}" + (request.body.empty() ? std::string() : ", " + quoted(request.body)) + ")\n";
  }
  // Times in microseconds.
  return script + R"(end
local at = 0
function request()
  at = at % #requests + 1
  return requests[at]
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format("figures %d %d %d %d %d %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), latency.max,
    e.connect + e.read + e.write + e.status + e.timeout))
end
)";
}

}  // namespace

Wrk::Wrk(std::uint16_t port, const std::vector<HttpRequest>& requests, int connections, double seconds,
         int pause_ms)
    : seconds_(std::max(1.0, std::round(seconds))) {
  const auto script = folder_.path() / "load.lua";
  test::write_file(script, script_of(requests, pause_ms));
  test::Command command;
  command.argv = {"wrk",
                  "-t1",
                  "-c" + std::to_string(connections),
                  "-d" + std::to_string(static_cast<int>(seconds_)) + "s",
                  "--timeout=10s",
                  "-s",
                  script.string(),
                  "http://127.0.0.1:" + std::to_string(port)};
  command.output = folder_.path() / "output";
  process_ = std::make_unique<test::Process>(command);
}

WrkResult Wrk::wait() {
  const auto status = process_->wait(std::chrono::seconds(static_cast<int>(seconds_) + 30));
  const std::string output = test::read_file(folder_.path() / "output");
  const auto at = output.rfind("figures ");
  unsigned long long answers = 0, micros = 0, p50 = 0, p99 = 0, longest = 0, bad = 0;
  if (status == 127) throw std::runtime_error("there is no wrk here: apt-get install wrk");
  if (status != 0 || at == std::string::npos ||
      std::sscanf(output.c_str() + at, "figures %llu %llu %llu %llu %llu %llu", &answers, &micros, &p50, &p99,
                  &longest, &bad) != 6)
    throw std::runtime_error("wrk failed:\n" + output);
  const auto ms = [](unsigned long long us) { return static_cast<double>(us) / 1000; };
  return {.requests_per_s = static_cast<double>(answers) / (static_cast<double>(micros) / 1e6),
          .p50_ms = ms(p50),
          .p99_ms = ms(p99),
          .longest_ms = ms(longest),
          .answers = answers,
          .bad = bad};
}

}  // namespace parley::bench
