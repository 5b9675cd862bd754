// What the bridge counts, for Prometheus. All thread-safe; what counter(), gauge() and histogram() return
// lives as long as the Metrics.
//
// Names begin with parley_bridge_ and end in their unit (_total, _seconds, _bytes). The same name with the
// same labels is the same metric. Labels take few values (a route's pattern, never a user's name).
#ifndef PARLEY_BRIDGE_METRICS_H_
#define PARLEY_BRIDGE_METRICS_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace parley::bridge {

using Labels = std::map<std::string, std::string>;

class Counter {
 public:
  explicit Counter(prometheus::Counter& impl) : impl_(&impl) {}
  void add(double value = 1);

 private:
  prometheus::Counter* impl_;
};

class Gauge {
 public:
  explicit Gauge(prometheus::Gauge& impl) : impl_(&impl) {}
  void set(double value);
  void add(double value);

 private:
  prometheus::Gauge* impl_;
};

class Histogram {
 public:
  explicit Histogram(prometheus::Histogram& impl) : impl_(&impl) {}
  void observe(double value);

 private:
  prometheus::Histogram* impl_;
};

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  Counter counter(const std::string& name, const std::string& help, const Labels& labels = {});
  Gauge gauge(const std::string& name, const std::string& help, const Labels& labels = {});
  // `bounds`: the upper ends of the buckets, rising; of the first call with this name and these labels.
  Histogram histogram(const std::string& name, const std::string& help, const std::vector<double>& bounds,
                      const Labels& labels = {});

  // The text format 0.0.4, for GET /metrics.
  std::string text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Seconds, from 0.1 ms to 10 s: for what somebody waits for.
std::vector<double> latency_bounds();

}  // namespace parley::bridge

#endif
