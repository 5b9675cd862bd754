#include "clients/cpp/transport.h"

#include <cstdio>

namespace parley::client {

std::string describe_reason(int reason) {
  switch (reason) {
    case kNoReason:
      return "no connection";
    case 0x80:
      return "refused without a reason";
    case 0x82:
      return "protocol error";
    case 0x85:
      return "client id not valid";
    case kReasonBadCredentials:
      return "bad user name or token";
    case kReasonNotAuthorized:
      return "not authorized";
    case 0x88:
      return "server unavailable";
    case kReasonServerBusy:
      return "server busy";
    case 0x8a:
      return "banned";
    case 0x8b:
      return "server shutting down";
    case 0x8d:
      return "keep-alive timed out";
    case kReasonSessionTakenOver:
      return "session taken over";
    case 0x8f:
      return "topic filter not valid";
    case 0x90:
      return "topic name not valid";
    case 0x93:
      return "too many messages in flight";
    case kReasonPacketTooLarge:
      return "packet too large";
    case 0x96:
      return "message rate too high";
    case kReasonQuotaExceeded:
      return "quota exceeded";
    case 0x98:
      return "closed by an administrator";
    case kReasonPayloadInvalid:
      return "payload not valid";
    case 0x9f:
      return "connection rate exceeded";
    case 0xa0:
      return "connected for too long";
    default:
      break;
  }
  if (reason >= 0 && reason < 0x80) return "success";
  char text[32];
  std::snprintf(text, sizeof text, "reason 0x%02x", static_cast<unsigned>(reason) & 0xffu);
  return text;
}

}  // namespace parley::client
