// SPDX-License-Identifier: Apache-2.0
// Two objects, compiled with different -march flags, in one program: their kernels give equal bits; probes
// work in the object that Eigen's functions come from, and say what is wrong in the other.
#include <cstdio>
#include <string>
#include <vector>

std::vector<double> kernels_base();
std::vector<double> kernels_avx2();
std::string regression_base();
std::string regression_avx2();

int main() {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 77;
  if (kernels_base().size() != 30 * 48 || kernels_base() != kernels_avx2()) return 1;
  const std::string base = regression_base();
  const std::string avx2 = regression_avx2();
  std::printf("base: %s, avx2: %s\n", base.c_str(), avx2.c_str());
  const std::string refused = "dnalm.unsupported.546";
  return (base == "right" && avx2 == refused) || (base == refused && avx2 == "right") ? 0 : 2;
}
