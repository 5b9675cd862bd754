#include "bridge/http/server.h"

#include <pthread.h>

#include <array>
#include <atomic>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include "bridge/http/client_address.h"
#include "bridge/http/connection.h"
#include "bridge/http/worker_pool.h"
#include "bridge/log.h"
#include "bridge/metrics.h"
#include "config/surroundings.h"

namespace parley::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// How often deadlines are looked at: what a timeout may be late by.
constexpr std::chrono::milliseconds kSweep{200};
constexpr std::chrono::milliseconds kAcceptPause{100};  // when there are no file descriptors left
constexpr int kPasswordNice = 5;  // Argon2id yields the processor to everything that somebody waits for
constexpr std::chrono::milliseconds kSlow{1000};
constexpr std::array kClasses = {"1xx", "2xx", "3xx", "4xx", "5xx"};

using Counters = std::vector<bridge::Counter>;

Counters counters_for(bridge::Metrics& metrics, const std::string& method, const std::string& route) {
  Counters out;
  for (const char* status : kClasses) {
    out.push_back(metrics.counter("parley_bridge_http_requests_total", "Requests answered",
                                  {{"method", method}, {"route", route}, {"status", status}}));
  }
  return out;
}

void count(Counters& counters, unsigned status) {
  if (status >= 100 && status < 600) counters[status / 100 - 1].add();
}

struct Served {
  Endpoint endpoint;
  Counters answered;
  bridge::Histogram seconds;
};

// The path without what lets in whoever reads it: a brace called {code} (of an invite) stays a brace.
std::string path_for_log(std::string_view path, std::string_view route) {
  std::string out;
  while (!path.empty()) {
    const std::string_view segment = path.substr(0, path.find('/', 1));
    const std::string_view pattern = route.substr(0, route.find('/', 1));
    out += pattern == "/{code}" ? pattern : segment;
    path.remove_prefix(segment.size());
    route.remove_prefix(pattern.size());
  }
  return out;
}

void log_request(const Request& request, std::string_view route, const Response& response,
                 std::chrono::milliseconds took) {
  using bridge::LogLevel;
  const bool reads = request.method == Method::get || request.method == Method::head;
  LogLevel level = reads ? LogLevel::debug : LogLevel::info;
  if (took >= kSlow) level = LogLevel::info;
  if (response.status >= 500) level = LogLevel::warning;
  // Asked every few seconds, or ten times in one by who waits for a start. What changes is logged where it is
  // found.
  if (request.path.starts_with("/health/")) level = LogLevel::debug;
  // One of many is enough of what was refused; the metrics count them all.
  const bool done = response.status < 400;
  const std::string kind = "request " + std::to_string(response.status);
  // The path only: a query may hold codes and states.
  bridge::log(level, "request",
              {{"method", to_string(request.method)},
               {"path", path_for_log(request.path, route)},
               {"status", response.status},
               {"ms", took.count()},
               {"remote", request.remote}},
              {.kind = kind, .rate = {.burst = done ? 500.0 : 50.0, .per_second = done ? 100.0 : 2.0}});
}

// With what TLS is spoken; nothing: with none.
std::optional<asio::ssl::context> load_certificate(const HttpConfig& options) {
  if (options.tls_certificate.empty()) return std::nullopt;
  asio::ssl::context tls(asio::ssl::context::tls_server);
  tls.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                  asio::ssl::context::no_tlsv1_1 | asio::ssl::context::no_compression);
  // OpenSSL's words for a file that cannot be opened hide which of the two it is.
  for (const auto& [option, file] : {std::pair("http.tls_certificate", options.tls_certificate),
                                     std::pair("http.tls_key", options.tls_key)}) {
    if (const std::string fault = why_not_readable(file); !fault.empty())
      throw std::runtime_error(std::string(option) + ": " + fault);
  }
  error_code error;
  tls.use_certificate_chain_file(options.tls_certificate.string(), error);
  if (error) {
    throw std::runtime_error("http.tls_certificate: " + options.tls_certificate.string() +
                             " is no PEM certificate that can be read: " + error.message());
  }
  tls.use_private_key_file(options.tls_key.string(), asio::ssl::context::pem, error);
  if (error) {
    throw std::runtime_error("http.tls_key: " + options.tls_key.string() +
                             " is not the certificate's PEM key, or cannot be read: " + error.message());
  }
  return tls;
}

