// The floating-point environment that docs/arithmetic.md assumes: round to nearest even, subnormals kept, no traps.
#pragma once

#include <cstdint>

namespace intaglio {

// Sets it for the calling thread, and restores the caller's (sticky flags included) when destroyed.
class FloatEnvironment {
 public:
  FloatEnvironment(const FloatEnvironment&) = delete;
  FloatEnvironment& operator=(const FloatEnvironment&) = delete;

#if defined(__x86_64__)
  FloatEnvironment() : saved_(__builtin_ia32_stmxcsr()) { __builtin_ia32_ldmxcsr(0x1F80); }
  ~FloatEnvironment() { __builtin_ia32_ldmxcsr(saved_); }

 private:
  unsigned saved_;
#elif defined(__aarch64__)
  FloatEnvironment() {
    asm volatile("mrs %0, fpcr\n\tmrs %1, fpsr" : "=r"(control_), "=r"(status_));
    asm volatile("msr fpcr, %0" : : "r"(std::uint64_t{0}));
  }
  ~FloatEnvironment() { asm volatile("msr fpcr, %0\n\tmsr fpsr, %1" : : "r"(control_), "r"(status_)); }

 private:
  std::uint64_t control_, status_;
#elif defined(__arm__) && defined(__ARM_FP)
  FloatEnvironment() {
    asm volatile("vmrs %0, fpscr" : "=r"(saved_));
    asm volatile("vmsr fpscr, %0" : : "r"(0));
  }
  ~FloatEnvironment() { asm volatile("vmsr fpscr, %0" : : "r"(saved_)); }

 private:
  std::uint32_t saved_;
#elif defined(__riscv_flen)
  FloatEnvironment() { asm volatile("fscsr %0, zero" : "=r"(saved_)); }
  ~FloatEnvironment() { asm volatile("fscsr %0" : : "r"(saved_)); }

 private:
  unsigned long saved_;
#else
  FloatEnvironment() {}
  ~FloatEnvironment() {}
#endif
};

}  // namespace intaglio
