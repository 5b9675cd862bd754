// Carries calls and news to the SDK's one thread; what happens there is engine.cc.
#include "clients/cpp/client.h"

#include <pthread.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "clients/cpp/engine.h"
#include "clients/cpp/loop.h"

namespace parley::client {

TokenProvider fixed_token(std::string token) {
  return [token = std::move(token)](const TokenReply& reply) { reply(token, ""); };
}

std::string process_client_id(const UserName& user, const DeviceName& device) {
  constexpr std::size_t kLongestDevice = 64;
  constexpr std::size_t kDigits = 8;
  const std::string unique = make_uuid().substr(0, kDigits);
  const std::string name = device.str().substr(0, kLongestDevice - kDigits - 1);
  return user.str() + ":" + name + "-" + unique;
}

// The transport's threads call the observer part, the app's threads the rest; all of it only posts. `engine_`
// is touched by the loop's thread alone (its connection() apart).
class Client::Impl : public TransportObserver {
 public:
  Impl(Options options, Listener& listener)
      : options_(std::move(options)), loop_(std::make_shared<Loop>()), engine_(options_, listener, hooks()) {
    engine_.use(options_.transport(*this));
    thread_ = std::thread([this] { run(); });
  }

  ~Impl() override {
    loop_->post([this] { engine_.shut_down(); });
    loop_->stop();
    thread_.join();
  }

  template <class F>
  void post(F&& call) {
    loop_->post([this, call = std::forward<F>(call)]() mutable { call(engine_); });
  }

  // Counted here, not in the engine, so that drain() sees a message from the moment send() was called.
  void send(Outgoing message, SendDone done) {
    {
      std::lock_guard lock(mutex_);
      ++unsettled_;
    }
    SendDone counted = [this, done = std::move(done)](const SendResult& result) {
      if (done) done(result);
      std::lock_guard lock(mutex_);
      --unsettled_;
      settled_.notify_all();
    };
    post([message = std::move(message), counted = std::move(counted)](Engine& engine) mutable {
      engine.send(std::move(message), std::move(counted));
    });
  }

  bool drain(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    return settled_.wait_for(lock, patience, [&] { return unsettled_ == 0; });
  }

  void on_connect(const Outcome& outcome) override {
    news([outcome](Engine& engine) { engine.connected(outcome); });
  }
  void on_lost(const Outcome& why) override {
    news([why](Engine& engine) { engine.lost(why); });
  }
  void on_publish(Ticket ticket, const Outcome& outcome) override {
    news([ticket, outcome](Engine& engine) { engine.published(ticket, outcome); });
  }
  void on_subscribe(Ticket ticket, const Outcome& outcome) override {
    news([ticket, outcome](Engine& engine) { engine.subscribed(ticket, outcome); });
  }
  void on_message(std::string_view topic, std::string_view payload) override {
    news([topic = std::string(topic), payload = std::string(payload)](Engine& engine) {
      engine.received(topic, payload);
    });
  }

 private:
  // News of a connection that has been given up meanwhile is dropped.
  template <class F>
  void news(F&& tell) {
    const std::uint64_t connection = engine_.connection();
    post([connection, tell = std::forward<F>(tell)](Engine& engine) {
      if (engine.connection() == connection) tell(engine);
    });
  }

  // The app may answer when the Client is long gone, so the answers hold the loop only weakly.
  Engine::Hooks hooks() {
    Engine::Hooks hooks;
    hooks.fetch_token = [this, weak = std::weak_ptr(loop_)](std::uint64_t request) {
      const auto reply = [this, weak, request](const std::string& token, const std::string& error) {
        if (const auto loop = weak.lock()) {
          loop->post([this, request, token, error] { engine_.token(request, token, error); });
        }
      };
      if (!options_.token) return reply("", "the app gave no token provider");
      options_.token(reply);
    };
    if (!options_.refetch) return hooks;
    hooks.refetch = [this, weak = std::weak_ptr(loop_)](const Gap& gap, std::uint64_t request) {
      options_.refetch(gap, [this, weak, request, room = gap.room](std::vector<EventBytes> events) {
        if (const auto loop = weak.lock()) {
          loop->post([this, room, request, events = std::move(events)] {
            engine_.refetched(room, request, events);
          });
        }
      });
    };
    return hooks;
  }

  void run() {
    ::pthread_setname_np(::pthread_self(), "parley-sdk");
    loop_->run([this] { return engine_.next_deadline(); }, [this] { engine_.on_time(); });
  }

  const Options options_;
  const std::shared_ptr<Loop> loop_;
  Engine engine_;
  std::mutex mutex_;
  std::condition_variable settled_;
  std::size_t unsettled_ = 0;  // guarded by mutex_
  std::thread thread_;
};

Client::Client(Options options, Listener& listener)
    : impl_(std::make_unique<Impl>(std::move(options), listener)) {}
Client::~Client() = default;

void Client::connect() {
  impl_->post([](Engine& engine) { engine.connect(); });
}

void Client::disconnect() {
  impl_->post([](Engine& engine) { engine.disconnect(); });
}

std::string Client::send(Outgoing message, SendDone done) {
  if (message.cid.empty()) message.cid = make_uuid();
  std::string cid = message.cid;
  impl_->send(std::move(message), std::move(done));
  return cid;
}

std::future<SendResult> Client::send_future(Outgoing message) {
  auto promise = std::make_shared<std::promise<SendResult>>();
  auto future = promise->get_future();
  send(std::move(message), [promise](const SendResult& result) { promise->set_value(result); });
  return future;
}

void Client::cancel(const std::string& room, const std::string& cid) {
  impl_->post([room, cid](Engine& engine) { engine.cancel(room, cid); });
}

void Client::join(const std::string& room, Seq have, MessageId have_id) {
  impl_->post([room, have, have_id](Engine& engine) { engine.join(room, have, have_id); });
}

void Client::leave(const std::string& room) {
  impl_->post([room](Engine& engine) { engine.leave(room); });
}

void Client::typing(const std::string& room, bool typing) {
  impl_->post([room, typing](Engine& engine) { engine.typing(room, typing); });
}

bool Client::drain(std::chrono::milliseconds patience) { return impl_->drain(patience); }

}  // namespace parley::client
