// SPDX-License-Identifier: Apache-2.0
// Any function of nucleotide weights that knows its gradient can be attributed: here the share of G and C.
#include <iostream>
#include <vector>

#include <dnalm/attribution/relaxed_function.hpp>

int main() {
  dnalm::relaxed_function gc{.outputs = 1};
  gc.evaluate = [](std::span<const dnalm::relaxed_point> points, std::span<double> values,
                   std::span<dnalm::nucleotide_weights> gradients) {
    for (std::size_t n = 0; n < points.size(); ++n) {
      const dnalm::nucleotide_map& p = points[n].weights.letters;
      const double share = 1.0 / static_cast<double>(p.length);
      for (dnalm::index_t i = 0; i < p.length; ++i) values[n] += share * (p(1, i) + p(2, i));
      if (gradients.empty()) continue;
      gradients[n].letters = dnalm::nucleotide_map(p.length);
      for (dnalm::index_t i = 0; i < p.length; ++i) {
        gradients[n].letters(1, i) = gradients[n].letters(2, i) = share;
      }
    }
  };
  const std::vector<dnalm::relaxed_point> points = {{"GATT", dnalm::one_hot_weights("GATT")}};
  const dnalm::relaxed_values found = gc(points);
  std::cout << found.values[0] << ", by a G " << found.gradients[0].letters(2, 1) << '\n';
}
