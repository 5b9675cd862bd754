#include "bridge/api/fetch.h"

#include <curl/curl.h>

#include <array>
#include <memory>
#include <stdexcept>

namespace parley::api {
namespace {

// For the whole process, once; libcurl asks for it before any thread uses it.
bool start_curl() {
  static const bool kStarted = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return kStarted;
}

std::size_t take(char* data, std::size_t size, std::size_t count, void* to) {
  auto& body = *static_cast<std::string*>(to);
  if (body.size() + size * count > kFetchBytes) return 0;  // ends the transfer with CURLE_WRITE_ERROR
  body.append(data, size * count);
  return size * count;
}

int stop_wanted(void* token, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::stop_token*>(token)->stop_requested() ? 1 : 0;
}

FetchError::Kind kind_of(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_SSL_CONNECT_ERROR:   // where TLS meets a port without it, among others
    case CURLE_WEIRD_SERVER_REPLY:  // where HTTP meets a port of something else
      return FetchError::Kind::suspect;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_WRITE_ERROR:  // an answer that is far too large
      return FetchError::Kind::lasting;
    default:
      return FetchError::Kind::temporary;
  }
}

}  // namespace

void throw_exception_from_error(const FetchError& error, const boost::source_location&) {
  throw std::runtime_error(error.what);
}

boost::system::result<Fetched, FetchError> fetch(const Fetch& request, const std::stop_token& stop) {
  if (!start_curl()) return FetchError{FetchError::Kind::temporary, "libcurl does not start"};
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), &curl_easy_cleanup);
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(
      curl_slist_append(nullptr, "Accept: application/json, */*;q=0.5"), &curl_slist_free_all);
  if (!curl || !headers) return FetchError{FetchError::Kind::temporary, "out of memory"};
  CURL* const easy = curl.get();
  Fetched answer;
  std::array<char, CURL_ERROR_SIZE> details{};
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, details.data());
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);  // threads
  curl_easy_setopt(easy, CURLOPT_TIMEOUT, static_cast<long>(kFetchTimeout.count()));
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "parley-bridge");
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &take);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer.body);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &stop);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &stop_wanted);
  if (!request.form.empty()) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.form.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.form.c_str());
  }
  if (!request.user.empty()) {
    curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(easy, CURLOPT_USERNAME, request.user.c_str());
    curl_easy_setopt(easy, CURLOPT_PASSWORD, request.password.c_str());
  }
  if (!request.bearer.empty()) {
    curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, request.bearer.c_str());
  }
  const CURLcode result = curl_easy_perform(easy);
  if (result == CURLE_WRITE_ERROR)
    return FetchError{kind_of(result), "its answer is longer than " + std::to_string(kFetchBytes) + " bytes"};
  if (result != CURLE_OK)
    return FetchError{kind_of(result), details[0] != '\0' ? details.data() : curl_easy_strerror(result)};
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer.status);
  const char* location = nullptr;
  curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &location);
  if (location != nullptr) answer.location = location;
  if (answer.body.starts_with("\xef\xbb\xbf")) answer.body.erase(0, 3);  // a byte order mark
  return answer;
}

}  // namespace parley::api
