#include "bridge/http/connection.h"

#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

namespace parley::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// After a refusal the rest of the request is read and dropped for a moment: closing with unread bytes would
// make the kernel send RST, which may overtake the answer (RFC 9112, section 9.6).
constexpr std::chrono::milliseconds kLinger{1000};
constexpr std::size_t kLingerBytes = std::size_t{4} << 20;
constexpr std::chrono::hours kNever{24 * 365};

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

class PlainConnection final : public Connection {
 public:
  PlainConnection(asio::io_context& io, Host& host, ClientAddress remote, asio::ip::tcp::socket socket)
      : Connection(io, host, remote), socket_(std::move(socket)) {}

 private:
  void do_handshake() override { on_ready({}); }
  void do_read(asio::mutable_buffer into) override {
    socket_.async_read_some(into, [this, self = shared_from_this()](
                                      const error_code& error, std::size_t count) { on_read(error, count); });
  }
  void do_write(std::array<asio::const_buffer, 2> from) override {
    asio::async_write(socket_, from, [this, self = shared_from_this()](const error_code& error, std::size_t) {
      on_written(error);
    });
  }
  void do_shutdown() override {
    error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  }
  asio::ip::tcp::socket& socket() override { return socket_; }

  asio::ip::tcp::socket socket_;
};

class TlsConnection final : public Connection {
 public:
  TlsConnection(asio::io_context& io, Host& host, ClientAddress remote, asio::ip::tcp::socket socket,
                asio::ssl::context& tls)
      : Connection(io, host, remote), stream_(std::move(socket), tls) {}

 private:
  void do_handshake() override {
    stream_.async_handshake(asio::ssl::stream_base::server,
                            [this, self = shared_from_this()](const error_code& error) { on_ready(error); });
  }
  void do_read(asio::mutable_buffer into) override {
    stream_.async_read_some(into, [this, self = shared_from_this()](
                                      const error_code& error, std::size_t count) { on_read(error, count); });
  }
  void do_write(std::array<asio::const_buffer, 2> from) override {
    asio::async_write(stream_, from, [this, self = shared_from_this()](const error_code& error, std::size_t) {
      on_written(error);
    });
  }
  void do_shutdown() override {
    // Sends close_notify; the client's own is not waited for beyond the lingering read.
    stream_.async_shutdown([self = shared_from_this()](const error_code&) {});
  }
  asio::ip::tcp::socket& socket() override { return stream_.next_layer(); }

  asio::ssl::stream<asio::ip::tcp::socket> stream_;
};

}  // namespace

std::shared_ptr<Connection> make_connection(asio::io_context& io, Host& host, asio::ip::tcp::socket socket,
                                            ClientAddress remote, asio::ssl::context* tls) {
  if (tls == nullptr) {
    return std::make_shared<PlainConnection>(io, host, remote, std::move(socket));
  }
  return std::make_shared<TlsConnection>(io, host, remote, std::move(socket), *tls);
}

Connection::Connection(asio::io_context& io, Host& host, ClientAddress remote)
    : io_(io), host_(host), remote_(remote), reader_(host.config().header_bytes, host.config().body_bytes) {}

void Connection::enter(Phase phase, std::chrono::milliseconds limit) {
  phase_ = phase;
  since_ = std::chrono::steady_clock::now();
  deadline_ = since_ + limit;
}

void Connection::start() {
  enter(Phase::handshake, host_.config().header_timeout);
  do_handshake();
}

void Connection::on_ready(const error_code& error) {
  if (phase_ == Phase::closed) return;
  if (error) return close();
  enter(Phase::idle, host_.config().idle_timeout);
  step();
}

void Connection::close() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  const auto self = shared_from_this();  // the host's reference may be the last one
  error_code ignored;
  socket().close(ignored);
  host_.closed(*this);
}

void Connection::drain() {
  if (phase_ == Phase::idle || phase_ == Phase::handshake) close();
}

std::optional<SteadyTime> Connection::waiting_since() const {
  switch (phase_) {
    case Phase::handshake:
    case Phase::idle:
    case Phase::head:
    case Phase::lingering:
      return since_;
    default:
      return std::nullopt;
  }
}

void Connection::check_time(SteadyTime now) {
  if (now < deadline_) return;
  switch (phase_) {
    case Phase::head:
    case Phase::body:
      reader_.take_headers();
      host_.refused(408);
      return answer(problem({408, "timeout", "the request took too long to arrive"}), true);
    case Phase::handling:
    case Phase::closed:
      return;
    default:
      return close();
  }
}

void Connection::read_more() {
  if (reading_ || phase_ == Phase::closed) return;
  reading_ = true;
  do_read(asio::buffer(buffer_));
}

