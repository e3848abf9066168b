#include "ops/strided_copy.h"

#include <algorithm>
#include <cstring>

#include "kernels/vector.h"
#include "ops/transpose_bytes.h"

namespace intaglio {

namespace {

// Cost of one run, and of each byte of it, in multiply-accumulates.
constexpr std::int64_t kRunCost = 64, kByteCost = 4;

// Strides and offsets in bytes.
struct Arguments {
  Slot from, to;
  std::int64_t from_offset, to_offset;
  NdLoop<2> outer;
  // One turn of the outer loops: this many runs of `run_bytes` contiguous bytes in the destination.
  std::int64_t inner_count, from_stride, to_stride;
  std::int64_t run_bytes;
  std::int64_t byte_stride;  // transposing: between the bytes of a run in the source
  InterleaveFunction interleave_3;
};

// Copies `count` runs.
using CopyRuns = void (*)(const std::byte* from, std::byte* to, std::int64_t count, const Arguments& args);

// kBytes is the length of a run where it is known, else 0: copies of a known length need no call.
template <std::int64_t kBytes>
void copy_runs(const std::byte* from, std::byte* to, std::int64_t count, const Arguments& args) {
  const auto bytes = static_cast<std::size_t>(kBytes == 0 ? args.run_bytes : kBytes);
  for (std::int64_t i = 0; i < count; ++i) {
    std::memcpy(to, from, bytes);
    from += args.from_stride;
    to += args.to_stride;
  }
}

// Runs that begin one byte apart in the source.
void transpose_runs(const std::byte* from, std::byte* to, std::int64_t count, const Arguments& args) {
  transpose_bytes(from, args.byte_stride, to, args.to_stride, count, args.run_bytes);
}

// The same for runs of three bytes, one after the other in the destination.
void interleave_runs(const std::byte* from, std::byte* to, std::int64_t count, const Arguments& args) {
  args.interleave_3(reinterpret_cast<const std::uint8_t*>(from), args.byte_stride, reinterpret_cast<std::uint8_t*>(to),
                    static_cast<std::size_t>(count));
}

// Parts are ranges of runs.
template <CopyRuns kCopy>
void run(const void* arguments, const Memory& memory, int part, int parts) {
  const auto& args = *static_cast<const Arguments*>(arguments);
  const std::byte* from = memory.at<std::byte>(args.from) + args.from_offset;
  std::byte* to = memory.at<std::byte>(args.to) + args.to_offset;
  const Range range = split(args.outer.total() * args.inner_count, part, parts);
  std::int64_t inner = range.begin % args.inner_count;
  NdPosition<2> position(args.outer, range.begin / args.inner_count);
  for (std::int64_t i = range.begin; i < range.end;) {
    const std::int64_t count = std::min(args.inner_count - inner, range.end - i);
    kCopy(from + position.offset(0) + inner * args.from_stride, to + position.offset(1) + inner * args.to_stride, count,
          args);
    i += count;
    inner = 0;
    position.next();
  }
}

struct Kernel {
  StepFunction run;
  const char* name;
  const char* reason;
};

Kernel transposing_kernel(Arguments& args, const VectorKernels& kernels) {
  if (args.run_bytes == 3 && args.to_stride == 3) {
    args.interleave_3 = kernels.interleave_3.run;
    return {run<interleave_runs>, kernels.interleave_3.name, "three planes to pixels"};
  }
  return {run<transpose_runs>, "transpose_bytes", "bytes contiguous along different axes"};
}

Kernel copying_kernel(std::int64_t run_bytes) {
  constexpr const char* kKnown = "runs of a known length";
  switch (run_bytes) {
    case 1:
      return {run<copy_runs<1>>, "copy_1_byte", kKnown};
    case 2:
      return {run<copy_runs<2>>, "copy_2_bytes", kKnown};
    case 3:
      return {run<copy_runs<3>>, "copy_3_bytes", kKnown};
    case 4:
      return {run<copy_runs<4>>, "copy_4_bytes", kKnown};
    case 8:
      return {run<copy_runs<8>>, "copy_8_bytes", kKnown};
    case 16:
      return {run<copy_runs<16>>, "copy_16_bytes", kKnown};
    default:
      return {run<copy_runs<0>>, "copy_runs", "contiguous runs"};
  }
}

// Loops in bytes, taken apart into runs, loops over runs, and the rest.
class Layout {
 public:
  Layout(NdLoop<2> loop, std::int64_t element_bytes) : outer_(loop), run_bytes_(element_bytes) {
    for (int i = 0; i < outer_.rank; ++i) {
      for (std::int64_t& stride : outer_.stride[i]) stride *= element_bytes;
    }
  }

  // Whether single bytes are contiguous along one loop of the source and the innermost of the destination; if so the
  // arguments say how to transpose.
  bool transposes(Arguments& args) {
    const int last = outer_.rank - 1;
    if (run_bytes_ != 1 || last < 1 || outer_.stride[last][1] != 1 || outer_.stride[last][0] == 1) return false;
    int rows = 0;
    while (rows < last && outer_.stride[rows][0] != 1) ++rows;
    if (rows == last) return false;
    args.byte_stride = outer_.stride[last][0];
    args.run_bytes = outer_.count[last];
    outer_.remove(last);
    args.inner_count = outer_.count[rows];
    args.from_stride = 1;
    args.to_stride = outer_.stride[rows][1];
    outer_.remove(rows);
    args.outer = outer_;
    return true;
  }

  void copies(Arguments& args) {
    const int last = outer_.rank - 1;
    args.run_bytes = run_bytes_;
    if (last >= 0 && outer_.stride[last][0] == run_bytes_ && outer_.stride[last][1] == run_bytes_) {
      args.run_bytes *= outer_.count[last];
      outer_.remove(last);
    }
    args.inner_count = 1;
    if (outer_.rank > 0) {
      const int inner = outer_.rank - 1;
      args.inner_count = outer_.count[inner];
      args.from_stride = outer_.stride[inner][0];
      args.to_stride = outer_.stride[inner][1];
      outer_.remove(inner);
    }
    args.outer = outer_;
  }

 private:
  NdLoop<2> outer_;
  std::int64_t run_bytes_;
};

}  // namespace

Status emit_copy(const Node& node, Planner& planner, const StridedCopy& copy, std::int64_t input) {
  auto* args = planner.make<Arguments>();
  if (args == nullptr) return out_of_memory(node);
  const auto element_bytes = static_cast<std::int64_t>(size_of(planner.model().output(node).dtype));
  Layout layout(copy.loop, element_bytes);
  const bool transposes = layout.transposes(*args);
  if (!transposes) layout.copies(*args);
  args->from_offset = copy.from * element_bytes;
  args->to_offset = copy.to * element_bytes;
  args->from = planner.tensor(input);
  args->to = planner.tensor(node.outputs[0]);

  const std::int64_t runs = args->outer.total() * args->inner_count;
  const std::int64_t cost = runs * (kRunCost + kByteCost * args->run_bytes);
  const Kernel kernel =
      transposes ? transposing_kernel(*args, *planner.kernels().vector) : copying_kernel(args->run_bytes);
  return planner.emit({.run = kernel.run,
                       .arguments = args,
                       .parts = static_cast<int>(std::min<std::int64_t>(planner.parts_for(cost), runs)),
                       .kernel = kernel.name,
                       .reason = kernel.reason});
}

}  // namespace intaglio
