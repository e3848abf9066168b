/* libFuzzer harness for the reader, the planner and one run. From the root of the repository:

  cmake -S . -B build/fuzz -DCMAKE_CXX_COMPILER=clang++ -DINTAGLIO_PYTHON=OFF \
        -DCMAKE_CXX_FLAGS=-fsanitize=fuzzer-no-link,address,undefined
  cmake --build build/fuzz
  clang++ -std=c++20 -g -fsanitize=fuzzer,address,undefined -Icsrc tests/fuzz/fuzz_load.cpp \
          build/fuzz/libintaglio.a -o build/fuzz/fuzz_load
  build/fuzz/fuzz_load <folder of .intaglio files>

Checksums are made right before loading, so that the fuzzer reaches what lies behind them. */
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "model/checksum.h"
#include "model/layout.h"
#include "runtime/context_pool.h"
#include "runtime/engine.h"

namespace {

constexpr std::size_t kSmall = std::size_t{1} << 24;

void sign(std::byte* file, std::size_t size) {
  using intaglio::layout::Header;
  Header header = intaglio::layout::load<Header>(file);
  const intaglio::Checksums body = intaglio::checksum({file + sizeof(Header), size - sizeof(Header)});
  header.header_checksum = 0;
  header.body_checksum_a = body.a;
  header.body_checksum_b = body.b;
  header.header_checksum = intaglio::checksum(std::as_bytes(std::span(&header, 1))).a;
  std::memcpy(file, &header, sizeof(Header));
}

std::size_t bytes_of(std::span<const intaglio::PortCopy> ports) {
  std::size_t bytes = 0;
  for (const intaglio::PortCopy& port : ports) bytes += port.bytes;
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  intaglio::Array<std::byte> file(intaglio::system_allocator(), size);
  if (size > 0) std::memcpy(file.data(), data, size);
  if (size > sizeof(intaglio::layout::Header)) sign(file.data(), size);
  intaglio::Engine engine(intaglio::system_allocator());
  if (!engine.load(file, {}, intaglio::FileLife::kEngine, intaglio::best_isa(), 1).ok()) return 0;
  const intaglio::Plan& plan = engine.plan();
  if (plan.arena_bytes() > kSmall || bytes_of(plan.inputs()) > kSmall || bytes_of(plan.outputs()) > kSmall) return 0;
  std::vector<std::vector<std::byte>> arrays;
  std::vector<std::byte*> addresses;
  for (const auto ports : {plan.inputs(), plan.outputs()}) {
    for (const intaglio::PortCopy& port : ports) addresses.push_back(arrays.emplace_back(port.bytes).data());
  }
  const std::size_t inputs = plan.inputs().size();
  intaglio::ContextPool contexts(engine, intaglio::system_allocator());
  (void)contexts.run({addresses.data(), addresses.data() + inputs, 1, 0}).ok();
  return 0;
}
