// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The configuration of any network that is built in, and what is to be known of each kind.
///
/// A kind of network is a configuration type with `summary()`, its tensors (plan_tensors), its settings in
/// words, its longest input (token_limit), and a class template over backends (network_of). One more kind is
/// one more alternative here, one reader in read_network_config, and those.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/models/caduceus_config.hpp>
#include <dnalm/models/convnet_config.hpp>
#include <dnalm/models/encoder_config.hpp>
#include <dnalm/models/hyena_config.hpp>
#include <dnalm/models/layer_graph.hpp>
#include <dnalm/models/network_summary.hpp>
#include <dnalm/models/read_config.hpp>

DNALM_BEGIN_NAMESPACE

/// One of the networks that the library builds.
using network_config =
    std::variant<encoder_config, convnet_config, hyena_config, caduceus_config, layer_graph>;

[[nodiscard]] inline network_summary summary_of(const network_config& config) {
  return std::visit([](const auto& kind) { return kind.summary(); }, config);
}

/// The configuration as that of one kind of network. `who` asks: a backend, a loaded network.
/// \throws error [dnalm.unsupported.440] it is of another kind.
template <summarized Config>
[[nodiscard]] const Config& config_as(const network_config& config, std::string_view who) {
  if (const Config* kind = std::get_if<Config>(&config)) return *kind;
  throw error(error_kind::unsupported, 440, "a network of a kind that is not built there",
              {.where = std::string(who),
               .expected = "another backend, or a configuration of the same kind",
               .found = std::string(summary_of(config).architecture)});
}

/// Reads `folder/config.json` and checks it: by read_layer_graph where model_type names one of
/// layer_recipes(), by read_convnet_config where it is `ConvNet`, by read_caduceus_config where it is
/// `caduceus`, by read_hyena_config where has_hyena_config says so, by read_encoder_config otherwise. \throws
/// as these.
[[nodiscard]] network_config read_network_config(const std::filesystem::path& folder);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/models/detail/network_config_impl.hpp>
#endif
