// What a benchmark measured beside what was asked for: lines of a table for people, JSON for programs.
#ifndef PARLEY_TESTS_BENCH_MEASURED_H_
#define PARLEY_TESTS_BENCH_MEASURED_H_

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace parley::bench {

struct Asked {
  enum class To : std::uint8_t { nothing, stay_below, exceed };
  To to = To::nothing;
  double value = 0;
};
inline Asked below(double value) { return {Asked::To::stay_below, value}; }
inline Asked above(double value) { return {Asked::To::exceed, value}; }

class Measured {
 public:
  // `key` is the figure's name in the JSON; it is printed at once.
  void section(std::string_view title);
  void add(std::string_view key, std::string_view what, double value, std::string_view unit,
           Asked asked = {});
  // Not a figure: something that must hold, like "no request failed".
  void require(std::string_view key, std::string_view what, bool holds);

  bool good() const;   // all that was asked for holds
  bool sound() const;  // what require() was given does, whatever the figures are
  // With `name`, the time and the machine. Throws std::runtime_error when the file cannot be written.
  void write_json(std::string_view name, const std::filesystem::path& file) const;

 private:
  struct Line {
    std::string section;
    std::string key;
    double value = 0;
    std::string unit;
    Asked asked;
    bool figure = true;
    bool good = true;
  };
  void take(Line line, std::string_view what);

  std::string section_;
  std::vector<Line> lines_;
};

}  // namespace parley::bench

#endif
