# What the engine asks of an operating system is in csrc/posix or, for machines that have none, in csrc/bare_metal.
set(bare_metal OFF)
if(CMAKE_SYSTEM_NAME STREQUAL Generic)  # CMake's name for no operating system
  set(bare_metal ON)
endif()
option(INTAGLIO_BARE_METAL "Build for machines without operating system, heap, files and threads" ${bare_metal})

if(INTAGLIO_BARE_METAL)
  set(INTAGLIO_SYSTEM bare_metal)
  set(INTAGLIO_SYSTEM_LIBRARIES m)  # sqrtf() of CPUs without it
  set(INTAGLIO_SYSTEM_FLAGS -lm)
else()
  set(INTAGLIO_SYSTEM posix)
  find_package(Threads REQUIRED)
  set(INTAGLIO_SYSTEM_LIBRARIES Threads::Threads)
  set(INTAGLIO_SYSTEM_FLAGS -pthread)
endif()
