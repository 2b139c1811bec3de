// SPDX-License-Identifier: Apache-2.0
// A row that counts twice is as good as two equal rows: how resamples are scored without copies.
#include <iostream>
#include <vector>

#include <dnalm/metrics/confusion.hpp>
#include <dnalm/metrics/counts.hpp>

int main() {
  const std::vector<dnalm::index_t> labels = {0, 1, 1};
  const std::vector<dnalm::index_t> predicted = {0, 1, 0};
  const std::vector<std::int32_t> drawn = {2, 0, 1};  // row 0 twice, row 1 not at all
  const dnalm::metrics::row_counts counts = drawn;
  const auto once = dnalm::metrics::count_confusion(labels, predicted, 2);
  const auto resample = dnalm::metrics::count_confusion(labels, predicted, 2, counts);
  std::cout << once(0, 0) << " " << once(1, 1) << ", resample " << resample(0, 0) << " " << resample(1, 1)
            << "\n";
}
