// A transport whose other end is a broker of one connection that answers control requests as a test says.
#ifndef PARLEY_CLIENTS_PARLEYCTL_TESTING_FAKE_CONTROL_H_
#define PARLEY_CLIENTS_PARLEYCTL_TESTING_FAKE_CONTROL_H_

#include <boost/json.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "clients/parleyctl/control_client.h"

namespace parley::ctl {

class FakeControl {
 public:
  using Answer = std::optional<boost::json::object>;  // nothing: silence
  // Gets the request, gives the answer without "req".
  using Handler = std::function<Answer(const boost::json::object& request)>;

  explicit FakeControl(Handler handler) : handler_(std::move(handler)) {}

  ControlClient::Options options() {
    ControlClient::Options out;
    out.connect.host = "fake";
    out.timeout = std::chrono::milliseconds(100);
    out.transport = [this](client::TransportObserver& observer) {
      return std::make_unique<Wire>(*this, observer);
    };
    return out;
  }
  void deliver(const std::string& topic, const std::string& payload) {
    observer_->on_message(topic, payload);
  }
  void cut() { observer_->on_lost({client::kNoReason, "cable"}); }

  client::Outcome connect_outcome{};
  client::Outcome subscribe_outcome{};
  std::vector<boost::json::object> requests;

 private:
  class Wire : public client::Transport {
   public:
    Wire(FakeControl& fake, client::TransportObserver& observer) : fake_(fake) {
      fake_.observer_ = &observer;
    }
    void open(const client::ConnectRequest&) override { fake_.observer_->on_connect(fake_.connect_outcome); }
    void close(std::chrono::milliseconds) override {}
    void publish(client::Ticket ticket, const std::string&, std::string_view payload, int) override {
      fake_.observer_->on_publish(ticket, {});
      const boost::json::object request = boost::json::parse(payload).as_object();
      fake_.requests.push_back(request);
      // Somebody else's answer comes first; it must not be taken for ours.
      fake_.deliver(std::string(kControlResponseTopic), R"({"req":"other","ok":true,"version":999})");
      if (auto answer = fake_.handler_(request)) {
        answer->insert_or_assign("req", request.at("req"));
        fake_.deliver(std::string(kControlResponseTopic), boost::json::serialize(*answer));
      }
    }
    void subscribe(client::Ticket ticket, const std::string&, int) override {
      fake_.observer_->on_subscribe(ticket, fake_.subscribe_outcome);
    }
    void unsubscribe(const std::string&) override {}

   private:
    FakeControl& fake_;
  };

  Handler handler_;
  client::TransportObserver* observer_ = nullptr;
};

}  // namespace parley::ctl

#endif
