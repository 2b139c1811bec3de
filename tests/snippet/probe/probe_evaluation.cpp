// SPDX-License-Identifier: Apache-2.0
// What the probing protocol is asked for unless told otherwise.
#include <iostream>

#include <dnalm/probe/probe_evaluation.hpp>

int main() {
  const dnalm::probe_options options;
  std::cout << (options.kind == dnalm::probe_kind::ridge ? "ridge" : "logistic") << ", " << options.folds
            << " folds where there are no valid rows, " << options.penalties.size()
            << " penalties of one's own\n";
}
