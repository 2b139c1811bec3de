// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Rows of values in a network of layers that nobody reads, and that are therefore not computed.
///
/// A network that crops its last value (SpliceAI: 5,000 rows on either side) needs of a value before it only
/// what the convolutions between them still read. The numbers that are left are the same bits.
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

/// Finds the trims of all values from the last step to the first. Steps have `kind`, `node`, `inputs`,
/// `residual` and `output`.
class trim_finder {
 public:
  trim_finder(const layer_graph& graph, const graph_shapes& shapes)
      : shapes_(shapes), trims_(graph.nodes.size() + 1, row_trim{nobody, nobody}) {
    trims_[0] = {};
    for (index_t state = 1; state <= graph.results(); ++state) of(graph.result(state).value) = {};
  }
  /// The steps that read what this one makes are known.
  template <class Step>
  void add(const Step& step) {
    row_trim& made = of(step.output);
    if (!is_cut_by_rows(*step.node, step.kind) || made.before == nobody) made = {};
    if (step.residual >= 0) need(step.residual, made);
    for (std::size_t i = 0; i < step.inputs.size(); ++i) {
      need(step.inputs[i], read_by(*step.node, step.kind, i, made));
    }
  }
  /// Values that no step makes have no rows.
  [[nodiscard]] std::vector<row_trim> take() { return std::move(trims_); }

 private:
  static constexpr index_t nobody = std::numeric_limits<index_t>::max() / 4;

  [[nodiscard]] row_trim& of(index_t value) { return trims_[static_cast<std::size_t>(value)]; }
  void need(index_t value, row_trim trim) {
    of(value).before = std::min(of(value).before, trim.before);
    of(value).behind = std::min(of(value).behind, trim.behind);
  }
  /// Whether an operation can make some of its rows alone.
  [[nodiscard]] static bool is_cut_by_rows(const layer_node& node, layer_kind kind) {
    switch (kind) {
      case layer_kind::place: return !node.window.same;
      case layer_kind::convolution:
      case layer_kind::depthwise:
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
  /// What input `i` need not have when rows of the output are left out.
  [[nodiscard]] row_trim read_by(const layer_node& node, layer_kind kind, std::size_t i,
                                 row_trim made) const {
    if (!is_cut_by_rows(node, kind)) return {};
    if (kind == layer_kind::convolution || kind == layer_kind::depthwise || kind == layer_kind::place) {
      if (node.stride != 1) return {};
      return {std::max<index_t>(made.before - node.before, 0),
              std::max<index_t>(made.behind - node.after, 0)};
    }
    if (kind == layer_kind::add || kind == layer_kind::multiply) {
      const bool repeated = shapes_.single(node.inputs[1]) && !shapes_.single(node.inputs[0]);
      if (repeated && i == 1) return {};
    }
    return made;
  }

  const graph_shapes& shapes_;
  std::vector<row_trim> trims_;
};

/// The trims of all values; the steps' taps count from rows that are there.
template <class Step>
[[nodiscard]] std::vector<row_trim> trim_rows(const layer_graph& graph, const graph_shapes& shapes,
                                              std::vector<Step>& steps) {
  trim_finder finder(graph, shapes);
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) finder.add(*step);
  std::vector<row_trim> trims = finder.take();
  for (Step& step : steps) {
    if (step.inputs.empty()) continue;
    const index_t read = trims[static_cast<std::size_t>(step.inputs[0])].before;
    const index_t made = trims[static_cast<std::size_t>(step.output)].before;
    step.taps.before += read - made * step.taps.stride;
  }
  return trims;
}

}  // namespace detail
DNALM_END_NAMESPACE
