// A transport that only notes what it is asked to do.
#ifndef PARLEY_CLIENTS_CPP_TESTING_FAKE_TRANSPORT_H_
#define PARLEY_CLIENTS_CPP_TESTING_FAKE_TRANSPORT_H_

#include <string>
#include <vector>

#include "clients/cpp/transport.h"

namespace parley::client {

struct FakeWire {
  struct Published {
    Ticket ticket;
    std::string topic;
    std::string payload;
    int qos;
  };
  struct Subscribed {
    Ticket ticket;
    std::string filter;
    int qos;
  };
  std::vector<ConnectRequest> opened;
  std::vector<Published> published;
  std::vector<Subscribed> subscribed;
  std::vector<std::string> unsubscribed;
  int closed = 0;
};

class FakeTransport : public Transport {
 public:
  explicit FakeTransport(FakeWire& wire) : wire_(wire) {}
  void open(const ConnectRequest& request) override { wire_.opened.push_back(request); }
  void close(std::chrono::milliseconds) override { ++wire_.closed; }
  void publish(Ticket ticket, const std::string& topic, std::string_view payload, int qos) override {
    wire_.published.push_back({ticket, topic, std::string(payload), qos});
  }
  void subscribe(Ticket ticket, const std::string& filter, int qos) override {
    wire_.subscribed.push_back({ticket, filter, qos});
  }
  void unsubscribe(const std::string& filter) override { wire_.unsubscribed.push_back(filter); }

 private:
  FakeWire& wire_;
};

}  // namespace parley::client

#endif
