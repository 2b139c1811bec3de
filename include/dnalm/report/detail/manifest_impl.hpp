// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of report/manifest.hpp.
#pragma once

#include <dnalm/core/version.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/report/manifest.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {
namespace detail {

DNALM_INLINE io::json to_json(const hashed_file& file) {
  io::json value = {{"file", file.name}};
  value["sha256"] = file.sha256.empty() ? io::json(nullptr) : io::json(file.sha256);
  return value;
}

DNALM_INLINE io::json to_json(const probed_source& source) {
  io::json value = {{"name", source.name}, {"description", source.description}};
  value["parameters"] = source.parameters;
  value["files"] = io::json::array();
  for (const hashed_file& file : source.files) value["files"].push_back(to_json(file));
  return value;
}

DNALM_INLINE io::json to_json(const std::vector<setting>& settings) {
  io::json value = io::json::object();
  for (const setting& s : settings) value[s.name] = s.value;
  return value;
}

}  // namespace detail

DNALM_INLINE std::string manifest_json(const manifest& made) {
  using detail::to_json;
  io::json document = {{"program", made.program}, {"format", 1}, {"command", made.command}};
  document["seed"] = made.seed;
  document["data"] = to_json(made.data);
  document["data"]["rows"] = made.rows;
  document["data"]["train"] = made.train_rows;
  document["data"]["valid"] = made.valid_rows;
  document["data"]["test"] = made.test_rows;
  document["data"]["split"] = made.split;
  document["data"]["targets"] = made.targets;
  document["models"] = io::json::array();
  for (const probed_source& source : made.sources) document["models"].push_back(to_json(source));
  document["settings"] = to_json(made.settings);
  document["remarks"] = made.remarks;
  document["versions"] = to_json(software_versions());
  return document.dump(2, ' ', false, io::json::error_handler_t::replace) + "\n";
}

DNALM_INLINE std::vector<setting> software_versions() {
#if defined(__clang__)
  const std::string compiler =
      "clang " + std::to_string(__clang_major__) + "." + std::to_string(__clang_minor__);
#else
  const std::string compiler = "g++ " + std::to_string(__GNUC__) + "." + std::to_string(__GNUC_MINOR__);
#endif
  return {{"dnalm", DNALM_VERSION_STRING}, {"compiler", compiler}};
}

DNALM_INLINE std::string command_line(const std::vector<std::string>& command) {
  static constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%";
  std::string line;
  for (const std::string& word : command) {
    if (!line.empty()) line.push_back(' ');
    if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) {
      line.append(word);
      continue;
    }
    line.push_back('\'');
    for (const char letter : word) {
      if (letter == '\'') {
        line.append("'\\''");
      } else {
        line.push_back(letter);
      }
    }
    line.push_back('\'');
  }
  return line;
}

}  // namespace report
DNALM_END_NAMESPACE
