#include "ops/strided_copy.h"

#include <algorithm>
#include <cstring>

namespace intaglio {

namespace {

// Cost of one run, and of each byte of it, in multiply-accumulates.
constexpr std::int64_t kRunCost = 64, kByteCost = 4;

// Strides and offsets in bytes. `inner_count` runs of `run_bytes` contiguous bytes per turn of the outer loops.
struct Arguments {
  Slot from, to;
  std::int64_t from_offset, to_offset;
  NdLoop<2> outer;
  std::int64_t inner_count, from_stride, to_stride;
  std::size_t run_bytes;
};

// kBytes is the length of a run where it is known, else 0: copies of a known length need no call.
template <std::size_t kBytes>
void copy_runs(const std::byte* from, std::byte* to, std::int64_t count, const Arguments& args) {
  const std::size_t bytes = kBytes == 0 ? args.run_bytes : kBytes;
  for (std::int64_t i = 0; i < count; ++i) {
    std::memcpy(to, from, bytes);
    from += args.from_stride;
    to += args.to_stride;
  }
}

// Parts are ranges of runs.
template <std::size_t kBytes>
void run(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& args = *static_cast<const Arguments*>(arguments);
  const std::byte* from = memory.at<std::byte>(args.from) + args.from_offset;
  std::byte* to = memory.at<std::byte>(args.to) + args.to_offset;
  const Range range = split(args.outer.total() * args.inner_count, part, parts);
  std::int64_t inner = range.begin % args.inner_count;
  NdPosition<2> position(args.outer, range.begin / args.inner_count);
  for (std::int64_t i = range.begin; i < range.end;) {
    const std::int64_t count = std::min(args.inner_count - inner, range.end - i);
    copy_runs<kBytes>(from + position.offset(0) + inner * args.from_stride,
                      to + position.offset(1) + inner * args.to_stride, count, args);
    i += count;
    inner = 0;
    position.next();
  }
}

struct Kernel {
  StepFunction run;
  const char* name;
};

Kernel kernel_for(std::size_t run_bytes) {
  switch (run_bytes) {
    case 1:
      return {run<1>, "copy_1_byte"};
    case 2:
      return {run<2>, "copy_2_bytes"};
    case 3:
      return {run<3>, "copy_3_bytes"};
    case 4:
      return {run<4>, "copy_4_bytes"};
    case 8:
      return {run<8>, "copy_8_bytes"};
    case 16:
      return {run<16>, "copy_16_bytes"};
    default:
      return {run<0>, "copy_runs"};
  }
}

}  // namespace

Status emit_copy(const Node& node, Planner& planner, const StridedCopy& copy, std::int64_t input) {
  auto* args = planner.make<Arguments>();
  if (args == nullptr) return out_of_memory(node);
  const std::size_t size = size_of(planner.model().output(node).dtype);
  const auto bytes = static_cast<std::int64_t>(size);

  NdLoop<2> loop = copy.loop;
  for (int i = 0; i < loop.rank; ++i) {
    for (std::int64_t& stride : loop.stride[i]) stride *= bytes;
  }
  args->run_bytes = size;
  if (loop.rank > 0 && loop.stride[loop.rank - 1][0] == bytes && loop.stride[loop.rank - 1][1] == bytes) {
    args->run_bytes *= static_cast<std::size_t>(loop.count[--loop.rank]);
  }
  args->inner_count = 1;
  if (loop.rank > 0) {
    --loop.rank;
    args->inner_count = loop.count[loop.rank];
    args->from_stride = loop.stride[loop.rank][0];
    args->to_stride = loop.stride[loop.rank][1];
  }
  args->outer = loop;
  args->from_offset = copy.from * bytes;
  args->to_offset = copy.to * bytes;
  args->from = planner.tensor(input);
  args->to = planner.tensor(node.outputs[0]);

  const std::int64_t runs = loop.total() * args->inner_count;
  const std::int64_t cost = runs * (kRunCost + kByteCost * static_cast<std::int64_t>(args->run_bytes));
  const Kernel kernel = kernel_for(args->run_bytes);
  return planner.emit({.run = kernel.run,
                       .arguments = args,
                       .parts = static_cast<int>(std::min<std::int64_t>(planner.parts_for(cost), runs)),
                       .kernel = kernel.name});
}

}  // namespace intaglio
