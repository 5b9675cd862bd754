// apply FILE|-: control operations as JSON lines, in batches. A batch is applied whole or not at all; the
// first bad line ends the run, and the report says which lines took effect.
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "clients/parleyctl/command_line.h"
#include "clients/parleyctl/context.h"
#include "clients/parleyctl/control_client.h"
#include "clients/parleyctl/facts.h"

namespace parley::ctl {
namespace {

// Keeps a request far below the broker's packet limit whatever the lines hold.
constexpr std::size_t kMaxBatchBytes = 128 * 1024;

struct ApplyOptions {
  std::string file;
  std::size_t batch = 500;
};

class Applier {
 public:
  Applier(const Context& context, std::size_t batch) : context_(context), batch_(batch) {}

  void run(std::istream& in) {
    std::string line;
    while (std::getline(in, line)) {
      ++line_number_;
      if (!line.empty() && line.back() == '\r') line.pop_back();
      if (line.find_first_not_of(" \t") == std::string::npos) continue;
      auto op = parse_control_op(line);
      if (!op) stop("line " + std::to_string(line_number_) + ": " + op.error().message);
      bytes_ += to_json(*op).size();  // as it will be sent: defaults are spelled out
      ops_.push_back(std::move(*op));
      if (ops_.size() >= batch_ || bytes_ >= kMaxBatchBytes) flush();
    }
    if (in.bad()) stop("cannot read after line " + std::to_string(line_number_));
    flush();
    if (control_) {
      tell(context_,
           "applied " + std::to_string(applied_) + (applied_ == 1 ? " operation" : " operations") +
               " (version " + std::to_string(version_) + ")",
           {{"applied", applied_}, {"version", version_}});
    } else {
      tell(context_, "applied nothing: there were no operations", {{"applied", 0}});
    }
  }

 private:
  void flush() {
    if (ops_.empty()) return;
    try {
      // Connecting late: a file whose first line is wrong needs no broker to be told so.
      if (!control_) control_ = connect_control(context_);
      version_ = control_->apply(ops_);
    } catch (const Failure& e) {
      stop("lines " + std::to_string(applied_line_ + 1) + " to " + std::to_string(line_number_) + ": " +
           e.what());
    }
    applied_ += ops_.size();
    applied_line_ = line_number_;
    ops_.clear();
    bytes_ = 0;
  }

  [[noreturn]] void stop(const std::string& why) const {
    throw Failure(why + (applied_ == 0
                             ? "; nothing was applied"
                             : "; lines 1 to " + std::to_string(applied_line_) + " were applied (version " +
                                   std::to_string(version_) + "), nothing after them"));
  }

  const Context& context_;
  const std::size_t batch_;
  std::unique_ptr<ControlClient> control_;
  std::vector<ControlOp> ops_;    // the batch being gathered
  std::size_t bytes_ = 0;         // of its operations
  std::size_t line_number_ = 0;   // read so far
  std::size_t applied_ = 0;       // operations
  std::size_t applied_line_ = 0;  // the last line that took effect
  std::uint64_t version_ = 0;
};

void apply(const Context& context, const ApplyOptions& options) {
  need_no_bridge(context, "use 'parleyctl user', 'room' and 'member', or the REST interface");
  Applier applier(context, options.batch);
  if (options.file == "-") return applier.run(std::cin);
  std::ifstream in(options.file);
  if (!in) throw Failure("cannot read " + options.file + ": " + std::strerror(errno));
  applier.run(in);
}

}  // namespace

void add_apply_command(Command app, Context& context) {
  Command command = app.subcommand("apply", "Apply control operations, one JSON object a line");
  auto options = std::make_shared<ApplyOptions>();
  command.option("file", options->file, "File of operations, or - for standard input").required();
  command.option("--batch", options->batch, "Operations that take effect together [500]").in_range(1, 2000);
  command.run([&context, options] { apply(context, *options); });
}

}  // namespace parley::ctl
