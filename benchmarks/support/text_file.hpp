// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Writes a text file.
#pragma once

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace dnalm_bench {

namespace fs = std::filesystem;

inline void write_text(const fs::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out << text;
  if (!out.flush()) throw std::runtime_error("cannot write " + file.string());
}

}  // namespace dnalm_bench
