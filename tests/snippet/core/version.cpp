// SPDX-License-Identifier: Apache-2.0
// A tool can ask for the version it needs when it is compiled.
#include <iostream>
#include <string>

#include <dnalm/core/version.hpp>

#if DNALM_VERSION_MAJOR == 0 && DNALM_VERSION_MINOR < 1
#error "this tool needs dnalm 0.1"
#endif

int main() {
  const std::string parts = std::to_string(DNALM_VERSION_MAJOR) + "." + std::to_string(DNALM_VERSION_MINOR) +
                            "." + std::to_string(DNALM_VERSION_PATCH);
  std::cout << std::boolalpha << (parts == DNALM_VERSION_STRING) << "\n";
}
