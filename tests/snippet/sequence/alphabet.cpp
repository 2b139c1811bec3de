// SPDX-License-Identifier: Apache-2.0
// Letters under an explicit policy, the other strand, GC content, and one-hot code.
#include <iostream>

#include <dnalm/core/error.hpp>
#include <dnalm/sequence/alphabet.hpp>

int main() {
  const auto clean = dnalm::normalize_sequence("acgtRGCC", dnalm::unknown_policy::n, "chr1:10-18");
  std::cout << clean << " " << dnalm::reverse_complement(clean) << "\n";
  std::cout << "GC " << dnalm::gc_content("ACGTGGCC") << "\n";
  for (const float number : dnalm::one_hot("GN")) std::cout << number << " ";
  std::cout << "\n";
  try {
    static_cast<void>(dnalm::normalize_sequence("ACGU", dnalm::unknown_policy::error, "chr1:10-14"));
  } catch (const dnalm::error& e) {
    std::cout << e.what() << "\n";
  }
}
