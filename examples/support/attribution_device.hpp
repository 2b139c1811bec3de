// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Where a method of dnalm-attribute runs.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace program {

/// Why a method runs on the CPU whatever `--device` says; empty where it runs on a GPU as well.
[[nodiscard]] inline std::string_view reason_for_cpu(std::string_view method) {
  if (method == "deep_lift_shap") return "a GPU's backend has no rules of DeepLIFT";
  if (method == "rollout") return "a GPU's backend hands out no attention";
  return {};
}

/// The device that a method runs on: `asked`, or the CPU.
[[nodiscard]] inline std::string device_of_method(std::string_view method, const std::string& asked) {
  return reason_for_cpu(method).empty() ? asked : "cpu";
}

/// Says on stderr that a method does not run on the device that was asked for.
inline void tell_device(const std::string& method, const std::string& asked) {
  if (device_of_method(method, asked) == asked) return;
  std::fprintf(stderr, "dnalm-attribute: --method %s runs on the CPU, not on %s: %s\n", method.c_str(),
               asked.c_str(), std::string(reason_for_cpu(method)).c_str());
}

}  // namespace program
