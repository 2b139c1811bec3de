# dnalm::dnalm - the headers and what they need.
add_library(dnalm INTERFACE)
add_library(dnalm::dnalm ALIAS dnalm)
target_compile_features(dnalm INTERFACE cxx_std_20)
target_include_directories(dnalm INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
target_link_libraries(dnalm INTERFACE Eigen3::Eigen xtensor nlohmann_json::nlohmann_json ZLIB::ZLIB Threads::Threads)
