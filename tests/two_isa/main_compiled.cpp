// SPDX-License-Identifier: Apache-2.0
// An object with -march flags of its own links with dnalm::compiled; kernels and probes work.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

std::vector<double> kernels();
std::string regression();

int main() {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 77;
  const auto found = kernels();
  const auto finite = [](double x) { return std::isfinite(x); };
  return std::all_of(found.begin(), found.end(), finite) && regression() == "right" ? 0 : 1;
}
