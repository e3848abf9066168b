// Functions of kernel files must be inlined: a copy out of line could be the one that code for other CPUs is linked to.
#pragma once

#define INTAGLIO_INLINE inline __attribute__((always_inline))
#define INTAGLIO_LAMBDA __attribute__((always_inline))
