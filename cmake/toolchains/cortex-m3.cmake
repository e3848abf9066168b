# Cortex-M3, no operating system, with Debian's cross compiler (gcc-arm-none-eabi, libstdc++-arm-none-eabi-newlib). Another
# CPU of the family is CMAKE_C_FLAGS and CMAKE_CXX_FLAGS, such as "-mcpu=cortex-m55 -mfloat-abi=hard".
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_CXX_COMPILER arm-none-eabi-g++)
set(CMAKE_C_FLAGS_INIT "-mcpu=cortex-m3 -mthumb")
set(CMAKE_CXX_FLAGS_INIT "-mcpu=cortex-m3 -mthumb")
set(CMAKE_ASM_FLAGS_INIT "-mcpu=cortex-m3 -mthumb")
# GCC's stdint.h stands in front of newlib's and leaves out what <cinttypes> asks for before it defines PRId64.
add_compile_definitions(__int64_t_defined=1)
# Programs are linked with a memory map of their own: tests of the compiler do without.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_FIND_ROOT_PATH /usr/lib/arm-none-eabi)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)
