// SPDX-License-Identifier: Apache-2.0
// The splines of Sei: numbers printed by the original, sums, symmetry; what is no spline.
#include <cmath>
#include <map>

#include <dnalm/nn/spline_basis.hpp>
#include <support/catch.hpp>

using dnalm::index_t;

namespace {

/// All functions of one position, the printed ones and zeros.
void check_row(const dnalm::matrix<double>& basis, index_t r, const std::map<index_t, double>& printed) {
  for (index_t i = 0; i < basis.columns(); ++i) {
    const auto found = printed.find(i);
    const double expected = found == printed.end() ? 0.0 : found->second;
    INFO("position " << r << " function " << i);
    CHECK(std::abs(basis(r, i) - expected) <= 5e-10 + 1e-8 * expected);  // as many digits as were printed
  }
}

}  // namespace

TEST_CASE("splines of 256 positions are the original's", "[nn][spline]") {
  const dnalm::matrix<double> basis = dnalm::spline_basis(256, 16);
  check_row(basis, 0, {{0, 1.0}});
  check_row(basis, 1, {{0, .854723327}, {1, .141477546}, {2, .00377704402}, {3, 2.20830098e-05}});
  check_row(basis, 19, {{0, 3.08780183e-05}, {1, .274213553}, {2, .574288205}, {3, .151467364}});
  check_row(basis, 20, {{1, .235580584}, {2, .587759107}, {3, .176659053}, {4, 1.25642978e-06}});
  check_row(basis, 127, {{6, .0241848057}, {7, .494927321}, {8, .463081138}, {9, .017806736}});
  check_row(basis, 255, {{15, 1.0}});
  const double ends[] = {5.416589, 9.794951, 14.711536};
  for (index_t i = 0; i < 16; ++i) {
    double sum = 0.0;
    for (index_t r = 0; r < 256; ++r) sum += basis(r, i);
    const index_t end = std::min(i, 15 - i);
    CHECK(std::abs(sum - (end < 3 ? ends[end] : 255.0 / 13.0)) <= 5e-6);
  }
}

TEST_CASE("splines sum to one, are symmetric and at most four at a time", "[nn][spline]") {
  for (const auto& [positions, functions] :
       {std::pair<index_t, index_t>{256, 16}, {2, 4}, {3, 16}, {17, 5}, {64, 33}, {1000, 4}}) {
    const dnalm::matrix<double> basis = dnalm::spline_basis(positions, functions);
    INFO(positions << " positions, " << functions << " functions");
    REQUIRE(basis.rows() == positions);
    REQUIRE(basis.columns() == functions);
    for (index_t r = 0; r < positions; ++r) {
      double sum = 0.0;
      int used = 0;
      for (index_t i = 0; i < functions; ++i) {
        CHECK(basis(r, i) >= 0.0);
        CHECK(std::abs(basis(r, i) - basis(positions - 1 - r, functions - 1 - i)) <= 1e-14);
        sum += basis(r, i);
        used += basis(r, i) > 0.0 ? 1 : 0;
      }
      CHECK(std::abs(sum - 1.0) <= 1e-14);
      CHECK(used <= 4);
    }
  }
}

TEST_CASE("four functions are Bernstein's polynomials", "[nn][spline]") {
  const dnalm::matrix<double> basis = dnalm::spline_basis(9, 4);
  for (index_t r = 0; r < 9; ++r) {
    const double x = static_cast<double>(r) / 8.0;
    const double y = 1.0 - x;
    const double expected[] = {y * y * y, 3 * x * y * y, 3 * x * x * y, x * x * x};
    for (index_t i = 0; i < 4; ++i) CHECK(std::abs(basis(r, i) - expected[i]) <= 1e-15);
  }
}

TEST_CASE("too few positions or functions are no spline", "[nn][spline]") {
  const auto number = [](index_t positions, index_t functions) {
    try {
      static_cast<void>(dnalm::spline_basis(positions, functions));
    } catch (const dnalm::error& e) {
      return e.number();
    }
    return 0;
  };
  CHECK(number(1, 16) == 355);
  CHECK(number(256, 3) == 355);
  CHECK(number(-1, -1) == 355);
}
