// SPDX-License-Identifier: Apache-2.0
// One sine of the position, damped: h(i) = (exp(-t |delta|) + shift) 2 sin(f z).
#include <cmath>
#include <iostream>

#include <dnalm/nn/implicit_filter.hpp>

int main() {
  dnalm::implicit_filter filter;
  filter.positions =
      std::make_shared<const dnalm::filter_positions>(dnalm::filter_positions{2, 1, {0.5, 1.0}, {0.0, 1.0}});
  filter.sines.emplace_back().set(std::vector<double>{1.0}, 1, {0.0});
  filter.last.set(std::vector<double>{2.0}, 1, {});
  filter.frequencies = {std::acos(0.0)};  // pi / 2
  filter.deltas = {-std::log(2.0)};
  filter.shift = 0.25;
  const auto h = filter.taps(3);
  std::cout << h(0, 0) / std::sqrt(2.0) << " " << h(1, 0) << " " << h(2, 0) << "\n";
}
