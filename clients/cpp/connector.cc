#include "clients/cpp/connector.h"

#include "clients/cpp/access_token.h"

namespace parley::client {
namespace {

// A token provider that never answers, or a broker that accepts TCP and then says nothing, is tried again.
constexpr Millis kAttemptTimeout{30'000};
// A renewal that failed is repeated this often until the token is over and the server hangs up.
constexpr Millis kRenewRetry{10'000};
// A connection that held this long was a good one: the next loss starts from a short wait again.
constexpr Millis kStable{10'000};
// So many connections running that did not hold are no weak line but somebody who takes the client id over,
// as two copies of one program do, in turn and for ever.
constexpr int kFight = 5;

constexpr char kTakenOver[] =
    "another program has connected with the same client id, and has taken this connection's place";

}  // namespace

std::string_view to_string(State state) {
  switch (state) {
    case State::offline:
      return "offline";
    case State::connecting:
      return "connecting";
    case State::online:
      return "online";
    case State::waiting:
      return "waiting";
    case State::replaced:
      return "replaced";
  }
  return "offline";
}

Connector::Connector(Actions& actions, const Environment& environment, Backoff::Options backoff)
    : actions_(actions), environment_(environment), backoff_(backoff, environment.random) {}

void Connector::start() {
  if (state_ != State::offline && state_ != State::replaced) return;
  backoff_.reset();
  short_lived_ = 0;
  begin();
}

void Connector::stop() {
  if (state_ == State::offline) return;
  actions_.abandon();
  token_pending_ = false;
  deadline_.reset();
  set(State::offline, "");
}

void Connector::begin() {
  set(State::connecting, "");
  deadline_ = environment_.now() + kAttemptTimeout;
  request_token();
}

void Connector::request_token() {
  token_pending_ = true;
  actions_.fetch_token(++token_request_);
}

void Connector::token(std::uint64_t request, const std::string& token, const std::string& error) {
  if (!token_pending_ || request != token_request_) return;
  token_pending_ = false;
  if (state_ == State::connecting) {
    if (token.empty()) return retry_later("no access token: " + error);
    actions_.open(token);
    schedule_renewal(token);
    deadline_ = environment_.now() + kAttemptTimeout;
  } else if (state_ == State::online) {
    if (token.empty()) {
      deadline_ = environment_.now() + kRenewRetry;
      return;
    }
    actions_.renew(token);
    schedule_renewal(token);
    deadline_ = renewal_;
  }
}

void Connector::connected(const Outcome& outcome) {
  if (state_ != State::connecting) return;
  if (!outcome.ok()) {
    short_lived_ = 0;  // in a fight both are let in every time
    const bool credentials =
        outcome.reason == kReasonBadCredentials || outcome.reason == kReasonNotAuthorized;
    return retry_later(credentials ? "the server refused us: " + outcome.message : outcome.message,
                       credentials);
  }
  online_since_ = environment_.now();
  deadline_ = renewal_;
  set(State::online, "");
}

void Connector::lost(const Outcome& why) {
  if (state_ != State::online && state_ != State::connecting) return;
  token_pending_ = false;
  if (why.reason == kReasonSessionTakenOver) return stay_away(kTakenOver);
  if (state_ == State::online && environment_.now() - online_since_ >= kStable) {
    backoff_.reset();
    short_lived_ = 0;
  } else if (state_ == State::online && ++short_lived_ >= kFight) {
    return stay_away("the connection was lost " + std::to_string(short_lived_) +
                     " times running, each time shortly after it was made: another program seems to use the "
                     "same client id. End that one, or give each its own, then connect again");
  }
  retry_later(why.message);
}

void Connector::replaced() {
  if (state_ != State::online) return;
  actions_.abandon();
  stay_away(kTakenOver);
}

void Connector::renewed(const Outcome& outcome) {
  if (state_ == State::online && !outcome.ok()) deadline_ = environment_.now() + kRenewRetry;
}

void Connector::on_time(TimePoint now) {
  if (!deadline_ || now < *deadline_) return;
  deadline_.reset();
  switch (state_) {
    case State::waiting:
      begin();
      break;
    case State::connecting:
      actions_.abandon();
      retry_later(token_pending_ ? "no access token in time" : "no answer from the server");
      break;
    case State::online:
      // Asked again later if no token comes.
      deadline_ = now + kRenewRetry;
      request_token();
      break;
    case State::offline:
    case State::replaced:
      break;
  }
}

void Connector::retry_later(const std::string& reason, bool refused) {
  token_pending_ = false;
  const Millis wait = backoff_.next();
  deadline_ = environment_.now() + wait;
  state_ = State::waiting;
  actions_.status(Status{State::waiting, reason, wait, refused});
}

void Connector::schedule_renewal(const std::string& token) {
  renewal_.reset();
  const auto expiry = token_expiry(token);
  if (!expiry) return;
  // At four fifths of what is left; by a clock of ours that is wrong, in a minute.
  const std::int64_t left_s = *expiry - environment_.unix_now_s();
  renewal_ = environment_.now() + (left_s > 0 ? Millis(left_s * 800) : Millis(60'000));
}

// Coming back would throw the other one out, and it us, for ever.
void Connector::stay_away(const std::string& reason) {
  token_pending_ = false;
  deadline_.reset();
  set(State::replaced, reason);
}

void Connector::set(State state, const std::string& reason) {
  state_ = state;
  actions_.status(Status{state, reason});
}

}  // namespace parley::client
