// SPDX-License-Identifier: Apache-2.0
// Attention in windows and rotation of a part of a head, in float, against the double reference.
#include <unit/cpu/attention_runs.hpp>

using dnalm::index_t;
using dnalm::isa;
using dnalm_test::instruction_sets;
using dnalm_test::numbers;
using dnalm_test::poisoned;
using dnalm_test::run_attention;

TEST_CASE("attention in a window agrees with the reference", "[cpu]") {
  const numbers packed = dnalm_test::normal_numbers(118 * 120, 91);
  for (const index_t window : {1, 2, 5, 6, 11, 12, 13, 31, 32, 33, 69, 70, 1000}) {
    for (const bool alibi : {false, true}) {
      dnalm_test::attention_shape shape{{1, 70, 2, 33, 12}, 2, 20, 0.25F, {}, window};
      if (alibi) shape.slopes = {0.5F, 0.0625F};
      // With scores of absolute terms below 8 (and a bias below 40, rounded once) and K = 20, the analysis
      // of kernel_adjoint_cases.hpp allows 2 (23 x 8 + 40) + 70 + 30 = 550 units of |v| <= 5. Roundings add
      // up like random numbers, sqrt(550) of them: 7e-6.
      dnalm_test::check_against_reference(shape, packed, 2e-5);
    }
  }
}

TEST_CASE("a window that reaches everywhere gives the bits of no window", "[cpu]") {
  for (const isa set : instruction_sets()) {
    const dnalm::cpu_backend cpu(set);
    dnalm_test::attention_shape shape{{70, 33}, 2, 20, 0.25F, {0.5F, 0.25F}, 0};
    const numbers packed = dnalm_test::normal_numbers(103 * 120, 92);
    const auto grown = dnalm_test::attention_case(cpu, shape);
    const numbers u = dnalm_test::normal_numbers(103 * 40, 93);
    const numbers y = run_attention(cpu, shape, packed);
    const numbers g = grown.problem.vjp(packed, u);
    for (const index_t window : {index_t{69}, index_t{70}, std::numeric_limits<index_t>::max()}) {
      shape.window = window;
      CHECK(dnalm_test::same_numbers(run_attention(cpu, shape, packed), y));
      CHECK(dnalm_test::same_numbers(dnalm_test::attention_case(cpu, shape).problem.vjp(packed, u), g));
    }
    shape.window = 68;
    CHECK_FALSE(dnalm_test::same_numbers(run_attention(cpu, shape, packed), y));
  }
}

TEST_CASE("attention in a window has the same bits alone, in a batch, with AVX2 and AVX-512", "[cpu]") {
  dnalm_test::check_same_bits_alone({{1, 70, 2, 33, 12}, 2, 20, 0.25F, {}, 9}, 94);
}

TEST_CASE("rotary of a part of every head agrees with the reference and leaves the rest", "[cpu]") {
  for (const isa set : instruction_sets()) {
    const dnalm::cpu_backend cpu(set);
    for (const index_t width : dnalm_test::odd_widths) {
      for (const index_t pairs : {width / 2, width / 3, width / 8}) {
        std::vector<float> frequencies;
        for (index_t j = 0; j < pairs; ++j) frequencies.push_back(dnalm::rotary_frequency(j, 2 * pairs));
        const auto offsets = dnalm_test::make_offsets({5, 1, 7});
        const numbers x = dnalm_test::normal_numbers(13 * 3 * width, 95);
        poisoned<float> y(13, 3 * width, x.data());
        poisoned<double> expected(13, 3 * width, x.data());
        cpu.rotary(dnalm::make_rotary_table<float>(frequencies, 7), offsets, 3, y.view());
        dnalm::reference_backend().rotary(dnalm::make_rotary_table<double>(frequencies, 7), offsets, 3,
                                          expected.view());
        numbers found;
        numbers exact;
        dnalm_test::append_numbers(y.view(), found);
        dnalm_test::append_numbers(expected.view(), exact);
        // Two products and a sum of numbers below 5: 4 units of 10.
        numbers bound(x.size(), 0.0);
        for (std::size_t i = 0; i < x.size(); ++i) {
          const bool turned = static_cast<index_t>(i) % width < 2 * pairs;
          bound[i] = turned ? 40 * dnalm_test::unit : 0.0;
        }
        INFO(dnalm::to_string(set) << " width " << width << " pairs " << pairs);
        dnalm_test::check_within(exact, found, bound);
        CHECK(y.frame_is_whole());
      }
    }
  }
}
