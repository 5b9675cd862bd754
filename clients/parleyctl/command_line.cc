#include "clients/parleyctl/command_line.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <utility>

#include "clients/parleyctl/context.h"

namespace parley::ctl {

Option& Option::required() {
  option_->required();
  return *this;
}

Option& Option::in_range(int lowest, int highest) {
  option_->check(CLI::Range(lowest, highest));
  return *this;
}

Option& Option::in_range(double lowest, double highest) {
  option_->check(CLI::Range(lowest, highest));
  return *this;
}

Option& Option::one_of(std::vector<std::string> words) {
  option_->check(CLI::IsMember(std::move(words)));
  return *this;
}

Option& Option::each(const std::function<void(const std::string&)>& heard) {
  option_->each(heard);
  return *this;
}

Command Command::subcommand(const std::string& name, const std::string& help) {
  return Command(app_->add_subcommand(name, help));
}

void Command::require_subcommand() { app_->require_subcommand(1); }

template <OptionValue T>
Option Command::option(const std::string& names, T& value, const std::string& help) {
  return Option(app_->add_option(names, value, help));
}
template Option Command::option(const std::string&, std::string&, const std::string&);
template Option Command::option(const std::string&, std::filesystem::path&, const std::string&);
template Option Command::option(const std::string&, std::uint16_t&, const std::string&);
template Option Command::option(const std::string&, std::uint32_t&, const std::string&);
template Option Command::option(const std::string&, std::uint64_t&, const std::string&);
template Option Command::option(const std::string&, std::int64_t&, const std::string&);
template Option Command::option(const std::string&, double&, const std::string&);
template Option Command::option(const std::string&, std::vector<std::string>&, const std::string&);

Option Command::option(const std::string& names, const std::function<void(const std::string&)>& take,
                       const std::string& help) {
  return Option(app_->add_option_function<std::string>(names, take, help));
}

Option Command::option(const std::string& names, const std::function<void(double)>& take,
                       const std::string& help) {
  return Option(app_->add_option_function<double>(
      names, [take](const double& value) { take(value); }, help));
}

void Command::flag(const std::string& name, bool& value, const std::string& help) {
  app_->add_flag(name, value, help);
}

void Command::run(std::function<void()> work) { app_->callback(std::move(work)); }

std::string Command::name() const { return app_->get_name(); }

std::vector<Command> Command::subcommands() const {
  std::vector<Command> out;
  for (CLI::App* sub : app_->get_subcommands({})) out.emplace_back(sub);
  return out;
}

std::vector<std::string> Command::flags() const {
  std::vector<std::string> out;
  for (const CLI::Option* option : app_->get_options()) {
    for (const std::string& name : option->get_lnames()) out.push_back("--" + name);
  }
  return out;
}

std::vector<std::string> Command::flags_with_value() const {
  std::vector<std::string> out;
  for (const CLI::Option* option : app_->get_options()) {
    if (option->get_expected_min() == 0) continue;
    for (const std::string& name : option->get_lnames()) out.push_back("--" + name);
  }
  return out;
}

CommandLine::CommandLine(const std::string& program, const std::string& help)
    : app_(std::make_unique<CLI::App>(help)) {
  app_->name(program);
  app_->fallthrough();
}

CommandLine::~CommandLine() = default;

Command CommandLine::root() { return Command(app_.get()); }

bool CommandLine::parse(int argc, const char* const* argv) {
  try {
    app_->parse(argc, argv);
    return true;
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() != 0) {
      throw Failure(std::string(e.what()) + " (see " + app_->get_name() + " --help)", kExitUsage);
    }
    app_->exit(e);  // --help
    return false;
  }
}

}  // namespace parley::ctl
