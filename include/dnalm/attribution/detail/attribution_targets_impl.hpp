// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of attribution/attribution_targets.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/attribution/attribution_targets.hpp>
#include <dnalm/attribution/detail/read_edits.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/embed/embeddings.hpp>
#include <dnalm/tensor/buffer.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// \throws error [dnalm.usage.802].
[[noreturn]] inline void refuse_target(const std::string& where, index_t outputs, const std::string& found) {
  throw error(error_kind::usage, 802, "no such target",
              {.where = where,
               .expected = outputs > 0 ? "0 to " + std::to_string(outputs - 1) : "at least one target",
               .found = found});
}

inline void check_targets(std::span<const index_t> asked, index_t outputs, const std::string& where) {
  for (const index_t target : asked) {
    if (target < 0 || target >= outputs) refuse_target(where, outputs, std::to_string(target));
  }
}

/// \throws error [dnalm.config.809].
[[noreturn]] inline void refuse_probe(const fitted_probe& probe, const std::string& expected,
                                      const std::string& found) {
  throw error(error_kind::config, 809, "the probe does not fit the model",
              {.where = "probe on " + probe.model, .expected = expected, .found = found});
}

/// The pooling of a probe that has one for this model.
[[nodiscard]] inline pooling check_probe(const model& network, const fitted_probe& probe) {
  const model_description& about = network.describe();
  if (probe.layer < 0 || probe.layer > about.layers()) {
    refuse_probe(probe, "a layer from 0 to " + std::to_string(about.layers()), std::to_string(probe.layer));
  }
  if (probe.width != network.state_width(probe.layer)) {
    refuse_probe(probe, "vectors of " + std::to_string(network.state_width(probe.layer)) + " numbers",
                 std::to_string(probe.width));
  }
  const index_t numbers = checked_mul(probe.width, probe.outputs());
  if (static_cast<index_t>(probe.weights.size()) != numbers) {
    refuse_probe(probe, std::to_string(numbers) + " weights", std::to_string(probe.weights.size()));
  }
  for (const pooling kind : {pooling::mean, pooling::mean_all, pooling::max, pooling::cls}) {
    if (probe.pooling != to_string(kind)) continue;
    if (kind == pooling::cls && !about.has_cls()) refuse_probe(probe, "a model with a CLS token", about.name);
    return kind;
  }
  refuse_probe(probe, "pooling mean, mean_all, max or cls", probe.pooling);
}

/// `<target>` or `<target>:<class>` by output of a probe.
[[nodiscard]] inline std::vector<std::string> output_names(const fitted_probe& probe) {
  std::vector<std::string> names(static_cast<std::size_t>(probe.outputs()));
  for (std::size_t o = 0; o < names.size(); ++o) names[o] = "output " + std::to_string(o);
  for (const probe_target& target : probe.targets) {
    for (index_t o = 0; o < target.outputs; ++o) {
      const index_t at = target.first_output + o;
      if (at < 0 || at >= probe.outputs()) continue;
      std::string& name = names[static_cast<std::size_t>(at)];
      name = target.name;
      if (target.outputs < 2) continue;
      const auto label = static_cast<std::size_t>(o);
      const double value = label < target.classes.size() ? target.classes[label] : static_cast<double>(o);
      name += ":" + std::to_string(static_cast<long long>(value));
    }
  }
  return names;
}

/// Rows of a sequence that its mean is over.
[[nodiscard]] inline index_t counted_rows(std::span<const unsigned char> special, index_t first, index_t rows,
                                          bool all) {
  if (all) return rows;
  const auto begin = special.begin() + first;
  return static_cast<index_t>(std::count(begin, begin + rows, static_cast<unsigned char>(0)));
}

}  // namespace detail

DNALM_INLINE attribution_targets::attribution_targets(model network, const fitted_probe& probe,
                                                      std::span<const index_t> outputs)
    : network_(std::move(network)), layer_(probe.layer), kind_(detail::check_probe(network_, probe)) {
  std::vector<index_t> chosen(outputs.begin(), outputs.end());
  if (chosen.empty()) {
    for (index_t o = 0; o < probe.outputs(); ++o) chosen.push_back(o);
  }
  if (chosen.empty()) detail::refuse_target("probe on " + probe.model, 0, "none");
  detail::check_targets(chosen, probe.outputs(), "probe on " + probe.model);
  const std::vector<std::string> names = detail::output_names(probe);
  probe_.model = probe.model;
  probe_.layer = probe.layer;
  probe_.width = probe.width;
  for (const index_t o : chosen) {
    names_.push_back(names[static_cast<std::size_t>(o)]);
    const auto first = probe.weights.begin() + o * probe.width;
    probe_.weights.insert(probe_.weights.end(), first, first + probe.width);
    probe_.intercept.push_back(probe.intercept[static_cast<std::size_t>(o)]);
  }
}

