// SPDX-License-Identifier: Apache-2.0
// An object with -march flags of its own links with dnalm::compiled and runs.
#include <algorithm>
#include <cmath>
#include <vector>

std::vector<double> numbers();

int main() {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 77;
  const auto found = numbers();
  const auto finite = [](double x) { return std::isfinite(x); };
  return found.size() == 32 * 48 && std::all_of(found.begin(), found.end(), finite) ? 0 : 1;
}
