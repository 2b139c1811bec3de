// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The table of hostile files: a right folder, one thing that is wrong, the id of the error that must
/// follow.
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <support/catch.hpp>
#include <support/small_models.hpp>

#include <dnalm/core/philox.hpp>
#include <dnalm/io/safetensors.hpp>
#include <dnalm/models/tensor_plan.hpp>

namespace dnalm_test {

namespace fs = std::filesystem;

/// One row of the table.
struct hostile_case {
  std::string name;   ///< as it is shown, and the folder's name
  std::string wrong;  ///< what is wrong with it
  std::string id;     ///< `dnalm.format.255`; "" where the file must be read all the same
  std::function<void(const fs::path&)> change;  ///< makes a right folder hostile
};

[[nodiscard]] inline std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// `value` as `width` bytes, little end first.
[[nodiscard]] inline std::string little(std::uint64_t value, int width) {
  std::string text;
  for (int i = 0; i < width; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

[[nodiscard]] inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

/// A tensor of a small model, kept in memory.
struct kept_tensor {
  std::string name;
  std::vector<dnalm::index_t> shape;
  std::vector<float> numbers;
};

/// Every tensor that the configuration in `folder` needs: norms 1, tied ones equal, the rest normal(0, 0.3).
[[nodiscard]] inline std::vector<kept_tensor> random_tensors(const fs::path& folder) {
  std::vector<kept_tensor> tensors;
  for (const auto& planned : dnalm::plan_tensors(dnalm::read_encoder_config(folder))) {
    if (!planned.required) continue;
    const std::string& stream = planned.same_as.empty() ? planned.name : planned.same_as;
    dnalm::philox random(1, dnalm::hash_name(stream));
    kept_tensor tensor{planned.name, planned.shape, {}};
    tensor.numbers.assign(static_cast<std::size_t>(dnalm::checked_size(planned.shape)), 1.0F);
    if (planned.kind != dnalm::tensor_kind::norm_weight) {
      for (float& number : tensor.numbers) number = static_cast<float>(0.3 * random.normal());
    }
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

inline void write_tensors(const fs::path& file, const std::vector<kept_tensor>& tensors) {
  std::vector<dnalm::io::tensor_to_write> list;
  for (const auto& tensor : tensors) {
    list.push_back(dnalm::io::make_tensor(tensor.name, tensor.numbers, tensor.shape));
  }
  dnalm::io::write_safetensors(file, list);
}

/// Splits a safetensors file into its header and its data.
struct split_safetensors {
  explicit split_safetensors(const fs::path& file) {
    const std::string whole = content(file);
    std::uint64_t length = 0;
    for (int i = 7; i >= 0; --i)
      length = length << 8 | static_cast<unsigned char>(whole[static_cast<std::size_t>(i)]);
    header = nlohmann::json::parse(whole.substr(8, length));
    data = whole.substr(8 + length);
  }
  [[nodiscard]] static std::string join(const std::string& header, const std::string& data) {
    return little(header.size(), 8) + header + data;
  }
  void write(const fs::path& file) const { write_text(file, join(header.dump(), data)); }

  nlohmann::json header;
  std::string data;
};

/// Runs one case: `prepare` fills the folder, `use` must throw the error of the case, on one line that names
/// a file of the folder.
template <class Prepare, class Use>
void check_case(const hostile_case& row, Prepare&& prepare, Use&& use) {
  INFO(row.name << ": " << row.wrong);
  const temporary_folder scratch("hostile");
  const fs::path folder = scratch.path() / row.name;
  fs::create_directory(folder);
  prepare(folder);
  row.change(folder);
  std::string id;
  std::string line;
  try {
    use(folder);
  } catch (const dnalm::error& e) {
    id = e.id();
    line = e.what();
  } catch (const std::exception& e) {
    id = std::string("no dnalm::error: ") + e.what();
  }
  INFO(line);
  CHECK(id == row.id);
  if (row.id.empty()) return;
  CHECK(line.find('\n') == std::string::npos);
  CHECK(line.find(folder.string()) != std::string::npos);
  CHECK(line.size() < 4000);
}

/// Every name once, every row with a reason: the table is a list to read.
inline void check_table(const std::vector<hostile_case>& rows) {
  std::map<std::string, int> names;
  for (const auto& row : rows) {
    CHECK(++names[row.name] == 1);
    CHECK(!row.wrong.empty());
  }
}

}  // namespace dnalm_test
