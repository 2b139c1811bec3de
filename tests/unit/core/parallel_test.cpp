// SPDX-License-Identifier: Apache-2.0
#include <dnalm/core/parallel.hpp>

#include <support/catch.hpp>

TEST_CASE("every item runs exactly once at any number of threads", "[core]") {
  for (const int threads : {0, 1, 2, 7}) {
    std::vector<std::atomic<int>> runs(1000);
    dnalm::parallel_for(1000, threads,
                        [&](dnalm::index_t item, int) { ++runs[static_cast<std::size_t>(item)]; });
    for (const auto& count : runs) REQUIRE(count == 1);
  }
  dnalm::parallel_for(0, 4, [](dnalm::index_t, int) { FAIL("no item to run"); });
}

TEST_CASE("the lowest failing item decides the error, whatever the threads", "[core]") {
  for (const int threads : {1, 2, 5}) {
    for (int repeat = 0; repeat < 20; ++repeat) {
      std::string message;
      try {
        dnalm::parallel_for(500, threads, [](dnalm::index_t item, int) {
          if (item % 100 == 37) throw std::runtime_error(std::to_string(item));
        });
      } catch (const std::runtime_error& e) {
        message = e.what();
      }
      REQUIRE(message == "37");
    }
  }
}