// In brackets or not, as getaddrinfo would never need to be asked for: the server listens on addresses.
asio::ip::address listen_address(const std::string& host) {
  error_code error;
  auto address = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, error);
  if (error) throw std::runtime_error("http.listen: \"" + host + "\" is no IP address (or localhost)");
  return address;
}

std::vector<AddressRange> read_proxies(const HttpConfig& config) {
  std::vector<AddressRange> out;
  for (const std::string& text : config.trusted_proxies) {
    const auto range = AddressRange::parse(text);
    if (!range) {
      throw std::runtime_error("http.trusted_proxies: \"" + text +
                               "\" is no IP address or range such as \"10.0.0.0/8\"");
    }
    out.push_back(*range);
  }
  return out;
}

}  // namespace

struct Server::Impl {
  // One I/O thread and the connections that live on it.
  struct Loop final : Host {
    explicit Loop(Impl& impl) : server(impl) {}

    const HttpConfig& config() const override { return server.options; }
    const std::vector<AddressRange>& trusted_proxies() const override { return server.proxies; }
    const Router& router() const override { return server.routes; }
    const AnswerWriter& answers() const override { return server.writer; }
    bool draining() const override { return server.drain; }
    void handle(const Request& request, std::size_t route,
                const std::function<void(Response)>& done) override {
      server.handle(request, route, done);
    }
    void refused(unsigned status) override { count(server.refusals, status); }
    void closed(Connection& connection) override {
      connections.erase(connection.shared_from_this());
      server.one_closed();
    }

    void take(tcp::socket socket);
    bool make_room();
    void sweep();
    void run(std::size_t number);

    Impl& server;
    asio::io_context io{1};
    asio::steady_timer sweep_timer{io};
    std::unordered_set<std::shared_ptr<Connection>> connections;  // this thread's only
    std::thread thread;
  };

  Impl(const HttpConfig& http, std::size_t password_workers, std::size_t password_queue, bridge::Metrics& m)
      : options(http),
        writer(http),
        proxies(read_proxies(http)),
        metrics(m),
        refusals(counters_for(m, "", "")),
        open_gauge(m.gauge("parley_bridge_http_connections", "Open connections")),
        work({.name = "http-work", .threads = http.workers, .queue = http.queue}),
        password({.name = "http-password",
                  .threads = password_workers,
                  .queue = password_queue,
                  .nice = kPasswordNice}) {}

  Response run(Served& served, const Request& request, std::chrono::steady_clock::time_point began);
  void handle(const Request& request, std::size_t route, const std::function<void(Response)>& done);
  void one_closed();
  void listen();
  void accept();
  void on_all_loops(const std::function<void(Connection&)>& what);

  const HttpConfig& options;
  const AnswerWriter writer;
  const std::vector<AddressRange> proxies;  // whose word about addresses counts; empty: whoever connects
  bridge::Metrics& metrics;
  Counters refusals;
  bridge::Gauge open_gauge;
  Router routes;
  std::deque<Served> served;  // by the router's number
  std::optional<asio::ssl::context> tls;
  std::vector<std::unique_ptr<Loop>> loops;  // the first one accepts
  std::optional<tcp::acceptor> acceptor;
  std::optional<asio::steady_timer> accept_pause;
  std::uint16_t port = 0;
  std::size_t next_loop = 0;
  std::atomic<bool> drain{false};
  bool stopped = false;

  std::mutex mutex;
  std::condition_variable none_left;
  std::atomic<std::size_t> open{0};  // written with the mutex held

  // Last: their tasks use what is above.
  WorkerPool work;
  WorkerPool password;
};

Response Server::Impl::run(Served& route, const Request& request,
                           std::chrono::steady_clock::time_point began) {
  const bridge::RequestScope scope(request.id);
  Response response;
  try {
    response = route.endpoint.handler(request);
  } catch (const std::exception& error) {
    bridge::log(bridge::LogLevel::error, "a handler threw",
                {{"route", route.endpoint.path}, {"error", error.what()}});
    response = problem({500, "internal", "something went wrong here; tell the operator this request's id"});
  }
  const auto took = std::chrono::steady_clock::now() - began;
  route.seconds.observe(std::chrono::duration<double>(took).count());
  count(route.answered, response.status);
  log_request(request, route.endpoint.path, response,
              std::chrono::duration_cast<std::chrono::milliseconds>(took));
  return response;
}

