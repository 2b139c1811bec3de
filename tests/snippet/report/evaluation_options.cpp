// SPDX-License-Identifier: Apache-2.0
// What an evaluation is asked for unless told otherwise.
#include <iostream>

#include <dnalm/report/evaluation_options.hpp>

int main() {
  const dnalm::report::evaluation_options options;
  std::cout << options.baselines.size() << " baselines, " << options.resamples << " resamples, "
            << (options.memory >> 30) << " GiB\n";
}
