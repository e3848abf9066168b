#include <limits>
#include <type_traits>

#include "ops/checks.h"
#include "runtime/planner.h"

namespace intaglio {

namespace {

constexpr std::int64_t kElementCost = 16;

struct Arguments {
  Slot x, y;
  std::int64_t count;
};

// int8 as it is stored.
struct Stored {
  std::uint8_t byte;
};

template <class T>
auto value_of(T x) {
  if constexpr (std::is_same_v<T, Stored>) {
    return x.byte - kStorageOffset;
  } else {
    return x;
  }
}

template <class To>
To truncated(float x) {
  constexpr To kLow = std::numeric_limits<To>::min(), kHigh = std::numeric_limits<To>::max();
  constexpr auto kLowest = static_cast<float>(kLow);
  if (x != x) return 0;
  if (x <= kLowest) return kLow;
  return x >= -kLowest ? kHigh : static_cast<To>(x);  // -kLowest is kHigh + 1, a power of two
}

template <class To, class From>
To converted(From x) {
  if constexpr (std::is_same_v<To, Stored>) {
    return {static_cast<std::uint8_t>(converted<std::int8_t>(x) + kStorageOffset)};
  } else if constexpr (std::is_same_v<From, float> && !std::is_same_v<To, float>) {
    return truncated<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

template <class From, class To>
void run(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& a = *static_cast<const Arguments*>(arguments);
  const Range range = split(a.count, part, parts);
  const From* x = memory.at<const From>(a.x);
  To* y = memory.at<To>(a.y);
  for (std::int64_t i = range.begin; i < range.end; ++i) y[i] = converted<To>(value_of(x[i]));
}

template <class From>
StepFunction from(DType to) {
  switch (to) {
    case DType::kInt8:
      return run<From, Stored>;
    case DType::kInt32:
      return run<From, std::int32_t>;
    case DType::kInt64:
      return run<From, std::int64_t>;
    case DType::kFloat32:
      return run<From, float>;
    case DType::kUint8:
      break;
  }
  return nullptr;
}

StepFunction function_for(DType x, DType y) {
  switch (x) {
    case DType::kInt8:
      return from<Stored>(y);
    case DType::kInt32:
      return from<std::int32_t>(y);
    case DType::kInt64:
      return from<std::int64_t>(y);
    case DType::kFloat32:
      return from<float>(y);
    case DType::kUint8:
      break;
  }
  return nullptr;
}

}  // namespace

Status prepare_cast(const Node& node, Planner& planner) {
  INTAGLIO_TRY(check_signature(node, 1, 1, 0));
  const Tensor& x = planner.model().input(node, 0);
  const Tensor& y = planner.model().output(node);
  INTAGLIO_TRY(check_dims(node, y, "output", x.dims));
  const StepFunction function = function_for(x.dtype, y.dtype);
  if (function == nullptr) return node_error(Code::kDType, node, "expected element types that activations have");
  if (y.elements == 0) return {};
  auto* a = planner.make<Arguments>();
  if (a == nullptr) return out_of_memory(node);
  *a = {planner.tensor(node.inputs[0]), planner.tensor(node.outputs[0]), y.elements};
  return planner.emit(
      {.run = function, .arguments = a, .parts = planner.parts_for(y.elements * kElementCost), .kernel = "cast"});
}

}  // namespace intaglio