void Server::Impl::handle(const Request& request, std::size_t route,
                          const std::function<void(Response)>& done) {
  Served& target = served[route];
  const auto began = std::chrono::steady_clock::now();
  if (target.endpoint.lane == Endpoint::Lane::io) return done(run(target, request, began));
  WorkerPool& pool = target.endpoint.lane == Endpoint::Lane::work ? work : password;
  const bool taken =
      pool.submit([this, &target, &request, began, done] { done(run(target, request, began)); });
  if (taken) return;
  count(target.answered, 503);
  done(unavailable("the server has more to do than it can; try again in a moment"));
}

void Server::Impl::one_closed() {
  const std::lock_guard lock(mutex);
  open_gauge.set(static_cast<double>(--open));
  if (open == 0) none_left.notify_all();
}

void Server::Impl::listen() {
  const tcp::endpoint endpoint(listen_address(options.host), options.port);
  acceptor.emplace(loops.front()->io);
  accept_pause.emplace(loops.front()->io);
  error_code error;
  acceptor->open(endpoint.protocol(), error);
  if (!error) acceptor->set_option(tcp::acceptor::reuse_address(true), error);
  // "[::]" means everywhere.
  if (!error && endpoint.address().is_v6()) acceptor->set_option(asio::ip::v6_only(false), error);
  if (!error) acceptor->bind(endpoint, error);
  if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    throw std::runtime_error("cannot listen on " + options.host + ":" + std::to_string(options.port) + ": " +
                             error.message() + "; change http.listen in the configuration");
  }
  port = acceptor->local_endpoint().port();
}

void Server::Impl::accept() {
  Loop& loop = *loops[next_loop++ % loops.size()];
  acceptor->async_accept(loop.io, [this, &loop](const error_code& error, tcp::socket socket) {
    if (error == asio::error::operation_aborted || drain) return;
    if (error) {  // out of file descriptors, say: waiting is all that helps
      bridge::log(bridge::LogLevel::warning, "cannot accept a connection", {{"error", error.message()}});
      accept_pause->expires_after(kAcceptPause);
      accept_pause->async_wait([this](const error_code& stopped_early) {
        if (!stopped_early) accept();
      });
      return;
    }
    asio::post(loop.io, [&loop, taken = std::make_shared<tcp::socket>(std::move(socket))] {
      loop.take(std::move(*taken));
    });
    accept();
  });
}

void Server::Impl::Loop::take(tcp::socket socket) {
  error_code error;
  const tcp::endpoint remote = socket.remote_endpoint(error);
  if (error || server.drain) return;  // gone already; the socket closes itself
  socket.set_option(tcp::no_delay(true), error);
  if (server.open >= server.options.connections && !make_room()) {
    // Nobody to send away: everybody is being served. One write into an empty socket buffer does not block.
    const Response busy = unavailable("too many connections; try again in a moment");
    Request unread;
    unread.id = request_id_for(unread);
    const std::string answer = server.writer.head(unread, busy, true) + busy.body;
    count(server.refusals, 503);
    if (server.tls) return;  // who waits for a handshake can make nothing of it
    socket.non_blocking(true, error);
    socket.write_some(asio::buffer(answer), error);
    return;
  }
  const ClientAddress address = ClientAddress::parse(remote.address().to_string()).value_or(ClientAddress());
  auto connection =
      make_connection(io, *this, std::move(socket), address, server.tls ? &*server.tls : nullptr);
  {
    const std::lock_guard lock(server.mutex);
    server.open_gauge.set(static_cast<double>(++server.open));
  }
  connections.insert(connection);
  connection->start();
}

// Sends away the connection of this thread that has had nothing to say for longest.
bool Server::Impl::Loop::make_room() {
  Connection* quietest = nullptr;
  SteadyTime since{};
  for (const auto& connection : connections) {
    const auto waits = connection->waiting_since();
    if (!waits || (quietest != nullptr && *waits >= since)) continue;
    quietest = connection.get();
    since = *waits;
  }
  if (quietest == nullptr) return false;
  quietest->close();
  return true;
}

