// Serves Metrics as Prometheus text at http://{address}/metrics.
//
// Owns a small web server (prometheus-cpp's) with three threads of its own, which take no signals. Everything
// is read when somebody scrapes; between scrapes it costs nothing. Starting and destroying: one thread;
// destroying waits for a scrape under way.
#ifndef PARLEY_BROKER_PLUGIN_METRICS_EXPOSER_H_
#define PARLEY_BROKER_PLUGIN_METRICS_EXPOSER_H_

#include <boost/system/result.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "broker-plugin/metrics.h"
#include "storage/log.h"

namespace parley::plugin {

class MetricsExposer {
 public:
  struct Sources {
    const Metrics* metrics = nullptr;              // must outlive the exposer
    std::function<storage::LogStats()> log_stats;  // called on the exposer's threads; may be empty, may throw
  };

  // `address` as in MetricsConfig::listen, "127.0.0.1:9464" (IPv4, or a name for it); with port 0 the system
  // chooses one. The error says what could not be done and what to change; the broker goes on without.
  static boost::system::result<std::unique_ptr<MetricsExposer>, std::string> start(const std::string& address,
                                                                                   Sources sources);
  ~MetricsExposer();
  MetricsExposer(const MetricsExposer&) = delete;
  MetricsExposer& operator=(const MetricsExposer&) = delete;

  std::uint16_t port() const;

 private:
  struct Impl;
  explicit MetricsExposer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::plugin

#endif
