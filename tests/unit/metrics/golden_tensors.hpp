// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Reads the float64 tensors of a golden safetensors file by name.
#pragma once

#include <string>
#include <vector>

#include <dnalm/io/safetensors.hpp>

namespace dnalm_test {

class golden_tensors {
 public:
  explicit golden_tensors(const std::string& name) : file_(std::string(DNALM_GOLDEN_DIR) + "/" + name) {}

  [[nodiscard]] std::vector<double> read(const std::string& name) const {
    const auto& tensor = file_.tensor(name);
    std::vector<double> values(static_cast<std::size_t>(tensor.info.size()));
    dnalm::io::read_stored(tensor, std::span<double>(values));
    return values;
  }
  [[nodiscard]] double number(const std::string& name) const { return read(name).at(0); }
  [[nodiscard]] dnalm::index_t extent(const std::string& name, std::size_t axis) const {
    return file_.tensor(name).info.shape.at(axis);
  }

 private:
  dnalm::io::safetensors_file file_;
};

}  // namespace dnalm_test
