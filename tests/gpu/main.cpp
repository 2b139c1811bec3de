// SPDX-License-Identifier: Apache-2.0
// The main of the tests that run on a GPU. Without one that dnalm can use it says why and ends with 77, which
// ctest calls skipped.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_session.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

#include <iostream>
#include <set>
#include <string>

#include <dnalm/core/error.hpp>
#include <dnalm/cuda/runtime.hpp>

namespace {

/// Why no test can run; empty where they can.
std::string missing_gpu() {
  const std::set<std::string> reasons{"dnalm.device.603", "dnalm.device.604", "dnalm.device.605",
                                      "dnalm.device.606"};
  try {
    std::cout << "GPU: " << dnalm::describe(dnalm::cuda_find_device(0)) << std::endl;
  } catch (const dnalm::error& e) {
    if (reasons.count(e.id()) == 0) throw;
    return e.what();
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) try {
  const std::string reason = missing_gpu();
  if (!reason.empty()) {
    std::cout << "skipped: no GPU to test on: " << reason << '\n';
    return 77;
  }
  return Catch::Session().run(argc, argv);
} catch (const std::exception& e) {
  std::cerr << e.what() << '\n';
  return 1;
}
