#include "tests/bench/work.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace parley::bench {
namespace {

int parse_number(std::string_view text, int most, std::string_view whole) {
  int number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1 || number > most) {
    throw std::runtime_error("unknown work \"" + std::string(whole) +
                             "\": take one of those --help lists, {rooms}x{subscribers} or latency@{rate}");
  }
  return number;
}

// Enough publishers and window to keep the broker busy at any time, in a few connections: 20 or more in all.
Work throughput(std::string name, int rooms, int subscribers) {
  Work work{.name = std::move(name), .rooms = rooms, .subscribers = subscribers};
  work.publishers = std::max(1, 20 / rooms);
  work.window = rooms >= 100 ? 8 : 64;
  return work;
}

Work latency(std::string name, int rate) {
  return {.name = std::move(name),
          .kind = Work::Kind::latency,
          .rooms = 10,
          .subscribers = 10,
          .publishers = 1,
          .window = 1000,
          .rate = static_cast<double>(rate)};
}

Work parse_work(std::string_view name) {
  for (const Work& work : all_works()) {
    if (work.name == name) return work;
  }
  if (name.starts_with("latency@"))
    return latency(std::string(name), parse_number(name.substr(8), 1'000'000, name));
  if (name.starts_with("idle@")) {
    return {.name = std::string(name),
            .kind = Work::Kind::idle,
            .rooms = 1,
            .subscribers = parse_number(name.substr(5), 19'000, name)};
  }
  const auto x = name.find('x');
  if (x == std::string_view::npos) parse_number("", 0, name);
  return throughput(std::string(name), parse_number(name.substr(0, x), 5'000, name),
                    parse_number(name.substr(x + 1), 18'000, name));
}

}  // namespace

std::string Work::about() const {
  if (kind == Kind::idle) return std::to_string(subscribers) + " idle connections";
  std::string text = std::to_string(rooms) + (rooms == 1 ? " room x " : " rooms x ") +
                     std::to_string(subscribers) + " subscribers, " + std::to_string(publishers) +
                     " publisher" + (publishers == 1 ? "" : "s") + " a room";
  if (rate > 0) return text + ", " + std::to_string(static_cast<int>(rate)) + " messages/s in all";
  return text + ", window " + std::to_string(window);
}

const std::vector<Work>& all_works() {
  static const std::vector<Work> works = {
      throughput("10x10", 10, 10),
      throughput("10x50", 10, 50),
      throughput("1x500", 1, 500),
      throughput("1x5000", 1, 5'000),
      throughput("500x2", 500, 2),
      latency("latency", 1'000),
      {.name = "idle", .kind = Work::Kind::idle, .rooms = 1, .subscribers = 18'000},
  };
  return works;
}

std::vector<std::string> split_commas(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    if (comma > 0) parts.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

std::vector<Work> parse_works(std::string_view names) {
  if (names == "all") return all_works();
  std::vector<Work> works;
  for (const std::string& name : split_commas(names)) works.push_back(parse_work(name));
  if (works.empty()) throw std::runtime_error("no work named: --works takes a list like 10x10,1x500");
  return works;
}

}  // namespace parley::bench
