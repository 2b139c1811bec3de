// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Rows of values in a network of layers that nobody reads, and that are therefore not computed.
///
/// A network that crops its last value (SpliceAI: 5,000 rows on either side) needs of a value before it only
/// what the convolutions between them still read. What is left is the same sums, where rows are
/// made in twos (pack_convolution) up to the rounding of who is paired with whom.
#pragma once

#include <algorithm>
#include <limits>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/models/layer_graph.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Rows of a value that are left out, of every sequence.
struct row_trim {
  index_t before = 0;  ///< the first ones
  index_t behind = 0;  ///< the last ones

  /// Rows of a value with `rows`, none where all would be left out.
  [[nodiscard]] index_t of(index_t rows) const { return std::max<index_t>(rows - before - behind, 0); }
};

/// Finds the trims of all values. Steps have `kind`, `node`, `inputs`, `residual` and `output`.
class trim_finder {
 public:
  trim_finder(const layer_graph& graph, const graph_shapes& shapes)
      : shapes_(shapes), trims_(graph.nodes.size() + 1, row_trim{nobody, nobody}) {
    trims_[0] = {};
    for (const index_t value : graph.seen_values()) of(value) = {};
  }
  /// From the last step to the first, until nothing changes; of a graph whose trims shrink from round to
  /// round every row is computed. Values that no step makes have no rows.
  template <class Step>
  [[nodiscard]] std::vector<row_trim> find(const std::vector<Step>& steps) {
    constexpr int most_rounds = 32;
    for (int round = 0; round < most_rounds; ++round) {
      changed_ = false;
      for (auto step = steps.rbegin(); step != steps.rend(); ++step) visit(*step);
      if (!changed_) return std::move(trims_);
    }
    return std::vector<row_trim>(trims_.size());
  }

 private:
  static constexpr index_t nobody = std::numeric_limits<index_t>::max() / 4;

  [[nodiscard]] row_trim& of(index_t value) { return trims_[static_cast<std::size_t>(value)]; }
  void need(index_t value, row_trim trim) {
    row_trim& known = of(value);
    changed_ = changed_ || trim.before < known.before || trim.behind < known.behind;
    known = {std::min(known.before, trim.before), std::min(known.behind, trim.behind)};
  }
  template <class Step>
  void visit(const Step& step) {
    const layer_node& node = *step.node;
    if (of(step.output).before == nobody) need(step.output, {});
    if (moves_rows(node, step.kind)) {
      const row_trim made = of(step.output);
      const row_trim read = {made.before - node.before, made.behind - node.after};
      const bool plain = node.stride == 1;
      need(step.inputs[0],
           plain ? row_trim{std::max<index_t>(read.before, 0), std::max<index_t>(read.behind, 0)}
                 : row_trim{});
    } else if (keeps_rows(step.kind)) {
      for (const index_t input : step.inputs) {
        if (!is_repeated(node, step.kind, input)) need(step.output, of(input));
      }
      for (const index_t input : step.inputs) {
        need(input, is_repeated(node, step.kind, input) ? row_trim{} : of(step.output));
      }
    } else {
      need(step.output, {});
      for (const index_t input : step.inputs) need(input, {});
    }
    if (step.residual >= 0) need(step.residual, of(step.output));
  }
  /// Operations whose output may have other trims than their input.
  [[nodiscard]] static bool moves_rows(const layer_node& node, layer_kind kind) {
    return kind == layer_kind::convolution || kind == layer_kind::depthwise ||
           (kind == layer_kind::place && !node.window.same);
  }
  /// Operations that make each row of one row of each input: all have the same trims.
  [[nodiscard]] static bool keeps_rows(layer_kind kind) {
    switch (kind) {
      case layer_kind::dense:
      case layer_kind::batch_norm:
      case layer_kind::function:
      case layer_kind::threshold:
      case layer_kind::softmax:
      case layer_kind::scale:
      case layer_kind::layer_norm:
      case layer_kind::add:
      case layer_kind::multiply:
      case layer_kind::join_channels: return true;
      default: return false;
    }
  }
  /// Whether an input is one row for all rows of the other.
  [[nodiscard]] bool is_repeated(const layer_node& node, layer_kind kind, index_t input) const {
    if (kind != layer_kind::add && kind != layer_kind::multiply) return false;
    return input == node.inputs[1] && shapes_.single(input) && !shapes_.single(node.inputs[0]);
  }

  const graph_shapes& shapes_;
  std::vector<row_trim> trims_;
  bool changed_ = false;
};

/// The trims of all values; the steps' taps, and what is added to them, count from rows that are there.
template <class Step>
[[nodiscard]] std::vector<row_trim> trim_rows(const layer_graph& graph, const graph_shapes& shapes,
                                              std::vector<Step>& steps) {
  const std::vector<row_trim> trims = trim_finder(graph, shapes).find(steps);
  const auto of = [&](index_t value) { return trims[static_cast<std::size_t>(value)]; };
  for (Step& step : steps) {
    const row_trim made = of(step.output);
    step.taps.before += of(step.inputs[0]).before - made.before * step.taps.stride;
    if (step.residual < 0) continue;
    step.residual_before = of(step.residual).before - made.before;
    step.crops_residual = step.residual_before != 0 || of(step.residual).behind != made.behind;
  }
  return trims;
}

}  // namespace detail
DNALM_END_NAMESPACE
