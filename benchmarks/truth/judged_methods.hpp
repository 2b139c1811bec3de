// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The attribution methods that are held against planted motifs: those of dnalm-attribute that explain
/// a target, with the settings that matter, and in-silico mutagenesis behind a screen.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/attribution/attribution_targets.hpp>
#include <dnalm/attribution/map_transforms.hpp>
#include <dnalm/attribution/model_gradients.hpp>
#include <dnalm/attribution/substitution_effects.hpp>
#include <dnalm/io/sequence_record.hpp>

#include "../../examples/support/attribution_methods.hpp"

namespace dnalm_bench {

using dnalm::index_t;

/// What a method does beside what dnalm-attribute does.
enum class judged_as {
  drawn,    ///< as dnalm-attribute draws it: one number a base, of the observed letter or its change
  size,     ///< the sum of the sizes of all four letters' numbers
  screened  ///< in-silico mutagenesis of a tenth of the edits, first-order effects elsewhere, `mean4`
};

struct judged_method {
  std::string name = {};
  program::method_options options = {};
  judged_as reading = judged_as::drawn;
};

/// How much sampling methods sample.
struct judged_effort {
  index_t samples = 50;     ///< of noise, and of expected gradients
  index_t replicates = 20;  ///< shuffles that stand as references
  std::uint64_t seed = 1;
};

inline std::vector<judged_method> judged_methods(const judged_effort& effort) {
  std::vector<judged_method> methods;
  const auto add = [&](const std::string& name, const std::string& method, const std::string& baseline,
                       judged_as reading = judged_as::drawn) -> program::method_options& {
    methods.push_back({name, {}, reading});
    program::method_options& options = methods.back().options;
    options.method = method;
    options.baseline = baseline;
    options.samples = effort.samples;
    options.replicates = effort.replicates;
    options.seed = effort.seed;
    options.run.threads = 1;
    return options;
  };
  add("saliency_size", "saliency", "", judged_as::size);
  add("input_x_gradient", "input_x_gradient", "");
  add("input_x_gradient_corrected", "input_x_gradient", "").corrected = true;
  add("embedding_saliency", "embedding_saliency", "");
  add("smooth_grad", "smooth_grad", "");
  add("smooth_grad_corrected", "smooth_grad", "").corrected = true;
  add("integrated_gradients_zero", "integrated_gradients", "zero");
  add("integrated_gradients_uniform", "integrated_gradients", "uniform");
  add("expected_gradients_shuffles", "expected_gradients", "shuffles");
  add("deep_lift_zero", "deep_lift_shap", "zero");
  add("deep_lift_uniform", "deep_lift_shap", "uniform");
  add("deep_lift_shap_shuffles", "deep_lift_shap", "shuffles");
  add("ism_raw_size", "ism", "", judged_as::size).centring = "raw";
  add("ism_mean4", "ism", "").centring = "mean4";
  add("ism_mean3", "ism", "").centring = "mean3";
  add("ism_screened", "ism", "", judged_as::screened);
  return methods;
}

/// What a method says of some sequences.
struct judged_result {
  std::vector<std::vector<double>> numbers = {};  ///< by sequence, one a base
  /// The largest |sum of contributions - (f(x) - f(baseline))| / max(1, |f(x) - f(baseline)|); NaN of methods
  /// whose numbers need not add up to anything.
  double residual = std::nan("");
};

namespace detail {

/// Rows of in-silico mutagenesis that computes a tenth of the edits: those of largest first-order effect.
inline std::vector<dnalm::attribution_row> screened_rows(const dnalm::attribution_targets& targets,
                                                         const std::vector<std::string>& sequences) {
  const dnalm::run_options one_thread{.threads = 1};
  const auto gradients = saliency(dnalm::nucleotide_function(targets, one_thread), sequences);
  const auto f = targets.function(one_thread);
  std::vector<dnalm::attribution_row> rows(sequences.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string& x = sequences[i];
    const std::vector<dnalm::nucleotide_map> guess = {first_order_effects(gradients[i].map, x)};
    const auto edits = static_cast<index_t>(3 * x.size());
    const auto found = screen_substitution_effects(x, f, guess, edits / 10);
    rows[i].attributions = centred(found.effects[0], x, dnalm::effect_centring::mean4);
  }
  return rows;
}

inline std::vector<dnalm::io::sequence_record> records_of(const std::vector<std::string>& sequences) {
  std::vector<dnalm::io::sequence_record> records;
  for (const std::string& sequence : sequences) {
    const auto number = static_cast<index_t>(records.size());
    records.push_back({.name = "planted_" + std::to_string(number), .sequence = sequence, .number = number});
  }
  return records;
}

inline double sum_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum;
}

}  // namespace detail

/// Runs a method. Sequence i has the number i where something is drawn.
inline judged_result run_method(const judged_method& method, const dnalm::attribution_targets& targets,
                                const std::vector<std::string>& sequences) {
  const auto made = program::make_method(method.options, targets.network(), targets);
  auto rows = method.reading == judged_as::screened ? detail::screened_rows(targets, sequences)
                                                    : made.rows(detail::records_of(sequences));
  judged_result result;
  if (made.members.convergence_delta) result.residual = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].sequence = sequences[i];
    std::vector<double> numbers = program::numbers_of_bases(rows[i], made.reading);
    const dnalm::nucleotide_map& map = rows[i].attributions;
    if (method.reading == judged_as::size) {
      for (index_t p = 0; p < map.length; ++p) {
        double& number = numbers[static_cast<std::size_t>(p)];
        number = 0;
        for (index_t a = 0; a < 4; ++a) number += std::abs(map(a, p));
      }
    }
    result.numbers.push_back(std::move(numbers));
    if (!made.members.convergence_delta) continue;
    const double delta = rows[i].convergence_delta;
    const double difference = detail::sum_of(map.values) - delta;
    result.residual = std::max(result.residual, std::abs(delta) / std::max(1.0, std::abs(difference)));
  }
  return result;
}

}  // namespace dnalm_bench
