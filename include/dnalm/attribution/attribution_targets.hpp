// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What is attributed: linear outputs of a probe on a model, or the model's own logits.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <dnalm/attribution/sequence_function.hpp>
#include <dnalm/attribution/substitution_function.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/embed/pooling.hpp>
#include <dnalm/models/model.hpp>
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

/// Numbers f_0, ..., f_{C - 1} of a sequence that a model's hidden state or logits determine: their values,
/// and their gradients by that output.
///
/// Of a probe: its linear outputs o = w'x + b (not probabilities), x the pooled hidden state of the probe's
/// layer; the standardisation of the training data is within w and b. Of logits: the mean of a column over
/// the sequence's tokens (of a network of layers, over the rows of its first prediction). Immutable.
class attribution_targets {
 public:
  /// Linear outputs of a probe, in the order of `outputs`; empty: all of them. \throws error
  /// [dnalm.usage.802] an output that the probe has not, [dnalm.config.809] a probe that does not fit the
  /// model: layer, width, pooling `tokens`, cls without a CLS token, or a probe on a baseline.
  attribution_targets(model network, const fitted_probe& probe, std::span<const index_t> outputs = {});
  /// Means of columns of the logits. \throws error [dnalm.usage.802] no column, or one that the logits have
  /// not.
  [[nodiscard]] static attribution_targets of_logits(model network, std::span<const index_t> columns);

  [[nodiscard]] const model& network() const { return network_; }
  [[nodiscard]] index_t size() const { return static_cast<index_t>(names_.size()); }
  /// `<target>`, `<target>:<class>` of a target with classes, `logit <column>`.
  [[nodiscard]] const std::string& name(index_t target) const {
    return names_[static_cast<std::size_t>(target)];
  }
  /// Whether the logits are read; else hidden state `layer`.
  [[nodiscard]] bool reads_logits() const { return layer_ < 0; }
  [[nodiscard]] index_t layer() const { return layer_; }
  [[nodiscard]] pooling kind() const { return kind_; }

  /// Rows of the output that is read, for a sequence of `tokens`.
  [[nodiscard]] index_t output_rows(index_t tokens, const std::string& where = "sequence") const {
    return network_.state_rows(reads_logits() ? network_.logits_state() : layer_, tokens, where);
  }
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

  /// The same numbers as a function of sequences, by embed().
  [[nodiscard]] sequence_function function(const run_options& options = {}) const;
  /// The same numbers of a sequence's substitutions, by what each reaches, and for cls what the first row
  /// reads: with the bits of `function` where the model's edits have those of a pass
  /// (model::edits_are_exact). Calling it throws as function_of_edits.
  [[nodiscard]] substitution_function function_of_substitutions(const edited_options& options = {}) const;

 private:
  attribution_targets(model network, std::vector<std::string> names)
      : network_(std::move(network)), names_(std::move(names)) {}
  [[nodiscard]] std::vector<double> outputs_of(matrix_view<const float> pooled) const;

  model network_;
  std::vector<std::string> names_;
  fitted_probe probe_ = {};            // its rows are the targets; weights only
  std::vector<index_t> columns_ = {};  // of logits
  index_t layer_ = -1;
  pooling kind_ = pooling::mean;
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/attribution/detail/attribution_targets_impl.hpp>
#endif
