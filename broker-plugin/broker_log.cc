#include "broker-plugin/broker_log.h"

#include <string>

namespace parley::plugin {

void BrokerLog::write(const LogLine& line) {
  const auto verdict = limiter_.ask(line.kind(), clock_.steady_ns(), line.rate());
  if (!verdict.write) return metrics_.log_lines_left_out.add();
  if (verdict.left_out == 0) return broker_.log(line.level(), line.line());
  broker_.log(line.level(), line.line() + " left_out=" + std::to_string(verdict.left_out));
}

void BrokerLog::tell_left_out() {
  for (const LogLimiter::LeftOut& each : limiter_.take_left_out(clock_.steady_ns()))
    broker_.log(LogLevel::notice,
                "event=lines_left_out of=" + each.kind + " left_out=" + std::to_string(each.lines));
}

}  // namespace parley::plugin
