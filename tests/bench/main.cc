// parley_load: runs each work in turn against each peer and prints what they did.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>

#include "tests/bench/idle.h"
#include "tests/bench/load.h"
#include "tests/bench/peer.h"
#include "tests/bench/report.h"
#include "tests/bench/work.h"

namespace parley::bench {
namespace {

struct Arguments {
  std::string works = "10x10,10x50,1x500,500x2,latency";
  std::string peers = "mosquitto,parley,nats";
  int rounds = 2;
  std::string json_file;
  bool threads = false;
  LoadOptions load;
  PeerOptions peer;
};

Arguments parse_arguments(int argc, char** argv) {
  Arguments a;
  std::string sub_qos = "0";
  CLI::App app("Load generator: messages delivered per second, latency and CPU of Parley and other brokers.");
  app.footer(
      "Elsewhere: `./parley bench control` measures how fast facts get from PostgreSQL to the broker, "
      "`./parley "
      "bench rest` the REST API; both know --help and --json.");
  std::string known;
  for (const Work& work : all_works()) known += "\n  " + work.name + ": " + work.about();
  app.add_option("--works", a.works, "Which, with commas, or all:" + known)->capture_default_str();
  app.add_option("--peers", a.peers, "Which of parley, mosquitto (without plugin), nats, rabbitmq")
      ->capture_default_str();
  app.add_option("--rounds", a.rounds, "How often each; the table shows medians")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  app.add_option("--seconds", a.load.seconds, "What is measured of each run, after the warm-up")
      ->check(CLI::Range(0.2, 3600.0))
      ->capture_default_str();
  app.add_option("--warm-up", a.load.warm_up_s, "Seconds")
      ->check(CLI::Range(0.0, 600.0))
      ->capture_default_str();
  app.add_option("--json", a.json_file, "Write all figures to this file");
  app.add_option("--sub-qos", sub_qos, "QoS of all subscribers, 0 or 1")
      ->check(CLI::IsMember({"0", "1"}))
      ->capture_default_str();
  app.add_flag("--listen-all", a.load.listen_all,
               "Let every subscriber read and check everything (costs the load CPU)");
  app.add_flag("--threads", a.threads, "Print the CPU of each of the broker's threads");
  app.add_option("--max-lag", a.load.max_lag, "Messages a room's publishers may be ahead of its subscribers")
      ->check(CLI::Range(1, 100'000'000))
      ->capture_default_str();
  app.add_option("--plugin", a.peer.plugin, "libparley_plugin.so")->capture_default_str();
  app.add_option("--config", a.peer.config_dir, "Folder with mosquitto.conf.in and parley.toml")
      ->capture_default_str();
  app.add_option("--set", a.peer.settings, "section.key=value for parley.toml; may be given several times");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  a.load.sub_qos = sub_qos == "1" ? 1 : 0;
  return a;
}

void progress(const std::string& text) {
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
}

Figures run_once(const Work& work, const Peer& peer, const Arguments& arguments) {
  if (work.kind == Work::Kind::idle) {
    return figures_of(run_idle(work, peer, [](std::size_t open) {
      if (open % 6400 == 0) progress(std::to_string(open) + " ");
    }));
  }
  const LoadResult result = run_load(work, peer, arguments.load);
  if (arguments.threads) {
    for (const ThreadUsage& thread : result.threads) {
      if (thread.cpu_s >= 0.01)
        progress("\n      " + thread.name + ": " + std::to_string(thread.cpu_s / result.seconds));
    }
    progress("\n    ");
  }
  return figures_of(result);
}

// The baseline the ratios are against: bare Mosquitto when it takes part.
std::string baseline_of(const std::vector<std::string>& peers) {
  for (const auto& peer : peers) {
    if (peer == "mosquitto") return peer;
  }
  return peers.front();
}

int run(const Arguments& arguments) {
  const std::vector<Work> works = parse_works(arguments.works);
  const std::vector<std::string> names = split_commas(arguments.peers);
  if (names.empty()) throw std::runtime_error("no peer named: --peers takes a list like parley,mosquitto");
  std::map<std::string, std::unique_ptr<Peer>> peers;
  for (const std::string& name : names) peers[name] = make_peer(name, arguments.peer);

  std::vector<RunRecord> runs;
  bool failed = false;
  for (const Work& work : works) {
    progress(work.name + ": " + work.about() + "\n");
    for (int round = 0; round < arguments.rounds; ++round) {
      for (const std::string& name : names) {
        RunRecord record{.work = work.name, .peer = name, .round = round, .figures = {}, .error = {}};
        progress("  round " + std::to_string(round + 1) + " " + name + ": ");
        try {
          peers[name]->start(work);
          record.figures = run_once(work, *peers[name], arguments);
          progress(describe(work, record.figures) + "\n");
        } catch (const std::runtime_error& error) {
          record.error = error.what();
          failed = true;
          progress("FAILED: " + record.error + "\n");
        }
        peers[name]->stop();
        runs.push_back(std::move(record));
      }
    }
  }
  const ReportHead head{.sub_qos = arguments.load.sub_qos,
                        .seconds = arguments.load.seconds,
                        .rounds = arguments.rounds,
                        .baseline = baseline_of(names)};
  std::cout << table(head, works, names, runs) << std::flush;
  if (!arguments.json_file.empty()) {
    std::ofstream out(arguments.json_file);
    out << json(head, runs);
    if (!out.flush()) throw std::runtime_error("cannot write " + arguments.json_file);
  }
  return failed ? 1 : 0;
}

void raise_file_limit() {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace
}  // namespace parley::bench

int main(int argc, char** argv) {
  using namespace parley::bench;
  std::signal(SIGPIPE, SIG_IGN);
  raise_file_limit();
  try {
    return run(parse_arguments(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench: %s\n", error.what());
    return 1;
  }
}
