// What the control role tells Prometheus.
#ifndef PARLEY_BRIDGE_CONTROL_FEED_METRICS_H_
#define PARLEY_BRIDGE_CONTROL_FEED_METRICS_H_

#include <string>

#include "bridge/metrics.h"

namespace parley::bridge {

struct RoleMetrics {
  explicit RoleMetrics(Metrics& m)
      : leading(m.gauge("parley_bridge_control_leading", "1 while this process feeds the nodes")),
        takeovers(m.counter("parley_bridge_control_takeovers_total", "Times this process began to feed")),
        head(m.gauge("parley_bridge_control_head_version", "Newest version in Postgres that was seen")),
        trimmed(m.counter("parley_bridge_control_changes_trimmed_total", "Changes too old to be kept")) {}
  Gauge leading;
  Counter takeovers;
  Gauge head;
  Counter trimmed;
};

// Of one node.
struct NodeMetrics {
  NodeMetrics(Metrics& m, const std::string& node)
      : version(
            m.gauge("parley_bridge_control_node_version", "Version of the node's facts", {{"node", node}})),
        lag_versions(m.gauge("parley_bridge_control_lag_versions", "Versions the node is behind Postgres",
                             {{"node", node}})),
        lag_seconds(m.gauge("parley_bridge_control_lag_seconds",
                            "Since when the node is behind; 0: it is not", {{"node", node}})),
        changes(m.counter("parley_bridge_control_changes_total", "Versions the node has taken",
                          {{"node", node}})),
        batches(
            m.counter("parley_bridge_control_batches_total", "Batches the node has taken", {{"node", node}})),
        refused(
            m.counter("parley_bridge_control_refused_total", "Batches the node refused", {{"node", node}})),
        snapshots(m.counter("parley_bridge_control_snapshots_total", "Snapshots the node has taken",
                            {{"node", node}})),
        apply_seconds(m.histogram("parley_bridge_control_apply_seconds",
                                  "From sending a batch to the node's answer, its sync included",
                                  latency_bounds(), {{"node", node}})) {}
  Gauge version;
  Gauge lag_versions;
  Gauge lag_seconds;
  Counter changes;
  Counter batches;
  Counter refused;
  Counter snapshots;
  Histogram apply_seconds;
};

}  // namespace parley::bridge

#endif
