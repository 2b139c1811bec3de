// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of attribution/model_gradients.hpp.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <dnalm/attribution/detail/gradient_batches.hpp>
#include <dnalm/attribution/model_gradients.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// What stands behind nucleotide_function.
struct nucleotide_gradients {
  attribution_targets targets;
  nucleotide_input input;
  run_options options;
  mutable workspace_store workspaces;

  nucleotide_gradients(attribution_targets what, nucleotide_input how, const run_options& means)
      : targets(std::move(what)),
        input(std::move(how)),
        options(means),
        workspaces(!targets.network().prefers().pooled) {}

  void evaluate(std::span<const relaxed_point> points, std::span<double> values,
                std::span<nucleotide_weights> gradients) const {
    gradient_work work;
    std::vector<nucleotide_layout> layouts;
    layouts.reserve(points.size());
    for (std::size_t i = 0; i < points.size(); ++i) {
      work.numbers.push_back(points[i].number_at(i));
      layouts.push_back(about_sequence(work.numbers.back(), [&](const std::string& where) {
        return input.layout(points[i].sequence, where);
      }));
      work.tokens = work.tokens || input.needs_tokens(layouts[i], points[i].weights);
    }
    for (const nucleotide_layout& layout : layouts) work.ids.push_back(layout.tokens.ids);
    work.rows = [&](std::size_t item, matrix_view<float> rows) {
      input.rows(layouts[item], points[item].weights, rows);
    };
    if (!gradients.empty()) {
      const index_t columns = targets.size();
      work.receive = [&, columns](std::size_t item, index_t target, matrix_view<const float> words,
                                  matrix_view<const float> tokens) {
        const auto place = static_cast<index_t>(item) * columns + target;
        input.gradient(layouts[item], points[item].weights, words, tokens,
                       gradients[static_cast<std::size_t>(place)]);
      };
    } else {
      work.tokens = false;
    }
    run_gradients(targets, work, options, values, workspaces);
  }
};

}  // namespace detail

DNALM_INLINE relaxed_function nucleotide_function(const attribution_targets& targets,
                                                  const run_options& options) {
  auto all = std::make_shared<const detail::nucleotide_gradients>(
      targets, nucleotide_input(targets.network()), options);
  all->input.require_nucleotides();
  relaxed_function result{.outputs = targets.size()};
  result.unknown_token = all->input.unknown_token();
  result.mask_token = all->input.mask_token();
  result.evaluate = [all](std::span<const relaxed_point> points, std::span<double> values,
                          std::span<nucleotide_weights> gradients) {
    all->evaluate(points, values, gradients);
  };
  return result;
}

DNALM_END_NAMESPACE