DNALM_INLINE attribution_targets attribution_targets::of_logits(model network,
                                                                std::span<const index_t> columns) {
  const index_t width = network.describe().summary().logits_width();
  const std::string where = "logits of " + network.describe().name;
  if (columns.empty()) detail::refuse_target(where, 0, "none");
  detail::check_targets(columns, width, where);
  std::vector<std::string> names;
  for (const index_t column : columns) names.push_back("logit " + std::to_string(column));
  attribution_targets result(std::move(network), std::move(names));
  result.columns_.assign(columns.begin(), columns.end());
  return result;
}

DNALM_INLINE std::vector<unsigned char> attribution_targets::special_rows(std::span<const std::int32_t> ids,
                                                                          const ragged_offsets& rows) const {
  std::vector<unsigned char> flags(static_cast<std::size_t>(rows.rows()), 0);
  const model_description& about = network_.describe();
  if (about.summary().resizes || !about.tokens) return flags;
  for (std::size_t i = 0; i < flags.size(); ++i) {
    flags[i] = about.tokens->special().is_special(ids[i]) ? 1 : 0;
  }
  return flags;
}

DNALM_INLINE std::vector<double> attribution_targets::outputs_of(matrix_view<const float> pooled) const {
  return linear_outputs(probe_, pooled);
}

DNALM_INLINE void attribution_targets::values(matrix_view<const float> output, const ragged_offsets& rows,
                                              std::span<const unsigned char> special,
                                              std::span<double> values) const {
  const index_t sequences = rows.sequences();
  if (!reads_logits()) {
    matrix<float> pooled(sequences, output.columns);
    pool_sequences(kind_, output, rows, {special.data(), static_cast<index_t>(special.size())}, 0,
                   pooled.view());
    const std::vector<double> found = outputs_of(pooled.view());
    std::copy(found.begin(), found.end(), values.begin());
    return;
  }
  std::size_t at = 0;
  for (index_t s = 0; s < sequences; ++s) {
    for (const index_t column : columns_) {
      double sum = 0;
      index_t count = 0;
      for (index_t r = rows.begin(s); r < rows.begin(s + 1); ++r) {
        if (special[static_cast<std::size_t>(r)] != 0) continue;
        sum += static_cast<double>(output(r, column));
        ++count;
      }
      values[at++] = sum / static_cast<double>(count);
    }
  }
}

DNALM_INLINE void attribution_targets::add_gradient(index_t target, matrix_view<const float> output,
                                                    const ragged_offsets& rows,
                                                    std::span<const unsigned char> special,
                                                    matrix_view<float> gradient) const {
  const auto counts = [&](index_t r) {
    return kind_ == pooling::mean_all || special[static_cast<std::size_t>(r)] == 0;
  };
  const double* weights = reads_logits() ? nullptr : probe_.weights.data() + target * probe_.width;
  const index_t column = reads_logits() ? columns_[static_cast<std::size_t>(target)] : -1;
  for (index_t s = 0; s < rows.sequences(); ++s) {
    const index_t first = rows.begin(s);
    const index_t last = rows.begin(s + 1);
    if (kind_ == pooling::cls) {
      for (index_t c = 0; c < output.columns; ++c) gradient(first, c) += static_cast<float>(weights[c]);
      continue;
    }
    if (kind_ == pooling::max) {
      for (index_t c = 0; c < output.columns; ++c) {
        index_t largest = -1;
        for (index_t r = first; r < last; ++r) {
          if (counts(r) && (largest < 0 || output(r, c) > output(largest, c))) largest = r;
        }
        if (largest >= 0) gradient(largest, c) += static_cast<float>(weights[c]);
      }
      continue;
    }
    const index_t n = detail::counted_rows(special, first, last - first, kind_ == pooling::mean_all);
    const double share = 1.0 / static_cast<double>(n);
    for (index_t r = first; r < last; ++r) {
      if (!counts(r)) continue;
      if (column >= 0) {
        gradient(r, column) += static_cast<float>(share);
        continue;
      }
      for (index_t c = 0; c < output.columns; ++c) gradient(r, c) += static_cast<float>(share * weights[c]);
    }
  }
}

