#include "api/report.h"

#include <cstring>

namespace intaglio::api {
namespace {

intaglio_status number_of(Code code) {
  switch (code) {
    case Code::kOk:
      return INTAGLIO_OK;
    case Code::kInvalidArgument:
      return INTAGLIO_INVALID_ARGUMENT;
    case Code::kOutOfMemory:
      return INTAGLIO_OUT_OF_MEMORY;
    case Code::kIo:
      return INTAGLIO_IO;
    case Code::kModelFormat:
      return INTAGLIO_MODEL_FORMAT;
    case Code::kUnsupportedVersion:
      return INTAGLIO_UNSUPPORTED_VERSION;
    case Code::kUnsupportedOp:
      return INTAGLIO_UNSUPPORTED_OP;
    case Code::kLeftOut:
      return INTAGLIO_LEFT_OUT;
    case Code::kShape:
      return INTAGLIO_SHAPE;
    case Code::kDType:
      return INTAGLIO_DTYPE;
    case Code::kQuantization:
      return INTAGLIO_QUANTIZATION;
    case Code::kIsa:
      return INTAGLIO_TIER;
    case Code::kTooSmall:
      return INTAGLIO_TOO_SMALL;
    case Code::kMisaligned:
      return INTAGLIO_MISALIGNED;
    case Code::kBusy:
      return INTAGLIO_BUSY;
    case Code::kClosed:
      return INTAGLIO_CLOSED;
    case Code::kInput:
      return INTAGLIO_INPUT;
  }
  return INTAGLIO_INVALID_ARGUMENT;
}

// The length of `text` without a last character that was cut in the middle.
std::size_t whole_characters(const char* text) {
  const std::size_t length = std::strlen(text);
  std::size_t start = length;
  while (start > 0 && (static_cast<unsigned char>(text[start - 1]) & 0xC0) == 0x80) --start;
  if (start == 0) return length;
  const auto lead = static_cast<unsigned char>(text[start - 1]);
  const std::size_t bytes = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  return start - 1 + bytes > length ? start - 1 : length;
}

}  // namespace

intaglio_status report(intaglio_error* error, const Status& status) {
  if (error != nullptr) {
    const std::size_t length = whole_characters(status.message());
    std::memcpy(error->message, status.message(), length);
    error->message[length] = '\0';
  }
  return number_of(status.code());
}

}  // namespace intaglio::api

const char* intaglio_status_name(intaglio_status status) noexcept {
  switch (status) {
#define NAME(status) \
  case status:       \
    return #status;
    NAME(INTAGLIO_OK)
    NAME(INTAGLIO_INVALID_ARGUMENT)
    NAME(INTAGLIO_OUT_OF_MEMORY)
    NAME(INTAGLIO_IO)
    NAME(INTAGLIO_MODEL_FORMAT)
    NAME(INTAGLIO_UNSUPPORTED_VERSION)
    NAME(INTAGLIO_UNSUPPORTED_OP)
    NAME(INTAGLIO_LEFT_OUT)
    NAME(INTAGLIO_SHAPE)
    NAME(INTAGLIO_DTYPE)
    NAME(INTAGLIO_QUANTIZATION)
    NAME(INTAGLIO_TIER)
    NAME(INTAGLIO_TOO_SMALL)
    NAME(INTAGLIO_MISALIGNED)
    NAME(INTAGLIO_BUSY)
    NAME(INTAGLIO_CLOSED)
    NAME(INTAGLIO_INPUT)
#undef NAME
    default:
      return nullptr;
  }
}
