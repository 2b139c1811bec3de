// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Fitted probes as safetensors files: `probes/<model>.<layer>.<pooling>.<probe>.safetensors`.
#pragma once

#include <filesystem>
#include <string>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/probe/fitted_probe.hpp>

DNALM_BEGIN_NAMESPACE

/// `<model>.<layer>.<pooling>.<probe>.safetensors`; no layer: `-`; `:` and `/` in the model's name become `.`
/// and `_`.
[[nodiscard]] std::string probe_file_name(const fitted_probe& probe);

/// Writes tensors `weight` (outputs, D), `intercept` (outputs), `mean` and `scale` (outputs, D), all F64, and
/// the metadata entry `dnalm_probe`, a JSON text: format (1), kind, model, layer, pooling, seed, width,
/// targets (name, task, classes, first_output, outputs, lambda, train_rows). The file appears complete or not
/// at all. \throws error of io/safetensors.hpp when it cannot be written.
void save_probe(const std::filesystem::path& path, const fitted_probe& probe);

/// Reads such a file. \throws error [dnalm.format.538] when it is not one of these or contradicts itself,
/// errors of io/safetensors.hpp and io/json.hpp otherwise.
[[nodiscard]] fitted_probe load_probe(const std::filesystem::path& path);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/probe/detail/probe_file_impl.hpp>
#endif
