// The command line: commands, their options and what runs them. A thin cover of CLI11, whose header takes
// longer to compile than most of our files; only command_line.cc sees it. The texts of help and of wrong
// usage are CLI11's.
//
// Command and Option are handles, copied at will and valid as long as their CommandLine, which owns
// everything. The variables that options are bound to belong to the caller and have to live until parse()
// returns. All of it happens on one thread.
#ifndef PARLEY_CLIENTS_PARLEYCTL_COMMAND_LINE_H_
#define PARLEY_CLIENTS_PARLEYCTL_COMMAND_LINE_H_

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace parley::ctl {

template <class T, class... Ts>
concept AnyOf = (std::same_as<T, Ts> || ...);

// What an option can be bound to. A vector takes every value that follows, or repeats of the flag.
template <class T>
concept OptionValue = AnyOf<T, std::string, std::filesystem::path, std::uint16_t, std::uint32_t,
                            std::uint64_t, std::int64_t, double, std::vector<std::string>>;

class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}

  Option& required();
  Option& in_range(int lowest, int highest);
  Option& in_range(double lowest, double highest);
  Option& one_of(std::vector<std::string> words);
  // Called with each value as it was written, once it is known to be in range.
  Option& each(const std::function<void(const std::string&)>& heard);

 private:
  CLI::Option* option_;
};

class Command {
 public:
  explicit Command(CLI::App* app) : app_(app) {}

  Command subcommand(const std::string& name, const std::string& help);
  void require_subcommand();

  // "--host" or "--as,--user" is a flag with a value, "room" an argument by its place.
  template <OptionValue T>
  Option option(const std::string& names, T& value, const std::string& help);
  // The same for a value that only matters when it is given: `take` is called with it.
  Option option(const std::string& names, const std::function<void(const std::string&)>& take,
                const std::string& help);
  Option option(const std::string& names, const std::function<void(double)>& take, const std::string& help);
  void flag(const std::string& name, bool& value, const std::string& help);

  // Runs from within parse() when this command was given and nothing is wrong with its options. What it
  // throws comes out of parse().
  void run(std::function<void()> work);

  // What completion scripts are made of: in the order of definition, flags with their dashes.
  std::string name() const;
  std::vector<Command> subcommands() const;
  std::vector<std::string> flags() const;
  std::vector<std::string> flags_with_value() const;

 private:
  CLI::App* app_;
};

class CommandLine {
 public:
  CommandLine(const std::string& program, const std::string& help);
  ~CommandLine();

  // The program itself: its options are understood behind every command.
  Command root();

  // Runs the command that was given. False: help was asked for, and printed. Failure (usage): what is wrong.
  bool parse(int argc, const char* const* argv);

 private:
  std::unique_ptr<CLI::App> app_;
};

}  // namespace parley::ctl

#endif
