// SPDX-License-Identifier: Apache-2.0
// Odds of 1 to 3 from scores: softmax turns log-odds into probabilities.
#include <cmath>
#include <iomanip>
#include <iostream>
#include <vector>

#include <dnalm/reference/softmax.hpp>

int main() {
  std::vector<double> scores = {0, std::log(3.0)};
  dnalm::reference_softmax_rows(dnalm::as_matrix(scores.data(), 1, 2));
  std::cout << std::fixed << std::setprecision(3) << scores[0] << " " << scores[1] << "\n";
}
