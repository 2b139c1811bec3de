// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of probe/probe_file.hpp.
#pragma once

#include <cmath>
#include <span>

#include <nlohmann/json.hpp>

#include <dnalm/core/error.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/io/safetensors.hpp>
#include <dnalm/probe/probe_file.hpp>

DNALM_BEGIN_NAMESPACE

namespace detail {

inline constexpr int probe_format = 1;
inline constexpr const char* probe_metadata_key = "dnalm_probe";

[[noreturn]] inline void throw_probe_format(const std::string& where, const std::string& expected,
                                            const std::string& found) {
  throw error(error_kind::format, 538, "not a probe file of dnalm, or one that contradicts itself",
              {.where = where, .expected = expected, .found = found});
}

/// The metadata of a probe, without its tensors.
[[nodiscard]] inline io::json describe_probe(const fitted_probe& probe) {
  io::json targets = io::json::array();
  for (const auto& target : probe.targets) {
    targets.push_back({{"name", target.name},
                       {"task", std::string(to_string(target.task))},
                       {"classes", target.classes},
                       {"first_output", target.first_output},
                       {"outputs", target.outputs},
                       {"lambda", target.lambda},
                       {"train_rows", target.train_rows}});
  }
  return {{"format", probe_format},   {"kind", std::string(to_string(probe.kind))},
          {"model", probe.model},     {"layer", probe.layer},
          {"pooling", probe.pooling}, {"seed", probe.seed},
          {"width", probe.width},     {"targets", targets}};
}

[[nodiscard]] inline const io::json& probe_member(const io::json& object, const char* key,
                                                  const std::string& where) {
  if (!object.is_object() || !object.contains(key)) {
    throw_probe_format(where, std::string("a metadata entry '") + key + "'", "none");
  }
  return object.at(key);
}

[[nodiscard]] inline std::string probe_text(const io::json& object, const char* key,
                                            const std::string& where) {
  const auto& value = probe_member(object, key, where);
  if (!value.is_string()) throw_probe_format(where, std::string(key) + " as text", value.dump());
  return value.get<std::string>();
}

[[nodiscard]] inline index_t probe_integer(const io::json& object, const char* key,
                                           const std::string& where) {
  const auto& value = probe_member(object, key, where);
  const bool fits = value.is_number_integer() &&
                    (!value.is_number_unsigned() || value.get<std::uint64_t>() <= 0x7fffffffffffffffULL);
  if (!fits) throw_probe_format(where, std::string(key) + " as a 63-bit whole number", value.dump());
  return value.get<index_t>();
}

[[nodiscard]] inline double probe_number(const io::json& object, const char* key, const std::string& where) {
  const auto& value = probe_member(object, key, where);
  if (!value.is_number()) throw_probe_format(where, std::string(key) + " as a number", value.dump());
  return value.get<double>();
}

/// `parse` of a name in the file; an unknown one is a defect of the file.
template <class Parse>
[[nodiscard]] auto probe_name(const io::json& object, const char* key, const std::string& where,
                              Parse parse) {
  const std::string text = probe_text(object, key, where);
  try {
    return parse(text);
  } catch (const error& e) {
    throw_probe_format(where, std::string(key) + ": " + e.details().expected, text);
  }
}

[[nodiscard]] inline probe_target read_probe_target(const io::json& entry, index_t first,
                                                    const std::string& where) {
  probe_target target;
  target.name = probe_text(entry, "name", where);
  target.task = probe_name(entry, "task", where, [](const std::string& text) { return parse_task(text); });
  target.first_output = probe_integer(entry, "first_output", where);
  target.outputs = probe_integer(entry, "outputs", where);
  target.lambda = probe_number(entry, "lambda", where);
  target.train_rows = probe_integer(entry, "train_rows", where);
  const auto& classes = probe_member(entry, "classes", where);
  if (!classes.is_array()) throw_probe_format(where, "classes as an array", classes.dump());
  for (const auto& value : classes) {
    if (!value.is_number()) throw_probe_format(where, "classes as numbers", value.dump());
    target.classes.push_back(value.get<double>());
  }
  const bool regression =
      target.task == task_kind::regression && target.classes.empty() && target.outputs == 1;
  const bool binary = target.task == task_kind::binary && target.classes.size() == 2 && target.outputs == 1;
  const bool several = target.task == task_kind::multiclass && target.classes.size() >= 2 &&
                       static_cast<index_t>(target.classes.size()) == target.outputs;
  if ((!regression && !binary && !several) || target.first_output != first) {
    throw_probe_format(where, "outputs in order and as many as the task needs",
                       "target " + target.name + ": first_output " + std::to_string(target.first_output) +
                           ", outputs " + std::to_string(target.outputs));
  }
  return target;
}

[[nodiscard]] inline std::vector<double> read_probe_tensor(const io::safetensors_file& file, const char* name,
                                                           const std::vector<index_t>& shape) {
  const std::string where = file.name().string();
  if (!file.contains(name)) throw_probe_format(where, std::string("a tensor '") + name + "'", "none");
  const auto& stored = file.tensor(name);
  if (stored.info.type != dtype::f64 || stored.info.shape != shape) {
    std::string expected = std::string(name) + " of type F64 and shape";
    for (const index_t extent : shape) expected += " " + std::to_string(extent);
    throw_probe_format(where, expected, std::string(to_string(stored.info.type)) + " or another shape");
  }
  std::vector<double> values(static_cast<std::size_t>(checked_size(shape)));
  read_stored(stored, std::span<double>(values));
  for (const double value : values) {
    if (!std::isfinite(value))
      throw_probe_format(where, std::string("finite numbers in ") + name, "NaN or infinity");
  }
  return values;
}

}  // namespace detail