void Server::Impl::Loop::sweep() {
  sweep_timer.expires_after(kSweep);
  sweep_timer.async_wait([this](const error_code& error) {
    if (error) return;
    const SteadyTime now = std::chrono::steady_clock::now();
    const std::vector<std::shared_ptr<Connection>> all(connections.begin(), connections.end());
    for (const auto& connection : all) connection->check_time(now);
    sweep();
  });
}

void Server::Impl::Loop::run(std::size_t number) {
  pthread_setname_np(pthread_self(), ("http-io-" + std::to_string(number)).substr(0, 15).c_str());
  io.run();
}

void Server::Impl::on_all_loops(const std::function<void(Connection&)>& what) {
  for (const auto& loop : loops) {
    asio::post(loop->io, [&loop = *loop, what] {
      const std::vector<std::shared_ptr<Connection>> all(loop.connections.begin(), loop.connections.end());
      for (const auto& connection : all) what(*connection);
    });
  }
}

Server::Server(const HttpConfig& config, std::size_t password_workers, std::size_t password_queue,
               bridge::Metrics& metrics)
    : impl_(std::make_unique<Impl>(config, password_workers, password_queue, metrics)) {}

Server::~Server() { stop(std::chrono::milliseconds(0)); }

void Server::add(Endpoint endpoint) {
  Impl& impl = *impl_;
  const std::string method(to_string(endpoint.method));
  impl.routes.add(endpoint.method, endpoint.path, impl.served.size());
  Counters counters = counters_for(impl.metrics, method, endpoint.path);
  auto seconds =
      impl.metrics.histogram("parley_bridge_http_request_seconds", "From a request's last byte to its answer",
                             bridge::latency_bounds(), {{"method", method}, {"route", endpoint.path}});
  impl.served.push_back({std::move(endpoint), std::move(counters), seconds});
}

void Server::check() const {
  (void)load_certificate(impl_->options);
  (void)listen_address(impl_->options.host);
}

void Server::start() {
  Impl& impl = *impl_;
  if (auto tls = load_certificate(impl.options)) impl.tls.emplace(std::move(*tls));
  for (std::size_t i = 0; i < impl.options.io_threads; ++i)
    impl.loops.push_back(std::make_unique<Impl::Loop>(impl));
  try {
    impl.listen();
  } catch (...) {
    impl.acceptor.reset();
    impl.accept_pause.reset();
    impl.loops.clear();
    throw;
  }
  impl.accept();
  for (std::size_t i = 0; i < impl.loops.size(); ++i) {
    Impl::Loop& loop = *impl.loops[i];
    loop.sweep();
    loop.thread = std::thread([&loop, i] { loop.run(i); });
  }
}

std::uint16_t Server::port() const { return impl_->port; }

Server::Stats Server::stats() const {
  return {impl_->open, impl_->work.waiting() + impl_->password.waiting()};
}

void Server::stop(std::chrono::milliseconds drain) {
  Impl& impl = *impl_;
  if (impl.stopped) return;
  impl.stopped = true;
  impl.drain = true;
  if (!impl.loops.empty()) {
    asio::post(impl.loops.front()->io, [&impl] {
      error_code ignored;
      impl.acceptor->close(ignored);
      impl.accept_pause->cancel();
    });
    impl.on_all_loops([](Connection& connection) { connection.drain(); });
    {
      std::unique_lock lock(impl.mutex);
      impl.none_left.wait_for(lock, drain, [&impl] { return impl.open == 0; });
    }
    impl.on_all_loops([](Connection& connection) { connection.close(); });
  }
  // Workers first: what they finish is posted to the loops, which drop it with the connections.
  impl.work.stop();
  impl.password.stop();
  for (const auto& loop : impl.loops) {
    asio::post(loop->io, [&loop = *loop] { loop.io.stop(); });
    if (loop->thread.joinable()) loop->thread.join();
  }
  // Handlers that never ran hold connections, whose sockets belong to the loops.
  impl.acceptor.reset();
  impl.accept_pause.reset();
  impl.loops.clear();
}

}  // namespace parley::http
