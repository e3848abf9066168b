// Messages, written as printf does in the "C" locale. The printf of one C library takes memory from the heap, that of
// another leaves out numbers of 64 bits, and all of them ask the locale.
#pragma once

#include <cstdarg>
#include <cstddef>

namespace intaglio {

// Writes at most `size` bytes (1 or more) and their NUL included; returns how many without it. Knows %s, %.Ns, %.*s,
// %d, %u, %x, %p, %g, %% and the lengths l, ll and z, without flags and widths.
__attribute__((cold, format(printf, 3, 4))) std::size_t write_text(char* out, std::size_t size, const char* format,
                                                                   ...);
__attribute__((cold, format(printf, 3, 0))) std::size_t write_text_from(char* out, std::size_t size, const char* format,
                                                                        std::va_list arguments);

}  // namespace intaglio
