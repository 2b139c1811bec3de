// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Outputs of a program that would overwrite each other, or what is read.
#pragma once

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include <nlohmann/json.hpp>

#include <dnalm/core/error.hpp>
#include <dnalm/io/json.hpp>

namespace program {

/// A path and the option that names it.
struct named_path {
  std::string option = {};
  std::string path = {};
};

/// Whether two paths are one file: by their canonical names (links followed, what is not there yet included),
/// or by what the system says (hard links).
[[nodiscard]] inline bool is_same_file(const std::filesystem::path& first,
                                       const std::filesystem::path& second) {
  std::error_code problem;
  if (std::filesystem::equivalent(first, second, problem)) return true;
  const auto one = std::filesystem::weakly_canonical(std::filesystem::absolute(first), problem);
  if (problem) return false;
  const auto other = std::filesystem::weakly_canonical(std::filesystem::absolute(second), problem);
  return !problem && one == other;
}

namespace detail {

/// Every text in a value, those of lists and objects in it too.
inline void collect_texts(const dnalm::io::json& value, std::vector<std::string>& texts) {
  if (value.is_string()) texts.push_back(value.get<std::string>());
  if (!value.is_structured()) return;
  for (const dnalm::io::json& inner : value) collect_texts(inner, texts);
}

/// Names of files that a folder's config.json gives: `files`, `keras_model`. None where it cannot be read,
/// who loads it says so.
[[nodiscard]] inline std::vector<std::string> configured_files(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code problem;
  if (!std::filesystem::is_regular_file(folder / "config.json", problem)) return names;
  try {
    const dnalm::io::json config = dnalm::io::read_json_file(folder / "config.json");
    if (!config.is_object()) return names;
    for (const char* key : {"files", "keras_model"}) {
      if (config.contains(key)) collect_texts(config.at(key), names);
    }
  } catch (const dnalm::error&) {
    names.clear();
  }
  return names;
}

}  // namespace detail

/// The files that a model folder is read from: weights, configuration and tokenizer, by the ends of their
/// names, and whatever config.json names (an npz is read only there). Of what is no folder the path itself; a
/// folder that cannot be read has none, who loads it says so.
[[nodiscard]] inline std::vector<named_path> files_of_model(const std::string& option,
                                                            const std::string& folder) {
  constexpr std::array ends = {".json", ".txt", ".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".h5"};
  std::error_code problem;
  if (!std::filesystem::is_directory(folder, problem)) return {{option, folder}};
  std::vector<named_path> files;
  std::filesystem::directory_iterator entry(folder, problem);
  for (; !problem && entry != std::filesystem::directory_iterator(); entry.increment(problem)) {
    const std::string file = entry->path().string();
    const bool is_read =
        std::any_of(ends.begin(), ends.end(), [&](const char* end) { return file.ends_with(end); });
    if (is_read) files.push_back({option, file});
  }
  for (const std::string& name : detail::configured_files(folder)) {
    files.push_back({option, (std::filesystem::path(folder) / name).string()});
  }
  return files;
}

/// Refuses two outputs in one place, and an output in the place of an input that is there. Empty paths and
/// `-` name no file; what is there and neither file nor folder (a pipe, /dev/null) may be named twice.
/// \throws error [dnalm.usage.733].
inline void check_outputs(const std::vector<named_path>& outputs, const std::vector<named_path>& inputs) {
  const auto names_file = [](const named_path& each) {
    std::error_code problem;
    const auto status = std::filesystem::status(each.path, problem);
    return !each.path.empty() && each.path != "-" &&
           (!std::filesystem::exists(status) || std::filesystem::is_regular_file(status) ||
            std::filesystem::is_directory(status));
  };
  const auto compare = [&](const named_path& output, const named_path& other, const char* what) {
    if (!names_file(output) || !names_file(other) || !is_same_file(output.path, other.path)) return;
    throw dnalm::error(dnalm::error_kind::usage, 733, what,
                       {.where = output.option + " and " + other.option,
                        .expected = "another file",
                        .found = "'" + output.path + "'"});
  };
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    for (const named_path& input : inputs) {
      std::error_code problem;
      if (!std::filesystem::exists(input.path, problem)) continue;  // who reads it says so
      compare(outputs[i], input, "an output would overwrite an input");
    }
    for (std::size_t j = 0; j < i; ++j) compare(outputs[i], outputs[j], "two outputs have the same name");
  }
}

}  // namespace program
