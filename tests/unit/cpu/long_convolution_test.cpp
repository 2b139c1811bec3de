// SPDX-License-Identifier: Apache-2.0
// The convolutions in float, on every instruction set: against double within the documented bounds, in place
// and on a team, and bit for bit against themselves in another batch.
#include <unit/backend/convolution_cases.hpp>

#include <dnalm/cpu/cpu_backend.hpp>
#include <support/instruction_sets.hpp>

using dnalm::index_t;
using dnalm::isa;
using dnalm_test::convolution_problem;
using dnalm_test::instruction_sets;
using dnalm_test::normal_numbers;
using dnalm_test::numbers;

namespace {

void check_long(const convolution_problem& problem, std::uint64_t seed) {
  const numbers x = normal_numbers(problem.rows() * problem.width, seed);
  const numbers bound = dnalm_test::long_bound(problem, x);
  for (const bool adjoint : {false, true}) {
    const numbers exact = dnalm_test::run_long(dnalm::reference_backend(), problem, x, adjoint, false);
    for (const isa set : instruction_sets()) {
      INFO(dnalm::to_string(set) << (adjoint ? " adjoint, " : " forward, ") << problem.lengths.front());
      const dnalm::cpu_backend b(set);
      const numbers y = dnalm_test::run_long(b, problem, x, adjoint, false);
      dnalm_test::check_within(exact, y, bound);
      CHECK(dnalm_test::same_numbers(y, dnalm_test::run_long(b, problem, x, adjoint, true)));
    }
  }
}

/// Rows of one sequence of a packed batch.
numbers rows_of(const numbers& x, const convolution_problem& problem, index_t sequence) {
  const dnalm::ragged_offsets offsets = problem.offsets();
  return {x.begin() + offsets.begin(sequence) * problem.width,
          x.begin() + offsets.begin(sequence + 1) * problem.width};
}

}  // namespace

TEST_CASE("the float long convolution is within its bound of double", "[cpu]") {
  check_long({{1, 2, 3, 5, 7, 8, 9, 17, 31, 64, 97}, 21}, 1);
  check_long({{127, 128, 129, 159, 160, 161}, 18}, 9);  // sums alone; 128 rows at once; 192
  check_long({{191, 192, 193, 223, 224, 225, 226}, 19}, 2);
  check_long({{255, 256, 257, 288, 289, 311}, 16}, 3);
  check_long({{383, 384, 385, 416, 417, 509, 511, 512, 513, 544, 545}, 5}, 4);
  check_long({{1023, 1024, 1025, 1056, 1057, 1151, 1568, 1569}, 3}, 5);
  check_long({{2047, 3072, 3105, 4099}, 17}, 6);
}

TEST_CASE("the float long convolution of 32 k rows is within its bound of double", "[cpu]") {
  check_long({{32770}, 2}, 7);
  check_long({{33000}, 1}, 8);
}

TEST_CASE("filters are the same for lengths that are computed alike", "[cpu]") {
  CHECK(dnalm::cpu_filter_taps(1) == 128);
  CHECK(dnalm::cpu_filter_taps(128) == 128);
  CHECK(dnalm::cpu_filter_taps(129) == 128 + 32);
  CHECK(dnalm::cpu_filter_taps(161) == 192 + 32);
  CHECK(dnalm::cpu_filter_taps(1026) == 1024 + 32);
  CHECK(dnalm::cpu_filter_taps(1057) == 1536 + 32);
  CHECK(dnalm::cpu_filter_taps(32770) == 32768 + 32);
  CHECK(dnalm::cpu_filter_taps(160002) == 196608);
  CHECK(dnalm::cpu_filter_taps(450002) == 524288);
  CHECK(dnalm::cpu_filter_taps(1000002) == 1048576);
  for (index_t length = 1; length < 300000; length += 1 + length / 7) {
    const index_t taps = dnalm::cpu_filter_taps(length);
    CHECK(taps >= length);
    CHECK(dnalm::cpu_filter_taps(taps) == taps);
    CHECK(dnalm::detail::convolution_rows_at_once(taps) == dnalm::detail::convolution_rows_at_once(length));
  }
}

TEST_CASE("a sequence's convolutions have the same bits alone, in a batch and on a team", "[cpu]") {
  const convolution_problem batch{{300, 1, 40, 1030, 193}, 37};
  const numbers x = normal_numbers(batch.rows() * batch.width, 11);
  dnalm::thread_team team(3);
  for (const isa set : instruction_sets()) {
    INFO(dnalm::to_string(set));
    const dnalm::cpu_backend b(set);
    for (const bool adjoint : {false, true}) {
      const numbers together = dnalm_test::run_long(b, batch, x, adjoint, false);
      CHECK(dnalm_test::same_numbers(together,
                                     dnalm_test::run_long(b.on_team(&team), batch, x, adjoint, false)));
      const numbers near = dnalm_test::run_short(b, batch, 3, x, adjoint);
      CHECK(dnalm_test::same_numbers(near, dnalm_test::run_short(b.on_team(&team), batch, 3, x, adjoint)));
      for (index_t s = 0; s < 5; ++s) {
        const convolution_problem alone{{batch.lengths[static_cast<std::size_t>(s)]}, batch.width};
        const numbers own = rows_of(x, batch, s);
        CHECK(dnalm_test::same_numbers(rows_of(together, batch, s),
                                       dnalm_test::run_long(b, alone, own, adjoint, false)));
        CHECK(dnalm_test::same_numbers(rows_of(near, batch, s),
                                       dnalm_test::run_short(b, alone, 3, own, adjoint)));
      }
    }
  }
}

