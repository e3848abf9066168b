// How the core reports failure: a code and a message, by value, without heap, exceptions or RTTI.
#pragma once

#include <cstdarg>
#include <cstdint>
#include <optional>
#include <utility>

namespace intaglio {

enum class Code : std::uint8_t {
  kOk,
  kModelFormat,         // the bytes are not a well-formed model
  kUnsupportedVersion,  // a newer format or op set
  kUnsupportedOp,
  kShape,
  kDType,
  kQuantization,  // scales, zero points, accumulators that could overflow
  kIsa,           // an instruction set the CPU or this build lacks
  kOutOfMemory,
  kInvalidArgument,
  kInput,       // values that the network cannot take
  kLeftOut,     // an op that this build was made without
  kIo,          // a file that cannot be read
  kTooSmall,    // memory of the caller's: too little
  kMisaligned,  // the same: at a wrong address
  kBusy,        // a context that is running
  kClosed,      // a context whose model was closed
};

// Copies are made where something failed, and rarely: they and the formatting are functions, lest each of the hundreds
// of checks bring its own.
class [[nodiscard]] Status {
 public:
  Status() { message_[0] = '\0'; }
  __attribute__((cold)) Status(const Status& other);
  __attribute__((cold)) Status& operator=(const Status& other);

  // printf-style; the message is cut at 255 bytes.
  __attribute__((cold, format(printf, 2, 3))) static Status error(Code code, const char* format, ...);
  __attribute__((cold, format(printf, 2, 0))) static Status verror(Code code, const char* format,
                                                                   std::va_list arguments);

  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  const char* message() const { return message_; }

 private:
  Code code_ = Code::kOk;
  char message_[256];  // up to its NUL
};

// A value, or the reason there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}  // NOLINT: implicit by design
  Result(Status status) : status_(status) {}     // NOLINT: implicit by design

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  T& value() & { return *value_; }
  const T& value() const& { return *value_; }
  T&& value() && { return std::move(*value_); }

 private:
  Status status_;
  std::optional<T> value_;
};

}  // namespace intaglio

// Returns from the enclosing function when `expression` (a Status) is an error.
#define INTAGLIO_TRY(expression)                                                    \
  do {                                                                              \
    if (::intaglio::Status intaglio_status = (expression); !intaglio_status.ok()) { \
      return intaglio_status;                                                       \
    }                                                                               \
  } while (false)
