// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What a result was measured on: CPU, compiler, versions, load.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/version.hpp>
#include <dnalm/cpu/isa.hpp>

namespace dnalm_bench {

/// The value of the first line of /proc/cpuinfo with this key; empty when there is none.
inline std::string cpu_info(std::string_view key) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, key.size(), key) != 0) continue;
    const std::size_t at = line.find(':');
    if (at != std::string::npos) return line.substr(std::min(at + 2, line.size()));
  }
  return {};
}

/// The CPU's flags that concern products.
inline std::vector<std::string> product_flags() {
  std::istringstream words(cpu_info("flags"));
  std::vector<std::string> found;
  for (std::string word; words >> word;) {
    const std::string_view text = word;
    if (text.substr(0, 3) == "avx" || text.substr(0, 3) == "amx" || text == "fma") found.push_back(word);
  }
  return found;
}

/// The first three numbers of /proc/loadavg.
inline std::string load_average() {
  std::ifstream file("/proc/loadavg");
  std::string a;
  std::string b;
  std::string c;
  file >> a >> b >> c;
  return a + " " + b + " " + c;
}

/// Level 1 to 3 cache sizes in bytes, 0 where the system does not say.
inline std::vector<long> cache_sizes() {
#if defined(_SC_LEVEL1_DCACHE_SIZE)
  return {sysconf(_SC_LEVEL1_DCACHE_SIZE), sysconf(_SC_LEVEL2_CACHE_SIZE), sysconf(_SC_LEVEL3_CACHE_SIZE)};
#else
  return {0, 0, 0};
#endif
}

inline nlohmann::json describe_machine() {
  nlohmann::json about;
  about["cpu"] = cpu_info("model name");
  about["cpu_family_model"] = cpu_info("cpu family") + "/" + cpu_info("model");
  about["cpu_flags"] = product_flags();
  about["cores"] = sysconf(_SC_NPROCESSORS_ONLN);
  about["caches"] = cache_sizes();
  about["instruction_set"] = std::string(dnalm::to_string(dnalm::choose_isa()));
#if defined(__clang__)
  about["compiler"] = std::string("clang++ ") + __clang_version__;
#else
  about["compiler"] = std::string("g++ ") + __VERSION__;
#endif
#if defined(DNALM_BENCH_FLAGS)
  about["flags"] = DNALM_BENCH_FLAGS;
#endif
  about["dnalm"] = DNALM_VERSION_STRING;
  about["load"] = load_average();
  return about;
}

}  // namespace dnalm_bench
