# find_package(intaglio) defines intaglio::static and intaglio::shared.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/intaglio-targets.cmake)
