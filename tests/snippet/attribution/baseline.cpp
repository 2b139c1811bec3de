// SPDX-License-Identifier: Apache-2.0
// Baselines of a sequence: uniform weights, and a sequence that a function makes of it.
#include <algorithm>
#include <iostream>
#include <string>

#include <dnalm/attribution/baseline.hpp>

int main() {
  const dnalm::relaxed_function f;
  dnalm::baseline turned{.kind = dnalm::baseline_kind::shuffles, .replicates = 2};
  turned.shuffle = [](std::string_view sequence, dnalm::index_t, dnalm::index_t replicate) {
    std::string result(sequence);
    std::rotate(result.begin(), result.begin() + replicate + 1, result.end());
    return result;
  };
  for (const dnalm::baseline& from : {dnalm::baseline{.kind = dnalm::baseline_kind::uniform}, turned}) {
    for (dnalm::index_t replicate = 0; replicate < from.count(); ++replicate) {
      std::cout << to_string(from.kind) << ':';
      for (const double w : dnalm::baseline_weights(from, f, "ACG", 0, replicate).letters.values) {
        std::cout << ' ' << w;
      }
      std::cout << '\n';
    }
  }
}
