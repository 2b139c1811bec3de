// SPDX-License-Identifier: Apache-2.0
// A caller that asked about mutants passes an error on as one about its own sequence.
#include <iostream>

#include <dnalm/core/sequence_error.hpp>

int main() {
  try {
    try {
      throw dnalm::sequence_error(dnalm::error_kind::numeric, 801, "a number is not finite", 12,
                                  {.where = "output 0"});
    } catch (const dnalm::sequence_error& problem) {
      std::cout << problem.what() << '\n';
      throw problem.of(0, "T at position 4").named("chr1:100-112");
    }
  } catch (const dnalm::error& problem) {
    std::cout << problem.what() << '\n';
  }
}