void Connection::on_read(const error_code& error, std::size_t count) {
  reading_ = false;
  if (phase_ == Phase::closed) return;
  if (error) {
    // Half-closed by a client that waits for its answer (nc, say): the answer is still sent.
    if (error == asio::error::eof && (phase_ == Phase::handling || phase_ == Phase::writing)) {
      close_after_ = true;
      return;
    }
    return close();
  }
  if (phase_ == Phase::lingering) {
    drained_ += count;
    if (drained_ > kLingerBytes) return close();
    return read_more();
  }
  input_.append(buffer_.data(), count);
  if (phase_ == Phase::idle || phase_ == Phase::head || phase_ == Phase::body) step();
}

// Takes what has been read as far as it goes. A loop rather than recursion: a pipelining client can have
// hundreds of requests in one read.
void Connection::step() {
  if (stepping_) return;
  stepping_ = true;
  for (;;) {
    if (phase_ != Phase::idle && phase_ != Phase::head && phase_ != Phase::body) break;
    const bool fresh = input_at_ < input_.size();
    if (fresh && phase_ == Phase::idle) enter(Phase::head, host_.config().header_timeout);
    const RequestReader::State before = reader_.state();
    if (fresh) input_at_ += reader_.feed(std::string_view(input_).substr(input_at_));
    if (input_at_ == input_.size()) {
      input_.clear();
      input_at_ = 0;
    }
    switch (reader_.state()) {
      case RequestReader::State::reading_head:
      case RequestReader::State::reading_body:
        if (before != reader_.state()) continue;
        input_.erase(0, input_at_);
        input_at_ = 0;
        stepping_ = false;
        return read_more();
      case RequestReader::State::head:
        take_head();
        break;
      case RequestReader::State::done:
        handle();
        break;
      case RequestReader::State::failed:
        host_.refused(reader_.fault().status);
        answer(problem(reader_.fault()), true);
        break;
    }
  }
  stepping_ = false;
}

// Refuses what needs no body to be refused; otherwise goes on to the body.
void Connection::take_head() {
  Request& request = reader_.request();
  request.id = request_id_for(request);
  const HttpConfig& config = host_.config();
  request.remote =
      (config.trust_forwarded_for ? client_address(request, remote_, host_.trusted_proxies()) : remote_)
          .to_string();
  Router::Match match = host_.router().match(request.method, request.path);
  const bool close = reader_.has_body();
  switch (match.outcome) {
    case Router::Outcome::found:
      break;
    case Router::Outcome::bad_path:
      host_.refused(400);
      return answer(bad_request("the path is not valid UTF-8"), close);
    case Router::Outcome::not_found:
      host_.refused(404);
      return answer(not_found("there is nothing at this path"), close);
    case Router::Outcome::method_not_allowed:
      if (request.method == Method::options) {
        return answer(host_.answers().options(request, match.allow), close);
      }
      host_.refused(405);
      return answer(
          problem({405, "method_not_allowed", "this path knows " + match.allow}).header("Allow", match.allow),
          close);
  }
  request.path_parameters = std::move(match.parameters);
  route_ = match.route;
  enter(Phase::body, host_.config().body_timeout);
  const bool wanted = reader_.expects_continue() && reader_.has_body() && input_at_ == input_.size();
  reader_.read_body();
  if (wanted) {
    phase_ = Phase::writing;
    interim_ = true;
    do_write({asio::buffer(kContinue), asio::const_buffer()});
  }
}

void Connection::handle() {
  enter(Phase::handling, kNever);
  reader_.request().arrived = std::chrono::steady_clock::now();
  host_.handle(reader_.request(), route_, [self = shared_from_this()](Response response) {
    asio::post(self->io_,
               [self, response = std::move(response)]() mutable { self->finish(std::move(response)); });
  });
}

void Connection::finish(Response response) {
  if (phase_ != Phase::handling) return;
  answer(std::move(response), false);
}

void Connection::answer(Response response, bool close) {
  Request& request = reader_.request();
  if (request.id.empty()) request.id = request_id_for(request);  // refused before its header was whole
  close_after_ = close_after_ || close || host_.draining() || !reader_.keep_alive();
  AnswerWriter::shorten_if_known(request, response);
  head_ = host_.answers().head(request, response, close_after_);
  const bool silent = request.method == Method::head || !AnswerWriter::has_body(response);
  body_ = silent ? std::string() : std::move(response.body);
  enter(Phase::writing, host_.config().body_timeout);
  do_write({asio::buffer(head_), asio::buffer(body_)});
}

void Connection::on_written(const error_code& error) {
  if (phase_ == Phase::closed) return;
  if (error) return close();
  if (interim_) {
    interim_ = false;
    enter(Phase::body, host_.config().body_timeout);
    return step();
  }
  if (close_after_) return linger();
  reader_.next();
  body_.clear();
  enter(Phase::idle, host_.config().idle_timeout);
  if (host_.draining()) return close();
  step();
}

void Connection::linger() {
  enter(Phase::lingering, kLinger);
  do_shutdown();
  read_more();
}

}  // namespace parley::http
