// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What the config.json of a model folder says, read and checked: one function for each kind of
/// network.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/models/caduceus_config.hpp>
#include <dnalm/models/convnet_config.hpp>
#include <dnalm/models/encoder_config.hpp>
#include <dnalm/models/hyena_config.hpp>

DNALM_BEGIN_NAMESPACE

/// A key of config.json and its value as JSON text, for people.
struct config_entry {
  std::string key = {};
  std::string value = {};
};

/// Reads `folder/config.json` (duplicate keys: the last wins) and checks it.
///
/// A configuration with `add_bias_fnn` or an `auto_map` to `modeling_esm` is NT-v2; `model_type` `esm`
/// otherwise is ESM-2 with rotary positions and NT-v1 with learned ones; an `auto_map` to `bert_layers` or
/// `alibi_starting_size` is DNABERT-2; `model_type` `bert`, or none and `architectures` of `Bert...`, is
/// GENA-LM with one of its keys (`pre_layer_norm`, `last_layer_norm`, `sparse_config_cls`, `rotary_dim`) and
/// BERT otherwise; `big_bird`, `modernbert`, `rnafm`, `rinalmo`, and `dnabert`, `splicebert`, `rnabert` of
/// MultiMolecule go by their `model_type`. docs/models.md has the keys. \throws error [dnalm.unsupported.400]
/// unknown architecture, [dnalm.config.401] a key is missing, [dnalm.config.402] a value of a wrong type or
/// out of range, [dnalm.config.403] settings that contradict each other, [dnalm.unsupported.404] a setting
/// that is not built in, [dnalm.config.430] no config.json; as read_json_file.
[[nodiscard]] encoder_config read_encoder_config(const std::filesystem::path& folder);

/// All top-level keys of `folder/config.json`. \throws as read_json_file.
[[nodiscard]] std::vector<config_entry> read_config_entries(const std::filesystem::path& folder);

/// Reads a `folder/config.json` of model_type `ConvNet` and checks it. \throws error [dnalm.unsupported.400]
/// another model_type, [dnalm.config.401] a key is missing, [dnalm.config.402] a value of a wrong type or out
/// of range, [dnalm.config.403] a vocabulary wider than the network, [dnalm.unsupported.404] a setting that
/// is not built in, [dnalm.config.430] no config.json; as read_json_file.
[[nodiscard]] convnet_config read_convnet_config(const std::filesystem::path& folder);

/// Whether `folder/config.json` is one of HyenaDNA: `model_type` is `hyenadna`, or there are `d_model`,
/// `n_layer` and an object `layer` with `l_max`. No: also when there is no such file. \throws as
/// read_json_file.
[[nodiscard]] bool has_hyena_config(const std::filesystem::path& folder);

/// Reads `folder/config.json` (duplicate keys: the last wins) and checks it.
///
/// \throws error [dnalm.unsupported.400] not a configuration of HyenaDNA, [dnalm.config.401] a key is
/// missing, [dnalm.config.402] a value of a wrong type or out of range, [dnalm.config.403] settings that
/// contradict each other, [dnalm.unsupported.404] a setting that is not built in (another order than 2,
/// attention layers, code of another family), [dnalm.config.430] no config.json; as read_json_file.
[[nodiscard]] hyena_config read_hyena_config(const std::filesystem::path& folder);

/// Reads `folder/config.json` (`model_type` is `caduceus`; duplicate keys: the last wins) and checks it.
///
/// \throws error [dnalm.unsupported.400] not a configuration of Caduceus, [dnalm.config.401] a key is
/// missing, [dnalm.config.402] a value of a wrong type or out of range, [dnalm.config.403] sizes that
/// contradict each other, or complements that leave tokens out, [dnalm.unsupported.404] a setting that is not
/// built in (one direction, projections that are not shared, LayerNorm, another mixer, other code),
/// [dnalm.config.430] no config.json; as read_json_file.
[[nodiscard]] caduceus_config read_caduceus_config(const std::filesystem::path& folder);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/models/detail/read_config_impl.hpp>
#endif
