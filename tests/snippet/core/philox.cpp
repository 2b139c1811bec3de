// SPDX-License-Identifier: Apache-2.0
// A stream is named by a seed and a hash: the same name gives the same numbers on any machine and thread.
#include <iostream>

#include <dnalm/core/philox.hpp>

int main() {
  dnalm::philox first(1, dnalm::hash_name("chr1:1000-1200"));
  dnalm::philox again(1, dnalm::hash_name("chr1:1000-1200"));
  std::cout << std::boolalpha << (first.next_u64() == again.next_u64()) << "\n";
  std::cout << (first.below(6) < 6) << "\n";
}
