// SPDX-License-Identifier: Apache-2.0
// Windows over a long sequence: where each runs and which tokens it answers for.
#include <iostream>

#include <dnalm/embed/window_rule.hpp>

int main() {
  const dnalm::window_rule rule = {.tokens = dnalm::parse_window("512"), .overlap = 64};
  const dnalm::index_t capacity = rule.tokens - 1;  // the model adds one token, CLS
  for (const auto& window : dnalm::plan_windows(1200, capacity, rule.overlap)) {
    std::cout << "runs on tokens " << window.begin << " to " << window.end << ", answers for "
              << window.keep_begin << " to " << window.keep_end << "\n";
  }
}
