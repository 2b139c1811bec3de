// SPDX-License-Identifier: Apache-2.0
// What the products ask for ahead: inside the weights, and the whole next piece but for rounding.
#include <dnalm/cpu/detail/fetch_ahead.hpp>

#include <algorithm>
#include <vector>

#include <dnalm/cpu/linear.hpp>
#include <support/catch.hpp>
#include <support/instruction_sets.hpp>

using dnalm::index_t;
using dnalm::weight_format;

TEST_CASE("weights are fetched ahead inside the panels, nearly all of the next piece", "[cpu]") {
  for (const auto format : {weight_format::f32, weight_format::bf16, weight_format::int8}) {
    for (const index_t inputs : {1, 37, 512, 700, 768, 1024, 1100, 2048}) {
      for (const bool pairs : {false, true}) {
        if (pairs && format == weight_format::f32) continue;
        const dnalm::matrix<float> numbers(70, inputs);
        const auto w = dnalm::pack_weight(numbers.view(), format);
        const index_t words = pairs ? (inputs + 1) / 2 : inputs;
        const auto all = w.bytes();
        for (const index_t tiles : {1, 2, 7, 8, 48}) {
          for (index_t p = 0; p < w.panel_count(); ++p) {
            for (index_t first = 0; first < words; first += dnalm::detail::depth_words) {
              const index_t count = std::min(words - first, dnalm::detail::depth_words);
              const dnalm::detail::weight_piece now{p, first, count, words, tiles};
              const auto share = dnalm::detail::share_of_next(w, now);
              index_t fetched = 0;
              for (index_t tile = 0; tile < tiles; ++tile) {
                const auto ahead = share.of_tile(tile);
                REQUIRE(ahead.step >= 0);
                REQUIRE(ahead.from >= all.data());
                REQUIRE(ahead.from - all.data() + (count - 1) * ahead.step <
                        static_cast<index_t>(all.size()));
                fetched += count * ahead.step;
              }
              const index_t done = first + count;
              const index_t next = done < words ? words - done : words;
              const index_t bytes = std::min(next, dnalm::detail::depth_words) * (w.panel_bytes() / words);
              CHECK(fetched <= bytes);
              CHECK(fetched > bytes - tiles * count);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("a product without inputs is its bias", "[cpu]") {
  const dnalm::matrix<float> nothing(40, 0);
  const auto w = dnalm::pack_weight(nothing.view());
  const dnalm::matrix<float> x(3, 0);
  const std::vector<float> bias(40, 2.0F);
  dnalm::linear_epilogue<float> epilogue;
  epilogue.bias = {bias.data(), 40};
  for (const dnalm::isa set : dnalm_test::instruction_sets()) {
    dnalm::matrix<float> y(3, 40);
    dnalm::buffer<float> scratch(dnalm::cpu_linear_scratch(w));
    dnalm::cpu_linear(set, x.view(), w, epilogue, scratch.view(), y.view());
    CHECK(std::all_of(y.data(), y.data() + 120, [](float value) { return value == 2.0F; }));
  }
}
