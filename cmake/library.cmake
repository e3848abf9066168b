# The C library, static and shared, and what other projects need to find it.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Later versions only add to the interface (csrc/include/intaglio/intaglio.h): this changes when one takes something away.
set(INTAGLIO_SOVERSION 1)

file(GLOB INTAGLIO_API_SOURCES CONFIGURE_DEPENDS csrc/api/*.cpp)
add_library(intaglio_api OBJECT ${INTAGLIO_API_SOURCES})
target_compile_options(intaglio_api PRIVATE ${INTAGLIO_ENGINE_FLAGS} ${INTAGLIO_SMALL_CODE})
target_compile_definitions(intaglio_api PRIVATE INTAGLIO_VERSION="${PROJECT_VERSION}")
target_link_libraries(intaglio_api PRIVATE intaglio_options)

target_sources(intaglio_core PRIVATE $<TARGET_OBJECTS:intaglio_api>)
set_target_properties(intaglio_core PROPERTIES OUTPUT_NAME intaglio EXPORT_NAME static)

set(libraries intaglio_core)
if(INTAGLIO_SHARED_LIBRARIES)
  list(APPEND libraries intaglio_shared)
  add_library(intaglio_shared SHARED $<TARGET_OBJECTS:intaglio_api>)
  set_target_properties(intaglio_shared PROPERTIES OUTPUT_NAME intaglio EXPORT_NAME shared VERSION ${PROJECT_VERSION}
                                                   SOVERSION ${INTAGLIO_SOVERSION})
  target_link_libraries(intaglio_shared PRIVATE intaglio_core ${INTAGLIO_SYSTEM_LIBRARIES})
  # nodelete: workers sleep in the library for the life of the process. as-needed: nothing of the C++ library is.
  target_link_options(intaglio_shared PRIVATE
                      $<$<PLATFORM_ID:Linux,Android>:-Wl,--exclude-libs,ALL,--as-needed,-z,nodelete,-z,noseparate-code>)
endif()

foreach(library IN LISTS libraries)
  target_include_directories(${library} INTERFACE $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/csrc/include>
                                                  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()

install(TARGETS ${libraries} EXPORT intaglio)
install(DIRECTORY csrc/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/intaglio)
install(EXPORT intaglio NAMESPACE intaglio:: DESTINATION ${package} FILE intaglio-targets.cmake)
write_basic_package_version_file(intaglio-config-version.cmake COMPATIBILITY SameMajorVersion)
install(FILES cmake/intaglio-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/intaglio-config-version.cmake
        DESTINATION ${package})

# An installation may be moved: what it says of places is relative.
set(pkgconfig ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH INTAGLIO_PREFIX_FROM_PC /${pkgconfig} /)
configure_file(cmake/intaglio.pc.in intaglio.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/intaglio.pc DESTINATION ${pkgconfig})
