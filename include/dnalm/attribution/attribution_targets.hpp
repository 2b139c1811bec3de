// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What is attributed: linear outputs of a probe on a model, or the model's own logits.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/attribution/sequence_function.hpp>
#include <dnalm/attribution/substitution_function.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/embed/pooling.hpp>
#include <dnalm/models/model.hpp>
#include <dnalm/models/prediction_head.hpp>
#include <dnalm/probe/fitted_probe.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// Means with which sequences run through a model. No number depends on them.
struct run_options {
  int threads = 0;  ///< the calling one among them; 0: all cores
  /// Budget for batches and for what the model keeps of their lengths (model::kept_bytes), bytes; one
  /// sequence always runs.
  index_t memory = index_t{1} << 30;
};

/// Whether a target is the linear output z of a prediction p = m(z), or p.
enum class target_scale { linear, prediction };

/// Rows [first, end) of an output, counted from 0.
struct row_interval {
  index_t first = 0;
  index_t end = 0;
};

/// Which numbers of a model's own predictions are targets.
struct prediction_choice {
  std::string head = {};  ///< its name (prediction_heads); empty: the first
  /// The mean is over these rows, special tokens too; empty: over all but special tokens. Rows of a language
  /// model are tokens, CLS and the like among them.
  std::optional<row_interval> rows = {};
  target_scale scale = target_scale::linear;
};

/// Numbers f_0, ..., f_{C - 1} of a sequence that a model's hidden state or logits determine: their values,
/// and their gradients by that output.
///
/// Of a probe: its linear outputs o = w'x + b (not probabilities), x the pooled hidden state of the probe's
/// layer; the standardisation of the training data is within w and b. Of a model's own predictions: means of
/// columns over rows, of a language model of its logits, of a network of layers of the linear output of a
/// head, z before a last sigmoid, softmax or the like (prediction_head). Immutable.
class attribution_targets {
 public:
  /// Linear outputs of a probe, in the order of `outputs`; empty: all of them. \throws error
  /// [dnalm.usage.802] an output that the probe has not, [dnalm.config.809] a probe that does not fit the
  /// model: layer, width, pooling `tokens`, cls without a CLS token, or a probe on a baseline.
  attribution_targets(model network, const fitted_probe& probe, std::span<const index_t> outputs = {});
  /// Means of columns of a prediction. \throws error [dnalm.usage.802] no column, or one that the head has
  /// not, [dnalm.usage.871] no such head, [dnalm.usage.872] rows that are none.
  [[nodiscard]] static attribution_targets of_logits(model network, std::span<const index_t> columns,
                                                     const prediction_choice& choice = {});

  [[nodiscard]] const model& network() const { return network_; }
  [[nodiscard]] index_t size() const { return static_cast<index_t>(names_.size()); }
  /// `<target>`, `<target>:<class>` of a target with classes; `logit <column>`, `prediction <column>`, behind
  /// the head's name and before the rows where these were chosen. Of a language model `logit` at either
  /// scale: its prediction is its logits.
  [[nodiscard]] const std::string& name(index_t target) const {
    return names_[static_cast<std::size_t>(target)];
  }
  /// What the numbers are, for people: `linear output of a probe`, `what the network's last sigmoid is
  /// applied to`, ...
  [[nodiscard]] const std::string& scale_words() const { return scale_words_; }
  /// Whether the logits of a language model are read; else hidden state `layer`.
  [[nodiscard]] bool reads_logits() const { return layer_ < 0; }
  [[nodiscard]] index_t layer() const { return layer_; }
  [[nodiscard]] pooling kind() const { return kind_; }

  /// Rows of the output that is read, for a sequence of `tokens`. \throws as model::state_rows; error
  /// [dnalm.usage.872] fewer than were chosen.
  [[nodiscard]] index_t output_rows(index_t tokens, const std::string& where = "sequence") const;
  /// \throws error [dnalm.usage.872] an output of so many rows has not all that were chosen.
  void check_rows(index_t rows, const std::string& where) const;
  /// One flag per row of the output, from the tokens of a batch: not part of means (CLS and the like). None
  /// is set where the network resizes.
  [[nodiscard]] std::vector<unsigned char> special_rows(std::span<const std::int32_t> ids,
                                                        const ragged_offsets& rows) const;

  /// values (sequences, C) of the output (rows, columns) of a batch: bitwise what `function` gives.
  void values(matrix_view<const float> output, const ragged_offsets& rows,
              std::span<const unsigned char> special, std::span<double> values) const;
  /// Adds the gradient of f_target by the output: w / n in the n rows of a mean, w in the first row for cls,
  /// for max in the first of the largest rows, channel by channel.
  void add_gradient(index_t target, matrix_view<const float> output, const ragged_offsets& rows,
                    std::span<const unsigned char> special, matrix_view<float> gradient) const;

  /// The same numbers as a function of sequences, by embed(); of predictions of a network of layers by passes
  /// as far as they need. Calling it throws as model::tokenize and output_rows, a sequence_error of the
  /// sequence.
  [[nodiscard]] sequence_function function(const run_options& options = {}) const;
  /// The same numbers of a sequence's substitutions, by what each reaches, and for cls what the first row
  /// reads: with the bits of `function` where the model's edits have those of a pass
  /// (model::edits_are_exact). Calling it throws as function_of_edits.
  [[nodiscard]] substitution_function function_of_substitutions(const edited_options& options = {}) const;

 private:
  attribution_targets(model network, std::vector<index_t> columns)
      : network_(std::move(network)), columns_(std::move(columns)) {}
  [[nodiscard]] std::vector<double> outputs_of(matrix_view<const float> pooled) const;
  /// The rows of a sequence of a batch that its mean may count.
  [[nodiscard]] row_interval chosen_rows(const ragged_offsets& rows, index_t sequence) const;

  model network_;
  std::vector<std::string> names_ = {};
  fitted_probe probe_ = {};            // its rows are the targets; weights only
  std::vector<index_t> columns_ = {};  // of a prediction; empty: a probe's
  index_t layer_ = -1;
  pooling kind_ = pooling::mean;
  std::optional<row_interval> rows_ = {};
  std::string scale_words_ = "linear output of a probe";
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/attribution/detail/attribution_targets_impl.hpp>
#endif
