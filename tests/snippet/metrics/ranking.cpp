// SPDX-License-Identifier: Apache-2.0
// AUROC and average precision of scores, equal scores included.
#include <iostream>
#include <vector>

#include <dnalm/metrics/ranking.hpp>

int main() {
  const std::vector<double> labels = {1, 0, 1, 0, 0};
  const std::vector<double> scores = {0.9, 0.7, 0.7, 0.3, 0.1};
  std::cout << "auroc " << 6 * dnalm::metrics::auroc(labels, scores) << " of 6 pairs in order, auprc "
            << 6 * dnalm::metrics::auprc(labels, scores) << " / 6\n";
}
