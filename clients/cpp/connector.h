// Keeps one connection up: fetches a token, connects, renews the token in-band before it ends, and comes back
// after a loss with jittered backoff and a fresh token.
//
// Pure decisions: it never waits and touches no network; the engine carries out its Actions and calls it
// back. One thread.
#ifndef PARLEY_CLIENTS_CPP_CONNECTOR_H_
#define PARLEY_CLIENTS_CPP_CONNECTOR_H_

#include <optional>
#include <string>

#include "clients/cpp/backoff.h"
#include "clients/cpp/environment.h"
#include "clients/cpp/transport.h"
#include "clients/cpp/types.h"

namespace parley::client {

class Connector {
 public:
  class Actions {
   public:
    virtual ~Actions() = default;
    // Ask the app for a token; answer with Connector::token(), now or later.
    virtual void fetch_token(std::uint64_t request) = 0;
    virtual void open(const std::string& token) = 0;
    virtual void renew(const std::string& token) = 0;  // publish it to users/{me}/token
    virtual void abandon() = 0;                        // close what is open, without a word
    virtual void status(const Status& status) = 0;
  };

  Connector(Actions& actions, const Environment& environment, Backoff::Options backoff);

  void start();
  void stop();
  // The app's answer to fetch_token; `error` says why there is none. Answers to older requests are ignored.
  void token(std::uint64_t request, const std::string& token, const std::string& error);
  void connected(const Outcome& outcome);
  void lost(const Outcome& why);
  // Another connection is taking our client id over.
  void replaced();
  void renewed(const Outcome& outcome);
  void on_time(TimePoint now);

  State state() const { return state_; }
  std::optional<TimePoint> next_deadline() const { return deadline_; }

 private:
  void begin();
  void request_token();
  void retry_later(const std::string& reason, bool refused = false);
  void schedule_renewal(const std::string& token);
  void stay_away(const std::string& reason);
  void set(State state, const std::string& reason);

  Actions& actions_;
  const Environment& environment_;
  Backoff backoff_;
  State state_ = State::offline;
  // connecting: give the attempt up; waiting: try again; online: renew the token.
  std::optional<TimePoint> deadline_;
  std::optional<TimePoint> renewal_;  // of the newest token; none when it has no end
  TimePoint online_since_{};
  int short_lived_ = 0;  // connections running that were lost shortly after they came up
  std::uint64_t token_request_ = 0;
  bool token_pending_ = false;
};

}  // namespace parley::client

#endif