TEST_CASE("a channel's long convolution does not depend on the others", "[cpu]") {
  // A channel a million times as large beside it must not take digits from its neighbours.
  const convolution_problem problem{{600}, 18};
  numbers x = normal_numbers(problem.rows() * problem.width, 12);
  const dnalm::cpu_backend b;
  const numbers before = dnalm_test::run_long(b, problem, x, false, false);
  for (index_t r = 0; r < problem.rows(); ++r) x[static_cast<std::size_t>(r * problem.width + 7)] *= 1e6;
  const numbers after = dnalm_test::run_long(b, problem, x, false, false);
  for (index_t i = 0; i < problem.rows() * problem.width; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (i % problem.width != 7) CHECK(before[at] == after[at]);
  }
}

TEST_CASE("AVX2 and AVX-512 give the same bits of a long convolution", "[cpu]") {
  if (!dnalm::supports(isa::avx512)) return;
  const convolution_problem problem{{100, 700, 1100}, 20};
  const numbers x = normal_numbers(problem.rows() * problem.width, 13);
  for (const bool adjoint : {false, true}) {
    CHECK(dnalm_test::same_numbers(
        dnalm_test::run_long(dnalm::cpu_backend(isa::avx2), problem, x, adjoint, false),
        dnalm_test::run_long(dnalm::cpu_backend(isa::avx512), problem, x, adjoint, false)));
  }
}

TEST_CASE("the float short convolution is within four roundings a term of double", "[cpu]") {
  const convolution_problem problem{{1, 2, 3, 4, 40}, 35};
  const numbers x = normal_numbers(problem.rows() * problem.width, 14);
  for (const index_t taps : {1, 3, 5}) {
    for (const bool adjoint : {false, true}) {
      const numbers exact = dnalm_test::run_short(dnalm::reference_backend(), problem, taps, x, adjoint);
      // |w|, |x| < 5 throughout: a chain of K + 1 operations on sums of at most 25 K + 5.
      const double size = 25.0 * static_cast<double>(taps) + 5.0;
      const numbers bound(exact.size(), static_cast<double>(taps + 1) * 0x1p-24 * size);
      for (const isa set : instruction_sets()) {
        INFO(dnalm::to_string(set));
        dnalm_test::check_within(
            exact, dnalm_test::run_short(dnalm::cpu_backend(set), problem, taps, x, adjoint), bound);
      }
    }
  }
}

TEST_CASE("products by elements are rounded once, in place too, and so are their adjoints", "[cpu]") {
  // The product of two floats is exact in double.
  const numbers a = normal_numbers(7 * 19, 21);
  const numbers b = normal_numbers(7 * 19, 22);
  const numbers u = normal_numbers(7 * 19, 23);
  const auto exact = [](const numbers& x, const numbers& y) {
    numbers product;
    for (std::size_t i = 0; i < x.size(); ++i)
      product.push_back(static_cast<double>(static_cast<float>(x[i] * y[i])));
    return product;
  };
  const auto values = [](const dnalm_test::poisoned<float>& x) {
    numbers all;
    dnalm_test::append_numbers(x.view(), all);
    CHECK(x.frame_is_whole());
    return all;
  };
  using rows = dnalm_test::poisoned<float>;
  const dnalm::cpu_backend backend;
  const rows right(7, 19, b.data());
  rows left(7, 19, a.data());
  rows y(7, 19);
  const rows& in = left;
  backend.multiply(in.view(), right.view(), y.view());
  CHECK(values(y) == exact(a, b));
  rows dy(7, 19, u.data());
  const rows& slope = dy;
  rows db(7, 19);
  backend.multiply_vjp(in.view(), right.view(), slope.view(), dy.view(), db.view());
  CHECK(values(dy) == exact(b, u));
  CHECK(values(db) == exact(a, u));
  backend.multiply(in.view(), right.view(), left.view());
  CHECK(values(left) == exact(a, b));
}

TEST_CASE("a filter of some channels has the numbers of all channels' filter", "[cpu][pieces]") {
  for (const index_t length : {100, 161, 1057, 70000}) {
    const convolution_problem problem{{length}, 37};
    const index_t taps = dnalm::cpu_filter_taps(length);
    const auto h = problem.taps(taps);
    const dnalm::causal_filter whole = dnalm::make_causal_filter(h.view());
    const auto plan = dnalm::plan_causal_filter(taps);
    const auto equal = [](const dnalm::buffer<float>& part, const dnalm::buffer<float>& all, index_t first,
                          index_t blocks) {
      const index_t block = all.size() / 3;  // 37 channels: three blocks of 16
      return part.size() == blocks * block &&
             std::equal(part.data(), part.data() + part.size(), all.data() + first * block);
    };
    for (index_t block = 0; block < 3; ++block) {
      const index_t count = std::min<index_t>(16, 37 - 16 * block);
      const auto part = dnalm::make_causal_filter(h.view().column_block(16 * block, count), plan);
      CHECK(part.tables == plan.tables);
      CHECK(equal(part.spectrum, whole.spectrum, block, 1));
      CHECK(equal(part.direct, whole.direct, block, 1));
    }
    CHECK(whole.spectrum.size() + whole.direct.size() == dnalm::causal_filter_numbers(taps, 37));
  }
}