namespace detail {

/// Values of targets that read logits, block by block: logits are not kept.
class logit_values final : public embedding_sink {
 public:
  logit_values(const attribution_targets& targets, std::span<double> values)
      : targets_(targets), values_(values) {}
  void begin(const embedding_shape&) override {}
  void consume(index_t first, const embedding_block& block) override {
    const ragged_offsets& rows = block.rows_of_logits();
    const auto special = targets_.special_rows(block.ids, rows);
    const auto columns = static_cast<std::size_t>(targets_.size());
    const std::span<double> own = values_.subspan(static_cast<std::size_t>(first) * columns,
                                                  static_cast<std::size_t>(block.sequences) * columns);
    targets_.values(block.logits.view(), rows, special, own);
  }

 private:
  const attribution_targets& targets_;
  std::span<double> values_;
};

}  // namespace detail

DNALM_INLINE sequence_function attribution_targets::function(const run_options& options) const {
  sequence_function result{.outputs = size()};
  result.evaluate = [targets = *this, options](std::span<const std::string> sequences,
                                               std::span<double> values) {
    embed_options how{
        .layers = targets.reads_logits() ? layer_selection::none() : layer_selection{targets.layer()},
        .poolings = {targets.kind()},
        .logits = targets.reads_logits(),
        .threads = options.threads,
        .memory = options.memory};
    if (targets.reads_logits()) {
      std::vector<io::sequence_record> records(sequences.size());
      for (std::size_t i = 0; i < records.size(); ++i) {
        records[i].name = std::to_string(i + 1);
        records[i].sequence = sequences[i];
        records[i].number = static_cast<index_t>(i);
      }
      detail::logit_values sink(targets, values);
      embed(targets.network(), records, how, sink);
      return;
    }
    const embeddings found = embed(targets.network(), sequences, how);
    const std::vector<double> outputs =
        targets.outputs_of(as_matrix(found.at(targets.kind(), targets.layer())));
    std::copy(outputs.begin(), outputs.end(), values.begin());
  };
  return result;
}

namespace detail {

/// Values of targets for the rows of some edited sequences.
inline void read_targets(const attribution_targets& targets, std::span<const std::int32_t> ids,
                         std::span<const token_edit> edits, matrix_view<const float> rows,
                         std::span<double> values) {
  const index_t each = rows.rows / static_cast<index_t>(edits.size());
  ragged_offsets offsets;
  std::vector<std::int32_t> tokens;
  for (const token_edit& edit : edits) {
    offsets.append(each);
    const std::size_t first = tokens.size();
    tokens.insert(tokens.end(), ids.begin(), ids.end());
    tokens[first + static_cast<std::size_t>(edit.token)] = edit.id;
    // Of the first row alone only its token.
    if (targets.kind() == pooling::cls && !targets.reads_logits()) tokens.resize(first + 1);
  }
  targets.values(rows, offsets, targets.special_rows(tokens, offsets), values);
}

}  // namespace detail

DNALM_INLINE substitution_function
attribution_targets::function_of_substitutions(const edited_options& options) const {
  read_output output{.state = layer(), .logits = reads_logits()};
  if (!reads_logits() && kind() == pooling::cls) {
    output.rows = [](index_t) { return std::vector<index_t>{0}; };
  }
  const auto evaluate = [targets = *this, output, options](const std::string& sequence,
                                                           std::span<const substitution> substitutions,
                                                           std::span<double> values) {
    const detail::edits_reader read = [&](std::span<const std::int32_t> ids,
                                          std::span<const token_edit> edits, matrix_view<const float> rows,
                                          std::span<double> found) {
      detail::read_targets(targets, ids, edits, rows, found);
    };
    detail::evaluate_edits(targets.network(), output, read, options, sequence, substitutions, values);
  };
  return {.outputs = size(), .evaluate = evaluate};
}

DNALM_END_NAMESPACE
