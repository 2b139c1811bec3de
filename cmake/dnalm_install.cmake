# Install rules and the package for find_package(dnalm).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/dnalm" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(TARGETS dnalm EXPORT dnalmTargets)
if(TARGET dnalm_compiled)
  install(TARGETS dnalm_compiled EXPORT dnalmTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
endif()
install(EXPORT dnalmTargets NAMESPACE dnalm:: DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/dnalm")
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/dnalmConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/dnalmConfig.cmake" INSTALL_DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/dnalm")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/dnalmConfigVersion.cmake" COMPATIBILITY SameMinorVersion
  ARCH_INDEPENDENT)
install(FILES "${PROJECT_BINARY_DIR}/dnalmConfig.cmake" "${PROJECT_BINARY_DIR}/dnalmConfigVersion.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/dnalm_hdf5.cmake" "${PROJECT_SOURCE_DIR}/cmake/dnalm_bigwig.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/dnalm_add_cuda.cmake"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/dnalm")
