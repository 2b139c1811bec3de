// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/load_model.hpp.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include <dnalm/cpu/pack_cache.hpp>
#include <dnalm/models/backends.hpp>
#include <dnalm/models/checkpoint_source.hpp>
#include <dnalm/models/layer_recipe.hpp>
#include <dnalm/models/load_model.hpp>
#include <dnalm/models/model_tokenizer.hpp>
#include <dnalm/models/random_source.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

inline void require_folder(const std::filesystem::path& folder) {
  std::error_code code;
  if (std::filesystem::is_directory(folder, code)) return;
  throw error(error_kind::io, 419, "the model folder cannot be read",
              {.where = folder.string(),
               .expected = "a folder with config.json and weights",
               .found = code ? code.message() : "no folder"});
}

/// The last part of a path that names something.
[[nodiscard]] inline std::string folder_name(const std::filesystem::path& folder) {
  const std::filesystem::path clean = std::filesystem::absolute(folder).lexically_normal();
  return clean.has_filename() ? clean.filename().string() : clean.parent_path().filename().string();
}

[[nodiscard]] inline model_description describe_folder(const std::filesystem::path& folder,
                                                       const network_config& config,
                                                       const std::vector<planned_tensor>& plan,
                                                       const load_options& options) {
  model_description about;
  about.name = folder_name(folder);
  about.folder = folder;
  about.backend = options.maker.make ? options.maker.name : std::string(to_string(options.backend));
  about.weights = options.weights;
  about.config = config;
  about.parameters = count_parameters(plan);
  about.tokens = load_model_tokenizer(folder, config, options.unknown);
  about.max_tokens = token_limit(config, about.tokens);
  return about;
}

/// The network of a configuration on a backend in host memory.
template <class B>
[[nodiscard]] std::shared_ptr<const model_base> make_network(const B& backend, const network_config& config,
                                                             const weight_source& source, int threads) {
  return std::visit(
      [&]<class Config>(const Config& kind) -> std::shared_ptr<const model_base> {
        using built = network_of<Config, B>;
        return std::make_shared<const model_of<built>>(built(backend, kind, source, threads));
      },
      config);
}

[[nodiscard]] inline std::shared_ptr<const model_base> build(const network_config& config,
                                                             const weight_source& source,
                                                             const load_options& options) {
  if (options.maker.make) return options.maker.make(config, source, options.threads);
  if (options.backend == backend_kind::reference) {
    if (options.weights != weight_format::f32) {
      throw error(error_kind::unsupported, 416, "the reference backend keeps weights as they are",
                  {.expected = "f32", .found = std::string(to_string(options.weights))});
    }
    return make_network(reference_backend(), config, source, options.threads);
  }
  return make_network(cpu_backend(options.weights), config, source, options.threads);
}

/// The cache that the options ask for. Opened before the files of the model are read: when another process
/// replaces them meanwhile, newer numbers are kept under an older fingerprint, which fits no later load.
[[nodiscard]] inline std::optional<pack_cache> open_packs(const std::filesystem::path& folder,
                                                          const load_options& options) {
  const bool packs = options.backend == backend_kind::cpu && !options.maker.make;
  if (options.pack_cache.empty() || !packs) return std::nullopt;
  std::vector<std::filesystem::path> sources = open_model_weights(folder, options.access).files();
  sources.push_back(folder / "config.json");
  return std::optional<pack_cache>(std::in_place, options.pack_cache, folder, sources, options.weights,
                                   options.access);
}

/// A description of random weights.
[[nodiscard]] inline model_description twin_of(model_description about) {
  about.name = "random:" + about.name;
  return about;
}

}  // namespace detail

DNALM_INLINE model load_model(const std::filesystem::path& folder, const load_options& options) {
  detail::require_folder(folder);
  std::optional<pack_cache> packs = detail::open_packs(folder, options);
  const network_config config = read_network_config(folder);
  const std::vector<planned_tensor> plan = plan_tensors(config);
  model_description about = detail::describe_folder(folder, config, plan, options);
  checkpoint_source source(open_model_weights(folder, options.access), plan, folder.string());
  if (packs) source.keep_packs(&*packs);
  std::shared_ptr<const model_base> base = detail::build(config, source, options);
  if (packs) packs->save();
  return {std::move(base), std::move(about)};
}

DNALM_INLINE model random_twin(const std::filesystem::path& folder, std::uint64_t seed,
                               const load_options& options) {
  detail::require_folder(folder);
  const network_config config = read_network_config(folder);
  model_description about = detail::describe_folder(folder, config, plan_tensors(config), options);
  return {detail::build(config, random_source(seed, summary_of(config).initializer_range), options),
          detail::twin_of(std::move(about))};
}

DNALM_INLINE model random_twin(const model& original, std::uint64_t seed, int threads) {
  const model_description& about = original.describe();
  const random_source source(seed, about.summary().initializer_range);
  return {original.remade(about.config, source, threads), detail::twin_of(about)};
}

DNALM_END_NAMESPACE
