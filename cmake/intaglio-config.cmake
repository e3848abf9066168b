# find_package(intaglio) defines intaglio::static and, where there are shared libraries, intaglio::shared.
include(CMakeFindDependencyMacro)
if(NOT CMAKE_SYSTEM_NAME STREQUAL Generic)
  find_dependency(Threads)
endif()
include(${CMAKE_CURRENT_LIST_DIR}/intaglio-targets.cmake)
