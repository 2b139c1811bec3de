// SPDX-License-Identifier: Apache-2.0
// Functions written between the two macros are dnalm's own and carry the ABI tag of their instruction set.
#include <iostream>

#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE

/// Hydrogen bonds of a base with its partner; for host and device code.
[[nodiscard]] DNALM_HD inline int hydrogen_bonds(char base) {
  return base == 'G' || base == 'C' ? 3 : 2;
}

DNALM_END_NAMESPACE

int main() {
  std::cout << dnalm::hydrogen_bonds('G') << " " << dnalm::hydrogen_bonds('T') << "\n";
  std::cout << dnalm::DNALM_ABI_NAMESPACE::hydrogen_bonds('C') << "\n";  // the same function by its full name
}