DNALM_INLINE std::string probe_file_name(const fitted_probe& probe) {
  std::string model = probe.model;
  for (char& letter : model) {
    if (letter == ':') letter = '.';
    if (letter == '/') letter = '_';
  }
  const std::string layer = probe.layer < 0 ? "-" : std::to_string(probe.layer);
  return model + "." + layer + "." + probe.pooling + "." + std::string(to_string(probe.kind)) +
         ".safetensors";
}

DNALM_INLINE void save_probe(const std::filesystem::path& path, const fitted_probe& probe) {
  const std::vector<index_t> wide{probe.outputs(), probe.width};
  const auto as_tensor = [](const char* name, const std::vector<double>& values, std::vector<index_t> shape) {
    return io::tensor_to_write{name, dtype::f64, std::move(shape), std::as_bytes(std::span(values))};
  };
  io::write_safetensors(
      path,
      {as_tensor("weight", probe.weights, wide), as_tensor("intercept", probe.intercept, {probe.outputs()}),
       as_tensor("mean", probe.mean, wide), as_tensor("scale", probe.scale, wide)},
      {{detail::probe_metadata_key,
        detail::describe_probe(probe).dump(-1, ' ', false, io::json::error_handler_t::replace)}});
}

DNALM_INLINE fitted_probe load_probe(const std::filesystem::path& path) {
  const io::safetensors_file file(path);
  const std::string where = path.string();
  const auto entry = file.metadata().find(detail::probe_metadata_key);
  if (entry == file.metadata().end()) {
    detail::throw_probe_format(where, std::string("the metadata entry ") + detail::probe_metadata_key,
                               "none");
  }
  const io::json header = io::parse_json(entry->second, where);
  const index_t format = detail::probe_integer(header, "format", where);
  if (format != detail::probe_format) {
    detail::throw_probe_format(where, "format " + std::to_string(detail::probe_format),
                               std::to_string(format));
  }
  fitted_probe probe;
  probe.kind =
      detail::probe_name(header, "kind", where, [](const std::string& text) { return parse_probe(text); });
  probe.model = detail::probe_text(header, "model", where);
  probe.layer = detail::probe_integer(header, "layer", where);
  probe.pooling = detail::probe_text(header, "pooling", where);
  const auto& seed = detail::probe_member(header, "seed", where);
  if (!seed.is_number_unsigned()) detail::throw_probe_format(where, "seed as a whole number", seed.dump());
  probe.seed = seed.get<std::uint64_t>();
  probe.width = detail::probe_integer(header, "width", where);
  const auto& targets = detail::probe_member(header, "targets", where);
  if (!targets.is_array() || targets.empty() || probe.width < 1) {
    detail::throw_probe_format(where, "at least one target and a positive width", targets.dump());
  }
  index_t outputs = 0;
  for (const auto& target : targets) {
    probe.targets.push_back(detail::read_probe_target(target, outputs, where));
    outputs = checked_add(outputs, probe.targets.back().outputs);
  }
  probe.weights = detail::read_probe_tensor(file, "weight", {outputs, probe.width});
  probe.intercept = detail::read_probe_tensor(file, "intercept", {outputs});
  probe.mean = detail::read_probe_tensor(file, "mean", {outputs, probe.width});
  probe.scale = detail::read_probe_tensor(file, "scale", {outputs, probe.width});
  return probe;
}

DNALM_END_NAMESPACE
