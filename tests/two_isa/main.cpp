// SPDX-License-Identifier: Apache-2.0
// The numbers of both objects: the kernels' are equal bit by bit, the regressions' (Eigen by compiler flags)
// nearly.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

std::vector<double> numbers_base();
std::vector<double> numbers_avx2();

int main() {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 77;
  const auto base = numbers_base();
  const auto avx2 = numbers_avx2();
  const std::size_t kernels = 30 * 48;
  if (base.size() != kernels + 2 * 48 || avx2.size() != base.size()) return 1;
  double worst = 0;
  for (std::size_t i = 0; i < base.size(); ++i) {
    if (i < kernels && base[i] != avx2[i]) return 2;
    worst = std::max(worst, std::abs(base[i] - avx2[i]));
  }
  std::printf("kernels equal; regressions within %.1e\n", worst);
  return worst < 1e-9 ? 0 : 3;
}
