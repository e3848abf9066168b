/* Runs files of cases (tests/everywhere/cases.py) and says what came out: no Python, any CPU.

  run_cases [--isa=TIER] [--repeat=N] FILE...

One line for the tier, one for each file (name, SHA-256 of all outputs, cases, cases that differ from the oracle), one
for each kernel (name, how often it ran). The exit code is 1 where any case differs, 2 for anything else that fails. */
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/context_pool.h"
#include "runtime/engine.h"
#include "sha256.h"

namespace {

using Bytes = std::vector<std::byte>;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "run_cases: %s\n", what.c_str());
  std::exit(2);
}

// A file of cases, front to back: counts are 64-bit, bytes follow their count. Read piece by piece, for boards have
// less memory than the file may have bytes.
class Cursor {
 public:
  explicit Cursor(const std::string& path) : path_(path), file_(std::fopen(path.c_str(), "rb")) {
    if (file_ == nullptr) fail("cannot open " + path);
    std::fseek(file_, 0, SEEK_END);
    left_ = static_cast<std::size_t>(std::ftell(file_));
    std::rewind(file_);
  }
  ~Cursor() { std::fclose(file_); }
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;

  std::uint64_t count() {
    std::uint64_t value;
    read(&value, sizeof(value));
    return value;
  }
  Bytes bytes() {
    const std::uint64_t size = count();
    if (size > left_) fail(path_ + " ends early");
    Bytes bytes(static_cast<std::size_t>(size));
    read(bytes.data(), bytes.size());
    return bytes;
  }
  std::vector<Bytes> list() {
    std::vector<Bytes> list(static_cast<std::size_t>(count()));
    for (Bytes& entry : list) entry = bytes();
    return list;
  }

 private:
  void read(void* to, std::size_t size) {
    if (size > left_ || (size > 0 && std::fread(to, size, 1, file_) != 1)) fail(path_ + " ends early");
    left_ -= size;
  }

  std::string path_;
  std::FILE* file_;
  std::size_t left_ = 0;
};

// NaN is NaN: its sign and payload do not count.
void make_nans_equal(Bytes& bytes) {
  for (std::size_t i = 0; i + sizeof(float) <= bytes.size(); i += sizeof(float)) {
    float value;
    std::memcpy(&value, bytes.data() + i, sizeof(value));
    const std::uint32_t quiet = 0x7FC00000;
    if (std::isnan(value)) std::memcpy(bytes.data() + i, &quiet, sizeof(quiet));
  }
}

// The engine's own has no memory on machines without operating system.
class HeapAllocator final : public intaglio::Allocator {
 public:
  void* allocate(std::size_t bytes) noexcept override { return ::operator new(bytes, kAlignment, std::nothrow); }
  void release(void* memory, std::size_t) noexcept override { ::operator delete(memory, kAlignment); }

 private:
  static constexpr std::align_val_t kAlignment{intaglio::kAlignment};
};

class Runner {
 public:
  Runner(intaglio::Isa isa, int repeats) : isa_(isa), repeats_(repeats) {}

  void run_file(const std::string& path) {
    Cursor file(path);
    const std::string name(path.substr(path.find_last_of('/') + 1));
    Sha256 hash;
    const std::uint64_t cases = file.count();
    int differ = 0;
    for (std::uint64_t i = 0; i < cases; ++i) {
      if (run_case(file, hash)) continue;
      ++differ;
      std::fprintf(stderr, "run_cases: case %d of %s differs from the oracle\n", static_cast<int>(i), name.c_str());
    }
    std::printf("file %s %s %d %d\n", name.c_str(), hash.hex().c_str(), static_cast<int>(cases), differ);
    differ_ += differ;
  }
  void print_kernels() const {
    for (const auto& [name, runs] : kernels_) std::printf("kernel %s %d\n", name.c_str(), runs);
  }
  bool all_equal() const { return differ_ == 0; }

 private:
  bool run_case(Cursor& file, Sha256& hash) {
    const Bytes model = file.bytes();
    const std::vector<Bytes> inputs = file.list(), expected = file.list();
    intaglio::Engine engine(allocator_);
    const intaglio::Status loaded = engine.load(model, {}, intaglio::FileLife::kEngine, isa_, 1);
    if (!loaded.ok()) fail(loaded.message());
    const auto& ports = engine.model().outputs;
    std::vector<const std::byte*> in;
    std::vector<Bytes> outputs;
    std::vector<std::byte*> out;
    for (const Bytes& input : inputs) in.push_back(input.data());
    for (const intaglio::PortCopy& port : engine.plan().outputs()) outputs.emplace_back(port.bytes);
    for (Bytes& output : outputs) out.push_back(output.data());
    if (in.size() != engine.plan().inputs().size() || out.size() != expected.size()) fail("a case has other ports");
    intaglio::ContextPool contexts(engine, allocator_);
    for (int i = 0; i < repeats_; ++i) {
      const intaglio::Status ran = contexts.run({in.data(), out.data(), 1, 0});
      if (!ran.ok()) fail(ran.message());
      for (const intaglio::Step& step : engine.plan().steps()) ++kernels_[step.kernel];
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (engine.model().tensors[ports[i].tensor].dtype == intaglio::DType::kFloat32) make_nans_equal(outputs[i]);
      hash.update(outputs[i]);
    }
    return outputs == expected;
  }

  HeapAllocator allocator_;
  intaglio::Isa isa_;
  int repeats_;
  std::map<std::string, int> kernels_;
  int differ_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  std::string_view tier;
  int repeats = 1;
  int first = 1;
  for (; first < argc && argv[first][0] == '-'; ++first) {
    const std::string_view option = argv[first];
    if (option.starts_with("--isa=")) {
      tier = option.substr(6);
    } else if (option.starts_with("--repeat=")) {
      repeats = std::atoi(argv[first] + 9);
    } else {
      fail("unknown option " + std::string(option));
    }
  }
  const auto isa = intaglio::choose_isa(tier);
  if (!isa.ok()) fail(isa.status().message());
  std::printf("tier %s\n", intaglio::isa_name(isa.value()));
  Runner runner(isa.value(), repeats);
  for (int i = first; i < argc; ++i) runner.run_file(argv[i]);
  runner.print_kernels();
  return runner.all_equal() ? 0 : 1;
}
