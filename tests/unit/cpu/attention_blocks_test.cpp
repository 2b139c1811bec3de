// SPDX-License-Identifier: Apache-2.0
// Attention of sequences around and above one block of 512 keys: from there on the largest score and the sums
// are carried from block to block.
#include <unit/cpu/attention_runs.hpp>

using dnalm::index_t;
using dnalm::isa;
using dnalm_test::check_against_reference;
using dnalm_test::instruction_sets;
using dnalm_test::numbers;
using dnalm_test::run_attention;

namespace {

/// Both sides of one block, of two, and of the panels of 32 keys within them.
const std::vector<index_t> lengths_around_blocks{511, 512, 513, 544, 1024, 1025, 1040};

/// Multiplies the keys of token i by rise(i): the largest score of a query moves through the blocks.
template <class F>
void scale_keys(numbers& packed, index_t width, F rise) {
  const index_t tokens = static_cast<index_t>(packed.size()) / (3 * width);
  for (index_t i = 0; i < tokens; ++i) {
    for (index_t c = 0; c < width; ++c)
      packed[static_cast<std::size_t>(i * 3 * width + width + c)] *= rise(i);
  }
}

}  // namespace

TEST_CASE("attention on both sides of every block boundary agrees with the reference", "[cpu]") {
  for (const index_t length : lengths_around_blocks) {
    for (const index_t window : {0, 3, 40, 600}) {
      for (const bool alibi : {false, true}) {
        dnalm_test::attention_shape shape{{length}, 2, 20, 0.25F, {}, window};
        if (alibi) shape.slopes = {0.5F, 0.0078125F};
        const numbers packed = dnalm_test::normal_numbers(length * 120, 61);
        // As in cpu_window_test.cpp: 2 (23 x 8 + 40) + 1040 + 40 units of |v| <= 5 for 1040 keys, roundings
        // like random numbers: sqrt(1530) units of 5 are 1.2e-5.
        INFO("length " << length);
        check_against_reference(shape, packed, 2e-5);
      }
    }
  }
}

TEST_CASE("a window that ends before or begins behind a block leaves the packed values alone", "[cpu]") {
  // 32 channels fill the packed values to the last number, which lies in front of the scores.
  for (const index_t length : {513, 520, 1100}) {
    for (const index_t window : {1, 3, 7}) {
      const dnalm_test::attention_shape shape{{length}, 1, 32, 0.25F, {}, window};
      const numbers packed = dnalm_test::normal_numbers(length * 96, 66);
      INFO("length " << length);
      check_against_reference(shape, packed, 2e-5);
    }
  }
}

TEST_CASE("attention agrees with the reference when later blocks have larger, smaller or huge scores",
          "[cpu]") {
  const index_t length = 1300;
  const dnalm_test::attention_shape shape{{length}, 2, 8, 0.25F, {}, 0};
  const auto rising = [](index_t i) { return 0.25 + 3.0 * static_cast<double>(i) / 1300.0; };
  const auto falling = [](index_t i) { return 3.25 - 3.0 * static_cast<double>(i) / 1300.0; };
  const auto huge = [](index_t i) { return i >= 600 && i < 603 ? 64.0 : 0.015625; };
  for (const int kind : {0, 1, 2}) {
    numbers packed = dnalm_test::normal_numbers(length * 48, 62);
    if (kind == 0) scale_keys(packed, 16, rising);
    if (kind == 1) scale_keys(packed, 16, falling);
    if (kind == 2) scale_keys(packed, 16, huge);
    for (double& x : packed) x = static_cast<double>(static_cast<float>(x));
    // A score is a sum of 8 products times the scale, wrong by (8 + 3) units of its absolute terms: at most
    // 0.25 x 8 x 4.5 x 4.5 x 3.25 = 132 for the first two, of which a tenth is typical; 64 / 3.25 times
    // that for the last. exp turns that into the relative error of a weight; |v| <= 5.
    INFO("kind " << kind);
    check_against_reference(shape, packed, kind == 2 ? 1e-3 : 5e-5);
  }
}

TEST_CASE("attention in blocks has the same bits alone, in a batch, with AVX2 and AVX-512", "[cpu]") {
  for (const index_t window : {0, 100}) {
    dnalm_test::check_same_bits_alone({{600, 1, 512, 70, 1030}, 2, 20, 0.25F, {0.25F, 0.03125F}, window}, 63);
  }
}

TEST_CASE("in blocks, a window that reaches everywhere gives the bits of no window", "[cpu]") {
  dnalm_test::attention_shape shape{{1030}, 1, 16, 0.25F, {}, 0};
  const numbers packed = dnalm_test::normal_numbers(1030 * 48, 64);
  for (const isa set : instruction_sets()) {
    const dnalm::cpu_backend cpu(set);
    shape.window = 0;
    const numbers y = run_attention(cpu, shape, packed);
    for (const index_t window : {index_t{1029}, std::numeric_limits<index_t>::max()}) {
      shape.window = window;
      CHECK(dnalm_test::same_numbers(run_attention(cpu, shape, packed), y));
    }
    shape.window = 1028;
    CHECK_FALSE(dnalm_test::same_numbers(run_attention(cpu, shape, packed), y));
  }
}

TEST_CASE("a NaN or an infinity in any block reaches the queries that see it", "[cpu]") {
  const index_t length = 1100;
  const dnalm_test::attention_shape shape{{length}, 1, 16, 0.25F, {}, 0};
  const numbers clean = dnalm_test::normal_numbers(length * 48, 65);
  for (const isa set : instruction_sets()) {
    for (const index_t token : {0, 511, 512, 1099}) {
      for (const double bad :
           {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
        numbers packed = clean;
        packed[static_cast<std::size_t>(token * 48 + 16)] =
            bad;  // a key: q . k is NaN, infinite or -infinite
        const numbers y = run_attention(dnalm::cpu_backend(set), shape, packed);
        INFO(dnalm::to_string(set) << " token " << token << " " << bad);
        for (index_t i = 0; i < length; ++i) {
          // -infinity is a weight of 0.
          const bool harmless = !std::isnan(bad) && clean[static_cast<std::size_t>(i * 48)] < 0.0;
          CHECK(std::isnan(y[static_cast<std::size_t>(i * 16)]) == !harmless);
        }
      }
    }
  }
}
