// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A model folder on the float backend, with the weights kept in a chosen format.
#pragma once

#include <filesystem>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

#include <dnalm/io/checkpoint.hpp>
#include <dnalm/models/backends.hpp>
#include <dnalm/models/checkpoint_source.hpp>
#include <dnalm/models/model.hpp>
#include <dnalm/models/model_tokenizer.hpp>

namespace dnalm_bench {

/// What `load_model` knows of the folder, but for its weights.
inline dnalm::model_description describe(const std::filesystem::path& folder,
                                         const dnalm::network_config& config,
                                         const std::vector<dnalm::planned_tensor>& plan) {
  dnalm::model_description about;
  about.name = folder.filename().string();
  about.folder = folder;
  about.backend = "cpu";
  about.config = config;
  about.parameters = dnalm::count_parameters(plan);
  about.tokens = dnalm::load_model_tokenizer(folder, config, dnalm::unknown_policy::error);
  about.max_tokens = dnalm::token_limit(config, about.tokens);
  return about;
}

/// Whether a backend has the kernels of a kind of network.
template <class Config, class Backend>
constexpr bool is_built_on =
    (!std::is_same_v<Config, dnalm::caduceus_config> ||
     dnalm::caduceus_backend<Backend>)&&(!std::is_same_v<Config, dnalm::layer_graph> ||
                                         dnalm::layer_backend<Backend>);

/// As load_model does it, on a backend of any kind: the networks that it can run, else error
/// dnalm.unsupported.440.
template <class Backend>
dnalm::model load_on(const std::filesystem::path& folder, Backend backend) {
  const dnalm::network_config config = dnalm::read_network_config(folder);
  const auto plan = dnalm::plan_tensors(config);
  dnalm::model_description about = describe(folder, config, plan);
  const dnalm::checkpoint_source source(dnalm::io::checkpoint::open(folder), plan, folder.string());
  auto base = std::visit(
      [&]<class Config>(const Config& kind) -> std::shared_ptr<const dnalm::model_base> {
        if constexpr (is_built_on<Config, Backend>) {
          using network = dnalm::network_of<Config, Backend>;
          return std::make_shared<const dnalm::model_of<network>>(network(std::move(backend), kind, source));
        } else {
          static_cast<void>(dnalm::config_as<dnalm::encoder_config>(config, backend.name()));
          return nullptr;
        }
      },
      config);
  return {std::move(base), std::move(about)};
}

}  // namespace dnalm_bench
