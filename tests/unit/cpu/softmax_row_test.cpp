// SPDX-License-Identifier: Apache-2.0
// The pieces of a softmax on every instruction set.
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <dnalm/core/philox.hpp>
#include <dnalm/cpu/detail/softmax_row.hpp>
#include <dnalm/cpu/isa.hpp>
#include <support/catch.hpp>

using dnalm::index_t;
using dnalm::isa;

namespace {

/// The functions of one instruction set.
struct row_functions {
  std::string name;
  void (*bias)(float*, index_t, float, index_t);
  float (*largest)(const float*, index_t);
  float (*both)(float*, index_t, float, index_t);
};

std::vector<row_functions> functions_here() {
  namespace d = dnalm::detail;
  std::vector<row_functions> all;
  all.push_back({"portable", d::isa_portable::bias_row, d::isa_portable::largest_of_row,
                 d::isa_portable::largest_of_biased_row});
#if defined(__x86_64__)
  if (dnalm::supports(isa::avx2)) {
    all.push_back(
        {"avx2", d::isa_avx2::bias_row, d::isa_avx2::largest_of_row, d::isa_avx2::largest_of_biased_row});
  }
  if (dnalm::supports(isa::avx512)) {
    all.push_back({"avx512", d::isa_avx512::bias_row, d::isa_avx512::largest_of_row,
                   d::isa_avx512::largest_of_biased_row});
  }
#endif
  return all;
}

}  // namespace

TEST_CASE("a row is biased and its largest number found in one pass with the bits of two", "[cpu]") {
  const float infinity = std::numeric_limits<float>::infinity();
  dnalm::philox random(31);
  for (const row_functions& f : functions_here()) {
    for (index_t n = 1; n <= 100; ++n) {
      for (const index_t place : {index_t{0}, n / 2, n - 1, n + 700, index_t{-3}}) {
        std::vector<float> twice(static_cast<std::size_t>(n) + 32, 17.0F);  // 32 that nobody may touch
        for (index_t j = 0; j < n; ++j) {
          twice[static_cast<std::size_t>(j)] = static_cast<float>(random.uniform()) * 8.0F - 4.0F;
        }
        if (n % 3 == 0) twice[static_cast<std::size_t>(n / 3)] = std::numeric_limits<float>::quiet_NaN();
        if (n % 5 == 0) twice[static_cast<std::size_t>(n / 5)] = -infinity;
        std::vector<float> once = twice;
        INFO(f.name << ", " << n << " numbers, place " << place);
        f.bias(twice.data(), n, 0.0625F, place);
        const float largest = f.largest(twice.data(), n);
        CHECK(f.both(once.data(), n, 0.0625F, place) == largest);
        CHECK(std::memcmp(once.data(), twice.data(), once.size() * sizeof(float)) == 0);
        CHECK(once.back() == 17.0F);
      }
    }
  }
}
