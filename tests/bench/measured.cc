#include "tests/bench/measured.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <stdexcept>

namespace parley::bench {
namespace {

bool holds(double value, Asked asked) {
  switch (asked.to) {
    case Asked::To::stay_below:
      return value < asked.value;
    case Asked::To::exceed:
      return value > asked.value;
    case Asked::To::nothing:
      break;
  }
  return true;
}

std::string words(Asked asked) {
  if (asked.to == Asked::To::nothing) return "";
  char text[64];
  std::snprintf(text, sizeof text, "%s %g", asked.to == Asked::To::stay_below ? "under" : "over",
                asked.value);
  return text;
}

std::string now_utc() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string processor() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("model name") && line.find(": ") != std::string::npos)
      return line.substr(line.find(": ") + 2);
  return "unknown";
}

}  // namespace

void Measured::section(std::string_view title) {
  section_ = title;
  std::printf("\n%.*s\n", static_cast<int>(title.size()), title.data());
}

void Measured::take(Line line, std::string_view what) {
  const std::string asked = words(line.asked);
  std::printf("  %-58.*s %12.2f %-6s %-12s %s\n", static_cast<int>(what.size()), what.data(), line.value,
              line.unit.c_str(), asked.c_str(), line.good ? "" : "MISSED");
  std::fflush(stdout);
  lines_.push_back(std::move(line));
}

void Measured::add(std::string_view key, std::string_view what, double value, std::string_view unit,
                   Asked asked) {
  take({.section = section_,
        .key = std::string(key),
        .value = value,
        .unit = std::string(unit),
        .asked = asked,
        .good = holds(value, asked)},
       what);
}

void Measured::require(std::string_view key, std::string_view what, bool holds) {
  Line line{.section = section_,
            .key = std::string(key),
            .value = holds ? 1.0 : 0.0,
            .unit = "",
            .asked = {},
            .figure = false,
            .good = holds};
  if (holds) {
    lines_.push_back(std::move(line));
  } else {
    take(std::move(line), what);
  }
}

bool Measured::good() const {
  return std::ranges::all_of(lines_, [](const Line& line) { return line.good; });
}

bool Measured::sound() const {
  return std::ranges::all_of(lines_, [](const Line& line) { return line.figure || line.good; });
}

void Measured::write_json(std::string_view name, const std::filesystem::path& file) const {
  namespace json = boost::json;
  json::array figures;
  for (const Line& line : lines_) {
    json::object figure{{"section", line.section}, {"figure", line.key}, {"value", line.value}};
    if (!line.unit.empty()) figure["unit"] = line.unit;
    if (line.asked.to == Asked::To::stay_below) figure["below"] = line.asked.value;
    if (line.asked.to == Asked::To::exceed) figure["above"] = line.asked.value;
    figure["good"] = line.good;
    figures.push_back(std::move(figure));
  }
  utsname system{};
  ::uname(&system);
  const json::object whole{
      {"bench", name},
      {"at", now_utc()},
      {"machine", json::object{{"processor", processor()},
                               {"cores", static_cast<std::int64_t>(::sysconf(_SC_NPROCESSORS_ONLN))},
                               {"system", std::string(system.sysname) + " " + system.release}}},
      {"good", good()},
      {"figures", std::move(figures)}};
  std::ofstream out(file);
  out << json::serialize(whole) << "\n";
  if (!out.flush()) throw std::runtime_error("cannot write " + file.string());
}

}  // namespace parley::bench
